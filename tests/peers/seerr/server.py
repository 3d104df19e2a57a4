"""Seerr 3, as far as the stack uses it. `python3 -m peers.seerr.server [seerr|jellyseerr|overseerr]`."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peers.framework import journal, web
from peers.framework.store import Store
from peers.framework.web import HttpError, Request, Response
from peers.seerr import servers, settings
from peers.seerr.media import Jellyfin, MediaError


@dataclass(frozen=True)
class Variant:
    """What tells the three apart."""

    title: str
    version: str
    jellyfin: bool
    key_from_environment: bool


VARIANTS = {
    "seerr": Variant("Seerr", "3.4.1", jellyfin=True, key_from_environment=True),
    "jellyseerr": Variant("Jellyseerr", "2.7.3", jellyfin=True, key_from_environment=True),
    "overseerr": Variant("Overseerr", "1.34.0", jellyfin=False, key_from_environment=False),
}
ADMIN = 2
FORBIDDEN = {"status": 403, "error": "You do not have permission to access this endpoint"}


def invalid(path: str, message: str) -> HttpError:
    """400 as the request validator answers."""
    error = {"path": path, "message": message, "errorCode": "openapi.validation"}
    return HttpError(400, {"message": f"request{path.replace('/', '.')} {message}", "errors": [error]})


def typed(body: Mapping[str, Any], **kinds: type) -> None:
    """Refuse values that are not of the type that the API document gives."""
    for key, kind in kinds.items():
        value = body.get(key)
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            raise invalid(f"/body/{key}", f"must be {'number' if kind is int else kind.__name__}")


class Seerr(web.Application):
    """Requests for films and series."""

    def __init__(self, variant: Variant, config: Path, variables: Mapping[str, str]) -> None:
        """Read settings.json and the users below `config`."""
        super().__init__()
        self.variant, self.name = variant, f"{variant.title} (stand-in)"
        key = variables.get("API_KEY") if variant.key_from_environment else None
        self.settings = settings.load(config / "settings.json", api_key=key, title=variant.title)
        self.people = Store(config / "db.standin.json", {"users": [], "next": 1}, mode=0o600)
        self._sessions: dict[str, int] = {}
        base = "/api/v1"
        self.route("GET", "/", lambda request: f"<!doctype html><title>{variant.title}</title>", open_to_all=True)
        self.route("GET", f"{base}/status", self.status, open_to_all=True)
        self.route("GET", f"{base}/settings/public", self.public, open_to_all=True)
        self.route("POST", f"{base}/auth/local", self.local, open_to_all=True)
        self.route("POST", f"{base}/auth/plex", self.plex, open_to_all=True)
        if variant.jellyfin:
            self.route("POST", f"{base}/auth/jellyfin", self.jellyfin_login, open_to_all=True)
            self.route("GET", f"{base}/settings/jellyfin", lambda request: self.settings.read()["jellyfin"])
            self.route("POST", f"{base}/settings/jellyfin", self.save_jellyfin)
            self.route("GET", f"{base}/settings/jellyfin/library", self.libraries)
            self.route("POST", f"{base}/settings/jellyfin/sync", lambda request: {"running": True, "progress": 0})
        self.route("GET", f"{base}/auth/me", lambda request: self.shown(self.user(request)))
        self.route("POST", f"{base}/auth/logout", self.logout)
        self.route("GET", f"{base}/settings/main", lambda request: self.settings.read()["main"])
        self.route("POST", f"{base}/settings/main", lambda request: self.save("main", request))
        self.route("POST", f"{base}/settings/main/regenerate", self.regenerate)
        self.route("GET", f"{base}/settings/network", lambda request: self.settings.read()["network"])
        self.route("POST", f"{base}/settings/network", lambda request: self.save("network", request))
        self.route("POST", f"{base}/settings/initialize", self.initialize)
        self.route("GET", f"{base}/settings/about", self.about)
        self.route("GET", f"{base}/user", self.users)
        self.route("GET", f"{base}/request/count", self.request_count)
        servers.register(self, self.settings, base)

    # who may call

    def user(self, request: Request) -> dict[str, Any] | None:
        """The caller: by key the first user, by cookie the one who signed in."""
        users: list[dict[str, Any]] = self.people.read()["users"]
        key = request.headers.get("X-Api-Key")
        if key is not None and secrets.compare_digest(key.encode(), self.settings.read()["main"]["apiKey"].encode()):
            number = int(request.headers.get("X-Api-User") or 1)
        else:
            cookies = dict(part.partition("=")[::2] for part in request.headers.get("Cookie", "").split("; "))
            number = self._sessions.get(cookies.get("connect.sid", ""), 0)
        return next((user for user in users if user["id"] == number), None)

    def authorize(self, request: Request) -> None:
        """All that is not open needs a user; settings need an administrator."""
        user = self.user(request)
        if user is None or ("/settings" in request.path and not user["permissions"] & ADMIN):
            raise HttpError(403, FORBIDDEN)

    def not_found(self, request: Request) -> HttpError:
        """As the request validator answers."""
        return HttpError(404, {"message": "not found", "errors": [{"path": request.path, "message": "not found"}]})

    def _session(self, user: dict[str, Any]) -> Response:
        token = f"s%3A{secrets.token_urlsafe(24)}"
        self._sessions[token] = user["id"]
        return Response(200, self.shown(user), {"Set-Cookie": f"connect.sid={token}; Path=/; HttpOnly; SameSite=Lax"})

    def shown(self, user: dict[str, Any] | None) -> dict[str, Any]:
        """A user as the API shows it."""
        assert user is not None
        return {key: value for key, value in user.items() if key != "token"}

    # open

    def status(self, request: Request) -> dict[str, Any]:
        """GET /status."""
        return {"version": self.variant.version, "commitTag": "standin", "updateAvailable": False,
                "commitsBehind": 0, "restartRequired": False}  # fmt: skip

    def public(self, request: Request) -> dict[str, Any]:
        """GET /settings/public."""
        data = self.settings.read()
        keys = ("applicationTitle", "applicationUrl", "hideAvailable", "localLogin", "mediaServerType", "locale",
                "partialRequestsEnabled", "cacheImages", "newPlexLogin", "mediaServerLogin")  # fmt: skip
        return {
            "initialized": data["public"]["initialized"],
            **{key: data["main"][key] for key in keys if self.variant.jellyfin or key != "mediaServerType"},
            "movie4kEnabled": any(server.get("is4k") for server in data["radarr"]),
            "series4kEnabled": any(server.get("is4k") for server in data["sonarr"]),
        }

    def jellyfin_login(self, request: Request) -> Response:
        """POST /auth/jellyfin: the first one also says where the server is, and makes the administrator."""
        body = request.object()
        typed(body, username=str, password=str, hostname=str, port=int, useSsl=bool, urlBase=str, email=str,
              serverType=int)  # fmt: skip
        data, users = self.settings.read(), self.people.read()["users"]
        configured = data["main"]["mediaServerType"] != settings.NOT_CONFIGURED and bool(data["jellyfin"]["ip"])
        if body.get("hostname") and configured:
            raise HttpError(500, {"error": "Jellyfin hostname already configured"})
        if not body.get("username"):
            raise HttpError(500, {"error": "You must provide an username"})
        if not configured and not body.get("hostname"):
            raise HttpError(500, {"error": "No hostname provided."})
        if not configured and body.get("serverType") not in {settings.JELLYFIN, settings.EMBY}:
            raise HttpError(500, {"error": "Server type is not set"})
        where = data["jellyfin"] if configured else {**body, "ip": body["hostname"]}
        server = Jellyfin(where, f"mediastack-standin-{data['clientId'][:12]}")
        try:
            account = server.sign_in(body["username"], body.get("password") or "")
            if not users:
                self._configure(body, server, account)
        except MediaError as error:
            raise HttpError(error.status, {"message": error.code}) from error
        return self._session(self._remember(account, body, first=not users))

    def _configure(self, body: Mapping[str, Any], server: Jellyfin, account: Mapping[str, Any]) -> None:
        if not account["administrator"]:
            raise MediaError(403, "NOT_ADMIN")
        key = server.make_key("Seerr")
        with self.settings.change() as data:
            data["main"]["mediaServerType"] = body["serverType"]
            data["jellyfin"] |= {
                "name": server.public().get("ServerName", ""), "ip": body["hostname"],
                "port": body.get("port") or 8096, "useSsl": bool(body.get("useSsl")),
                "urlBase": body.get("urlBase") or "", "serverId": account["server"], "apiKey": key,
            }  # fmt: skip

    def _remember(self, account: Mapping[str, Any], body: Mapping[str, Any], *, first: bool) -> dict[str, Any]:
        with self.people.change() as state:
            for known in state["users"]:
                if known["jellyfinUserId"] == account["id"]:
                    found: dict[str, Any] = known
                    return found
            if not first and not self.settings.read()["main"]["newPlexLogin"]:
                raise HttpError(403, {"status": 403, "message": "Access denied."})
            user = {
                "id": state["next"], "email": body.get("email") or account["name"], "displayName": account["name"],
                "jellyfinUsername": account["name"], "jellyfinUserId": account["id"], "userType": 3,
                "permissions": ADMIN if first else self.settings.read()["main"]["defaultPermissions"],
                "avatar": f"/avatarproxy/{account['id']}", "requestCount": 0,
                "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z",
            }  # fmt: skip
            state["next"] += 1
            state["users"].append(user)
        return user

    def local(self, request: Request) -> Response:
        """POST /auth/local: nobody has a local password here."""
        body = request.object()
        if not body.get("email") or not body.get("password"):
            raise HttpError(500, {"error": "You must provide both an email address and a password."})
        raise HttpError(403, {"status": 403, "message": "Access denied."})

    def plex(self, request: Request) -> Response:
        """POST /auth/plex: it needs plex.tv, which the sandbox has not."""
        if not request.object().get("authToken"):
            raise HttpError(500, {"status": 500, "message": "Authentication token required."})
        raise HttpError(500, {"status": 500, "message": "Unable to authenticate."})

    # for administrators

    def logout(self, request: Request) -> dict[str, Any]:
        """POST /auth/logout."""
        for part in request.headers.get("Cookie", "").split("; "):
            self._sessions.pop(part.partition("=")[2], None)
        return {"status": "ok"}

    def save(self, section: str, request: Request) -> dict[str, Any]:
        """POST /settings/<section>: merged; the key is not changed this way."""
        body = request.object()
        typed(body, applicationTitle=str, applicationUrl=str, localLogin=bool, newPlexLogin=bool, locale=str,
              defaultPermissions=int, csrfProtection=bool, trustProxy=bool, apiRequestTimeout=int)  # fmt: skip
        body.pop("apiKey", None)
        with self.settings.change() as data:
            data[section] = settings.merge(data[section], body)
            result: dict[str, Any] = data[section]
        return result

    def regenerate(self, request: Request) -> dict[str, Any]:
        """POST /settings/main/regenerate."""
        with self.settings.change() as data:
            data["main"]["apiKey"] = journal.hide(secrets.token_urlsafe(48))
            result: dict[str, Any] = data["main"]
        return result

    def initialize(self, request: Request) -> dict[str, Any]:
        """POST /settings/initialize."""
        with self.settings.change() as data:
            data["public"]["initialized"] = True
        return {"initialized": True}

    def about(self, request: Request) -> dict[str, Any]:
        """GET /settings/about."""
        return {"version": self.variant.version, "totalMediaItems": 0, "totalRequests": 0,
                "tz": os.environ.get("TZ", "")}  # fmt: skip

    def users(self, request: Request) -> dict[str, Any]:
        """GET /user."""
        found = [self.shown(user) for user in self.people.read()["users"]]
        return {"pageInfo": {"pages": 1, "pageSize": 10, "results": len(found), "page": 1}, "results": found}

    def request_count(self, request: Request) -> dict[str, int]:
        """GET /request/count."""
        return dict.fromkeys(
            (
                "total",
                "movie",
                "tv",
                "pending",
                "approved",
                "declined",
                "processing",
                "available",
                "completed",
            ),
            0,
        )

    def save_jellyfin(self, request: Request) -> dict[str, Any]:
        """POST /settings/jellyfin: merged, and tested against the server."""
        body = request.object()
        typed(body, ip=str, port=int, useSsl=bool, urlBase=str, externalHostname=str)
        merged = settings.merge(self.settings.read()["jellyfin"], body)
        try:
            Jellyfin(merged, "mediastack-standin").public()
        except MediaError as error:
            raise HttpError(error.status, {"message": error.code}) from error
        with self.settings.change() as data:
            data["jellyfin"] = merged
        return merged

    def libraries(self, request: Request) -> list[dict[str, Any]]:
        """GET /settings/jellyfin/library: without `enable` every library is switched off, after a sync too."""
        stored = self.settings.read()["jellyfin"]
        found: list[dict[str, Any]] = stored["libraries"]
        if request.flag("sync"):
            try:
                found = Jellyfin(stored, "mediastack-standin").libraries()
            except MediaError as error:
                raise HttpError(error.status, {"message": error.code}) from error
            if not found:
                raise HttpError(404, {"message": "SYNC_ERROR_NO_LIBRARIES"})
        enabled = set((request.first("enable") or "").split(","))
        found = [{**library, "enabled": library["id"] in enabled} for library in found]
        with self.settings.change() as data:
            data["jellyfin"]["libraries"] = found
        return found


def main(arguments: list[str]) -> None:
    """Serve from CONFIG_DIRECTORY on HOST and PORT, as the real one reads them."""
    variant = VARIANTS[arguments[0] if arguments else "seerr"]
    config = Path(os.environ.get("CONFIG_DIRECTORY", "/app/config"))
    try:
        config.mkdir(parents=True, exist_ok=True)
        application = Seerr(variant, config, os.environ)
    except (OSError, ValueError) as error:
        journal.say(f"[error] {error}")
        sys.exit(1)
    web.serve(application, os.environ.get("HOST", "*"), int(os.environ.get("PORT", "5055")))


if __name__ == "__main__":
    main(sys.argv[1:])
