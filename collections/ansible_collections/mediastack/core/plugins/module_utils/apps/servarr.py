"""Sonarr, Radarr (API v3) and Prowlarr (API v1): their login, and what their owner wants to know.

What is peculiar: the host configuration is read and written as a whole; its GET shows the *hash* of the
password, so only an attempt to sign in tells whether the password is the wanted one; user names are kept in
lower case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.mediastack.core.plugins.module_utils.apps.text import count
from ansible_collections.mediastack.core.plugins.module_utils.http import Client, HttpError

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSIONS = {"servarr-v3": "v3", "servarr-v1": "v1"}
REDIRECTS = (301, 302, 303, 307)


class Login(NamedTuple):
    """A wanted login of the web interface."""

    username: str
    password: str


def api_of(kind: str) -> str:
    """The path of the API of a catalogue kind. Raises HttpError on one that is not of this family."""
    if kind not in VERSIONS:
        raise HttpError(f"{kind} is not one of {', '.join(sorted(VERSIONS))}")
    return f"/api/{VERSIONS[kind]}"


def client_for(url: str, api_key: str, *, timeout: float = 10) -> Client:
    """A client that shows the key."""
    return Client(url, headers={"X-Api-Key": api_key}, timeout=timeout)


def host_config(client: Client, api: str) -> dict[str, Any]:
    """The whole host configuration. Raises HttpError."""
    config = client.get(f"{api}/config/host").expect(200).json()
    if not isinstance(config, dict) or "id" not in config:
        raise HttpError(f"{client.base}{api}/config/host: the answer is not a host configuration")
    return config


def drift(url: str, config: Mapping[str, Any], wanted: Login, *, timeout: float = 10) -> list[str]:
    """What of the login is not as wanted, among "method", "username", "password". Raises HttpError."""
    found = []
    if str(config.get("authenticationMethod", "")).lower() != "forms":
        found.append("method")
    if str(config.get("username") or "") != wanted.username.lower():
        found.append("username")
    if not found and not accepts(url, wanted, timeout=timeout):
        found.append("password")
    return found


def accepts(url: str, login: Login, *, timeout: float = 10) -> bool:
    """Whether the login page lets this login in. Raises HttpError when it answers neither yes nor no."""
    stranger = Client(url, timeout=timeout)
    form = {"username": login.username, "password": login.password, "rememberMe": "off"}
    answer = stranger.post("/login", form=form)
    if answer.status not in REDIRECTS:
        raise HttpError(f"{answer.label}: status {answer.status}, a redirect was expected")
    return "loginfailed=true" not in answer.location.lower()


def set_login(client: Client, api: str, config: Mapping[str, Any], wanted: Login) -> None:
    """Write the login: the whole configuration as read, with these fields. Raises HttpError."""
    body = {
        **config,
        "authenticationMethod": "forms",
        "username": wanted.username,
        "password": wanted.password,
        "passwordConfirmation": wanted.password,
    }
    client.put(f"{api}/config/host/{config['id']}", json=body).expect()


def restart(client: Client, api: str) -> None:
    """Ask the application to restart; it answers before it goes. Raises HttpError."""
    client.post(f"{api}/system/restart").expect()


def summary(client: Client, kind: str) -> dict[str, Any]:
    """{"note", "details": {version, …, queue, warnings: [text]}}. Raises HttpError."""
    api = api_of(kind)
    status = client.get(f"{api}/system/status").expect().json()
    warnings = [str(item.get("message", "")) for item in client.get(f"{api}/health").expect().json()]
    details: dict[str, Any] = {"version": status.get("version"), "warnings": warnings}
    words = _contents(client, api, str(status.get("appName", "")), details)
    if warnings:
        words.append(count(len(warnings), "warning", "warnings"))
    return {"note": ", ".join(words), "details": details}


def _contents(client: Client, api: str, application: str, details: dict[str, Any]) -> list[str]:
    if application == "Prowlarr":
        indexers = client.get(f"{api}/indexer").expect().json()
        details["indexers"] = len(indexers)
        details["indexers_enabled"] = sum(1 for indexer in indexers if indexer.get("enable"))
        return [f"{details['indexers_enabled']} of {count(len(indexers), 'indexer', 'indexers')} enabled"]
    details["queue"] = int(client.get(f"{api}/queue/status").expect().json().get("totalCount", 0))
    queued = f"{details['queue']} in the queue"
    if application == "Radarr":
        films = client.get(f"{api}/movie").expect().json()
        details["films"] = len(films)
        details["films_present"] = sum(1 for film in films if film.get("hasFile"))
        return [count(len(films), "film", "films"), queued]
    series = client.get(f"{api}/series").expect().json()
    details["series"] = len(series)
    return [f"{len(series)} series", queued]
