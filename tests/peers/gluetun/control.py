"""The control server on port 8000 and the roles that may call it; the health server on port 9999."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from peers.framework import journal, web
from peers.framework.web import HttpError, Request
from peers.gluetun.loop import Loop
from peers.gluetun.settings import SettingsError

VERSION = {"version": "v3.41.1-standin", "commit": "standin", "created": "2026-01-01T00:00:00Z"}
ROUTES = frozenset(
    [f"GET /v1/{path}" for path in (
        "version", "vpn/status", "vpn/settings", "openvpn/status", "openvpn/portforwarded", "openvpn/settings",
        "dns/status", "updater/status", "publicip/ip", "portforward",
    )]
    + [f"PUT /v1/{path}" for path in
       ("vpn/status", "vpn/settings", "openvpn/status", "dns/status", "updater/status")]
    + ["GET /openvpn/actions/restart", "GET /openvpn/portforwarded", "GET /openvpn/settings",
       "GET /unbound/actions/restart", "GET /updater/restart"]
)  # fmt: skip
# what releases up to 3.41 leave open when nobody defines a role
PUBLIC = ROUTES - {
    "GET /v1/vpn/settings",
    "PUT /v1/vpn/settings",
    "GET /v1/openvpn/settings",
    "GET /openvpn/settings",
}
KEYS = {"name", "auth", "apikey", "username", "password", "routes"}


def check_role(role: Any) -> dict[str, Any]:
    """A role as the real one accepts it. Raises SettingsError."""
    if not isinstance(role, dict) or set(role) - KEYS:
        raise SettingsError(f"control server authentication: unknown fields in a role: {sorted(set(role) - KEYS)}")
    name, method = role.get("name", ""), role.get("auth", "")
    if method not in {"none", "apikey", "basic"}:
        raise SettingsError(f"role {name}: authentication method not supported: {method}")
    needed = {"apikey": ("apikey",), "basic": ("username", "password")}.get(method, ())
    for key in needed:
        if not role.get(key):
            raise SettingsError(f"for role {name}: {key} is empty")
        journal.hide(str(role[key]))
    for route in role.get("routes", []):
        if route not in ROUTES:
            raise SettingsError(f"role {name}: route not supported by the control server: {route}")
    return role


def roles(file: Path, default: str) -> list[dict[str, Any]]:
    """The roles of the file, of the default role for what is left, or else the public one. Raises SettingsError."""
    found = []
    if file.exists():
        try:
            document = tomllib.loads(file.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise SettingsError(f"reading {file}: {error}") from error
        if set(document) - {"roles"}:
            raise SettingsError(f"{file}: unknown fields {sorted(set(document) - {'roles'})}")
        found = [check_role(role) for role in document.get("roles", [])]
    try:
        rest = json.loads(default or "{}")
    except ValueError as error:
        raise SettingsError(f"decoding default role: {error}") from error
    if rest.get("auth"):
        taken = {route for role in found for route in role.get("routes", [])}
        found.append({**check_role(rest), "routes": sorted(ROUTES - taken)})
    return found or [{"name": "public", "auth": "none", "routes": sorted(PUBLIC)}]


def authorized(role: dict[str, Any], request: Request) -> bool:
    """Whether the request shows what the role wants."""
    if role["auth"] == "none":
        return True
    if role["auth"] == "apikey":
        return secrets.compare_digest(request.headers.get("X-API-Key", "").encode(), role["apikey"].encode())
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    try:
        shown = base64.b64decode(value, validate=True)
    except binascii.Error:
        return False
    wanted = f"{role['username']}:{role['password']}".encode()
    return scheme.lower() == "basic" and secrets.compare_digest(shown, wanted)


class Control(web.Application):
    """Routes that need a role; what no role names is refused, known or not."""

    name = "gluetun's control server (stand-in)"

    def __init__(self, loop: Loop, provider: str, who: list[dict[str, Any]], renew: Callable[[str], str]) -> None:
        """`renew` switches the DNS server."""
        super().__init__()
        self._loop, self._roles, self._renew, self._dns = loop, who, renew, "running"
        self.route("GET", "/v1/version", lambda request: VERSION)
        for kind in ("vpn", "openvpn"):
            self.route("GET", f"/v1/{kind}/status", lambda request: {"status": loop.status})
            self.route("PUT", f"/v1/{kind}/status", self.set_vpn)
        self.route("GET", "/v1/vpn/settings", lambda request: {"type": "wireguard", "provider": {"name": provider}})
        self.route("GET", "/v1/publicip/ip", lambda request: loop.public_ip)
        self.route("GET", "/v1/portforward", lambda request: {"port": loop.port})
        self.route("GET", "/v1/openvpn/portforwarded", lambda request: {"port": loop.port})
        self.route("GET", "/v1/dns/status", lambda request: {"status": self._dns})
        self.route("PUT", "/v1/dns/status", self.set_dns)
        self.route("GET", "/v1/updater/status", lambda request: {"status": "completed"})

    def answer(self, request: Request) -> web.Response:
        """Ask the roles before the routes, as the real one does: an unknown route is 401, not 404."""
        mine = [role for role in self._roles if f"{request.method} {request.path}" in role.get("routes", [])]
        if not any(authorized(role, request) for role in mine):
            return web.Response(401, "Unauthorized\n")
        return super().answer(request)

    def not_found(self, request: Request) -> HttpError:
        """As the real one: 400."""
        return HttpError(400, f"{request.method} {request.path} not found\n")

    def _status(self, request: Request) -> str:
        status = request.object().get("status")
        if status not in {"running", "stopped"}:
            raise HttpError(400, f"invalid status: {status}: possible values are: stopped, running\n")
        return str(status)

    def set_vpn(self, request: Request) -> dict[str, str]:
        """PUT /v1/vpn/status."""
        return {"outcome": self._loop.apply(self._status(request))}

    def set_dns(self, request: Request) -> dict[str, str]:
        """PUT /v1/dns/status."""
        wanted = self._status(request)
        if wanted == self._dns:
            return {"outcome": f"already {wanted}"}
        self._dns = self._renew(wanted)
        return {"outcome": self._dns}


class Health(web.Application):
    """200 while the tunnel carries traffic, 500 with the reason otherwise."""

    name = "gluetun's health server (stand-in)"

    def __init__(self, loop: Loop) -> None:
        """One route, any path."""
        super().__init__()
        self._loop = loop

    def answer(self, request: Request) -> web.Response:
        """The loop's last word."""
        if request.method != "GET":
            return web.Response(400, "method not supported for healthcheck\n")
        if self._loop.problem is not None:
            return web.Response(500, f"{self._loop.problem}\n")
        return web.Response(200)
