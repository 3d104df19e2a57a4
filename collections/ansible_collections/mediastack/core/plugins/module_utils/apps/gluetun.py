"""gluetun's control server, read for its owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.http import HttpError

if TYPE_CHECKING:
    from ansible_collections.mediastack.core.plugins.module_utils.http import Client


def summary(client: Client) -> dict[str, Any]:
    """Where it comes out: {"note": "London, 203.0.113.7, port 41200", "details": {…}}.

    details: vpn, public_ip, city, country, forwarded_port. Raises HttpError when the state of the tunnel
    cannot be read. What else is missing is null: the public address is unknown while the tunnel starts, and a
    provider may forward no port.
    """
    vpn = client.get("/v1/vpn/status").expect().json().get("status", "unknown")
    place = _read(client, "/v1/publicip/ip")
    port = _read(client, "/v1/portforward").get("port") or None
    details = {
        "vpn": vpn,
        "public_ip": place.get("public_ip") or None,
        "city": place.get("city") or None,
        "country": place.get("country") or None,
        "forwarded_port": port,
    }
    known = [details["city"] or details["country"], details["public_ip"], port and f"port {port}"]
    words = [str(word) for word in known if word]
    if vpn != "running":
        words.insert(0, f"tunnel {vpn}")
    return {"note": ", ".join(words) or f"tunnel {vpn}", "details": details}


def _read(client: Client, path: str) -> dict[str, Any]:
    try:
        answer = client.get(path).expect().json()
    except HttpError:
        return {}
    return answer if isinstance(answer, dict) else {}
