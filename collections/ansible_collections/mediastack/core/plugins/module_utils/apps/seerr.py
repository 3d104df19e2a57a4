"""Seerr, and Jellyseerr and Overseerr which it succeeds: first sign-in, and what their owner wants to know.

The key given to it works only after the first sign-in made an administrator, and that sign-in also says where
the media server is. A body with a host name is accepted only while none is configured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.apps.text import count
from ansible_collections.mediastack.core.plugins.module_utils.http import Client, HttpError

if TYPE_CHECKING:
    from collections.abc import Mapping

API = "/api/v1"
JELLYFIN = 2
NOT_CONFIGURED = 4
FIRST = "/auth/jellyfin"


def public(client: Client) -> dict[str, Any]:
    """What it tells everybody, with `initialized` and `mediaServerType`. Raises HttpError."""
    answer = client.get(f"{API}/settings/public").expect(200).json()
    if not isinstance(answer, dict):
        raise HttpError(f"{client.base}{API}/settings/public: the answer is not an object")
    return answer


def first_sign_in(client: Client, account: Mapping[str, str], server: Mapping[str, Any]) -> None:
    """Sign in with the media server's administrator, and tell where that server is. Raises HttpError.

    account: {username, password, email}; server: {hostname, port, use_ssl, url_base}, as Seerr reaches it.
    """
    body = {
        **account,
        "hostname": server["hostname"],
        "port": int(server["port"]),
        "useSsl": bool(server["use_ssl"]),
        "urlBase": server["url_base"],
        "serverType": JELLYFIN,
    }
    client.post(f"{API}{FIRST}", json=body).expect(200)


def sign_in(client: Client, account: Mapping[str, str]) -> None:
    """Sign in when a media server is configured already. Raises HttpError."""
    body = {"username": account["username"], "password": account["password"]}
    client.post(f"{API}{FIRST}", json=body).expect(200)


def initialize(client: Client) -> None:
    """End the set-up; the client must be signed in as the administrator. Raises HttpError."""
    client.post(f"{API}/settings/initialize").expect(200)


def knows_key(url: str, api_key: str, *, timeout: float = 10) -> bool:
    """Whether the key acts as the administrator."""
    client = Client(url, headers={"X-Api-Key": api_key}, timeout=timeout)
    return client.get(f"{API}/auth/me").ok


def summary(client: Client) -> dict[str, Any]:
    """{"note", "details": {version, initialized, requests_pending, requests_total}}. Raises HttpError."""
    version = client.get(f"{API}/status").expect().json().get("version")
    details: dict[str, Any] = {"version": version, "initialized": bool(public(client).get("initialized"))}
    if not details["initialized"]:
        return {"note": "not set up yet", "details": details}
    counts = client.get(f"{API}/request/count").expect().json()
    details["requests_pending"] = int(counts.get("pending", 0))
    details["requests_total"] = int(counts.get("total", 0))
    pending = count(details["requests_pending"], "request", "requests")
    return {"note": f"{pending} pending", "details": details}
