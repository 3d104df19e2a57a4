"""Jellyfin 12, as far as the stack uses it: wizard, sign-in, API keys, libraries, sessions."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peers.framework import journal, web
from peers.framework.store import Store
from peers.framework.web import HttpError, Request, Response
from peers.jellyfin import identity, libraries

VERSION = "12.1.0"
PORT = 8096
CONFIGURATION: dict[str, Any] = {
    "ServerName": "", "UICulture": "en-US", "MetadataCountryCode": "US", "PreferredMetadataLanguage": "en",
    "IsStartupWizardCompleted": False, "EnableLegacyAuthorization": False, "QuickConnectAvailable": True,
    "EnableMetrics": False, "CachePath": "/cache", "LogFileRetentionDays": 3, "LibraryMonitorDelay": 60,
    "EnableFolderView": False, "ActivityLogRetentionDays": 30, "PluginRepositories": [],
}  # fmt: skip
NETWORK: dict[str, Any] = {
    "BaseUrl": "", "EnableHttps": False, "RequireHttps": False, "InternalHttpPort": 8096, "EnableIPv4": True,
    "EnableIPv6": False, "EnableRemoteAccess": True, "KnownProxies": [], "LocalNetworkSubnets": [],
}  # fmt: skip


def now() -> str:
    """UTC in the notation of the API."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.0000000Z", time.gmtime())


class Jellyfin(web.Application):
    """The server; for its first moments it answers as the setup server that migrates the database."""

    name = "Jellyfin (stand-in)"

    def __init__(self, config: Path, variables: Mapping[str, str]) -> None:
        """Read the state below `config`."""
        super().__init__()
        default = {
            "id": identity.identifier(), "users": [], "keys": [], "devices": [], "libraries": [],
            "configuration": CONFIGURATION, "network": NETWORK, "next": 1,
        }  # fmt: skip
        self.store = Store(config / "data" / "jellyfin.standin.json", default, mode=0o600)
        with self.store.change():
            """Keep the server's id from the first start on."""
        self.ready_at = time.monotonic() + float(variables.get("STANDIN_SETUP_SECONDS", "1"))
        self.libraries = libraries.Libraries(self.store)
        self._register()

    def _register(self) -> None:
        everybody = {"open_to_all": True}
        self.route("GET", "/System/Ping", lambda request: '"Jellyfin Server"', **everybody)
        self.route("POST", "/System/Ping", lambda request: '"Jellyfin Server"', **everybody)
        self.route("GET", "/health", lambda request: "Healthy", **everybody)
        self.route("GET", "/System/Info/Public", self.public_info, **everybody)
        self.route("POST", "/Users/AuthenticateByName", self.authenticate, **everybody)
        self.route("GET", "/Startup/Configuration", self.wizard_configuration, **everybody)
        self.route("POST", "/Startup/Configuration", self.save_wizard_configuration, **everybody)
        self.route("GET", "/Startup/User", self.wizard_user, **everybody)
        self.route("GET", "/Startup/FirstUser", self.wizard_user, **everybody)
        self.route("POST", "/Startup/User", self.save_wizard_user, **everybody)
        self.route("POST", "/Startup/RemoteAccess", self.remote_access, **everybody)
        self.route("POST", "/Startup/Complete", self.complete, **everybody)
        self.route("GET", "/", lambda request: "<!doctype html><title>Jellyfin</title><p>A stand-in for tests.",
                   **everybody)  # fmt: skip
        self.route("GET", "/System/Info", self.info)
        self.route("GET", "/System/Configuration", lambda request: self.store.read()["configuration"])
        self.route("POST", "/System/Configuration", self.save_configuration)
        self.route("GET", "/System/Configuration/network", lambda request: self.store.read()["network"])
        self.route("POST", "/System/Configuration/network", self.save_network)
        self.route("POST", "/System/Restart", self.restart)
        self.route("GET", "/Auth/Keys", self.keys)
        self.route("POST", "/Auth/Keys", self.add_key)
        self.route("DELETE", "/Auth/Keys/{key}", self.remove_key)
        self.route("GET", "/Users", self.users)
        self.route("GET", "/Users/Me", self.me)
        self.route("GET", "/Users/{id}", self.user)
        self.route("POST", "/Users/New", self.add_user)
        self.route("GET", "/Sessions", self.sessions)
        self.libraries.register(self)

    # who may call

    def answer(self, request: Request) -> Response:
        """While the setup server runs, /health works and nearly all else waits."""
        if time.monotonic() < self.ready_at:
            if request.path.lower() == "/health":
                return Response(200, "Healthy")
            if request.path.lower() == "/system/info/public":  # even on a finished server
                return Response(200, {**self._public(), "StartupWizardCompleted": False})
            return Response(503, "The server is still starting", {"Retry-After": "1"})
        return super().answer(request)

    def _token(self, request: Request) -> str:
        legacy = bool(self.store.read()["configuration"].get("EnableLegacyAuthorization"))
        return identity.caller(request, legacy=legacy).token

    def authorize(self, request: Request) -> None:
        """A known token; reads of one's own account need no administrator."""
        allowed = identity.is_administrator(self.store.read(), self._token(request))
        if allowed is None:
            raise HttpError(401)
        if not allowed and request.path.lower() not in {"/users/me", "/sessions", "/system/info"}:
            raise HttpError(403)

    def not_found(self, request: Request) -> HttpError:
        """Empty, as the real one answers."""
        return HttpError(404)

    def failed(self, error: Exception) -> HttpError:
        """The text of the real one."""
        return HttpError(500, "Error processing request.")

    def _first_time_or_elevated(self, request: Request) -> None:
        state = self.store.read()
        if state["configuration"]["IsStartupWizardCompleted"]:
            allowed = identity.is_administrator(state, self._token(request))
            if allowed is not True:
                raise HttpError(401 if allowed is None else 403)

    # system

    def _public(self) -> dict[str, Any]:
        state = self.store.read()
        return {
            "LocalAddress": f"http://127.0.0.1:{PORT}", "ServerName": state["configuration"]["ServerName"],
            "Version": VERSION, "ProductName": "Jellyfin Server (stand-in)", "OperatingSystem": "Linux",
            "Id": state["id"], "StartupWizardCompleted": state["configuration"]["IsStartupWizardCompleted"],
        }  # fmt: skip

    def public_info(self, request: Request) -> dict[str, Any]:
        """GET /System/Info/Public."""
        return self._public()

    def info(self, request: Request) -> dict[str, Any]:
        """GET /System/Info."""
        return {
            **self._public(), "HasPendingRestart": False, "IsShuttingDown": False, "SupportsLibraryMonitor": True,
            "WebSocketPortNumber": PORT, "ProgramDataPath": "/config/data", "CachePath": "/cache",
            "LogPath": "/config/log", "HasUpdateAvailable": False, "CanSelfRestart": True,
        }  # fmt: skip

    def save_configuration(self, request: Request) -> Response:
        """POST /System/Configuration: the whole object; what is missing falls back to its default."""
        with self.store.change() as state:
            done = state["configuration"]["IsStartupWizardCompleted"]
            state["configuration"] = {**CONFIGURATION, **request.object(), "IsStartupWizardCompleted": done}
        return Response(204)

    def save_network(self, request: Request) -> Response:
        """POST /System/Configuration/network; a restart makes it count."""
        with self.store.change() as state:
            state["network"] = {**NETWORK, **request.object()}
        return Response(204)

    def restart(self, request: Request) -> Response:
        """Answer, then end: the container's restart policy brings it back."""
        threading.Timer(0.2, os._exit, (0,)).start()
        return Response(204)

    # wizard

    def wizard_configuration(self, request: Request) -> dict[str, Any]:
        """GET /Startup/Configuration."""
        self._first_time_or_elevated(request)
        stored = self.store.read()["configuration"]
        return {key: stored[key] for key in
                ("ServerName", "UICulture", "MetadataCountryCode", "PreferredMetadataLanguage")}  # fmt: skip

    def save_wizard_configuration(self, request: Request) -> Response:
        """POST /Startup/Configuration."""
        self._first_time_or_elevated(request)
        body = request.object()
        with self.store.change() as state:
            for key in ("ServerName", "UICulture", "MetadataCountryCode", "PreferredMetadataLanguage"):
                state["configuration"][key] = body.get(key) or ""
        return Response(204)

    def wizard_user(self, request: Request) -> dict[str, Any]:
        """GET /Startup/User: it creates the first user."""
        self._first_time_or_elevated(request)
        with self.store.change() as state:
            if not state["users"]:
                state["users"].append(identity.new_user("root", administrator=True))
            return {"Name": state["users"][0]["name"], "Password": ""}

    def save_wizard_user(self, request: Request) -> Response:
        """POST /Startup/User: 404 before the GET, 400 without a password, 403 when it has one already."""
        self._first_time_or_elevated(request)
        body = request.object()
        with self.store.change() as state:
            if not state["users"]:
                raise HttpError(404)
            if not body.get("Password"):
                raise HttpError(400, "Password must not be empty")
            first = state["users"][0]
            if first["hash"]:
                raise HttpError(403)
            renamed = {**first, "name": body.get("Name") or first["name"]}
            state["users"][0] = identity.with_password(renamed, journal.hide(body["Password"]))
        return Response(204)

    def remote_access(self, request: Request) -> Response:
        """POST /Startup/RemoteAccess."""
        self._first_time_or_elevated(request)
        with self.store.change() as state:
            state["network"]["EnableRemoteAccess"] = bool(request.object().get("EnableRemoteAccess"))
        return Response(204)

    def complete(self, request: Request) -> Response:
        """POST /Startup/Complete: from here the wizard needs an administrator."""
        self._first_time_or_elevated(request)
        with self.store.change() as state:
            state["configuration"]["IsStartupWizardCompleted"] = True
        return Response(204)

    # people and keys

    def _shown_user(self, user: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
        return {
            "Name": user["name"], "ServerId": state["id"], "Id": user["id"], "HasPassword": bool(user["hash"]),
            "HasConfiguredPassword": bool(user["hash"]), "EnableAutoLogin": False,
            "Policy": {
                "IsAdministrator": user["administrator"], "IsHidden": True, "IsDisabled": False,
                "EnableAllFolders": True,
                "AuthenticationProviderId": "Jellyfin.Server.Implementations.Users.DefaultAuthenticationProvider",
                "PasswordResetProviderId": "Jellyfin.Server.Implementations.Users.DefaultPasswordResetProvider",
            },
        }  # fmt: skip

    def authenticate(self, request: Request) -> dict[str, Any]:
        """POST /Users/AuthenticateByName: all four names of the client are needed; one token per device."""
        legacy = bool(self.store.read()["configuration"].get("EnableLegacyAuthorization"))
        who = identity.caller(request, legacy=legacy)
        if not all((who.client, who.device, who.device_id, who.version)):
            raise HttpError(400, "Error processing request.")
        body = request.object()
        with self.store.change() as state:
            try:
                user = identity.find_user(state, name=body.get("Username") or "")
            except HttpError:
                raise HttpError(401) from None
            if not identity.password_fits(user, body.get("Pw") or ""):
                raise HttpError(401)
            device = {
                "token": journal.hide(identity.identifier()), "user": user["id"], "client": who.client,
                "device": who.device, "device_id": who.device_id, "version": who.version, "seen": now(),
            }  # fmt: skip
            others = [entry for entry in state["devices"]
                      if (entry["device_id"], entry["user"]) != (who.device_id, user["id"])]  # fmt: skip
            state["devices"] = [*others, device]
        shown = self._shown_user(user, state)
        return {"User": shown, "SessionInfo": self._session(device, user, state),
                "AccessToken": device["token"], "ServerId": state["id"]}  # fmt: skip

    def _session(self, device: dict[str, Any], user: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
        return {
            "Id": device["device_id"], "UserId": user["id"], "UserName": user["name"], "Client": device["client"],
            "DeviceName": device["device"], "DeviceId": device["device_id"], "ApplicationVersion": device["version"],
            "LastActivityDate": device["seen"], "ServerId": state["id"], "IsActive": True,
            "SupportsRemoteControl": False,
        }  # fmt: skip

    def sessions(self, request: Request) -> list[dict[str, Any]]:
        """GET /Sessions."""
        state = self.store.read()
        return [self._session(device, identity.find_user(state, id=device["user"]), state)
                for device in state["devices"]]  # fmt: skip

    def keys(self, request: Request) -> dict[str, Any]:
        """GET /Auth/Keys."""
        found = self.store.read()["keys"]
        return {"Items": found, "TotalRecordCount": len(found), "StartIndex": 0}

    def add_key(self, request: Request) -> Response:
        """POST /Auth/Keys?app=: always a new key, and not in the answer."""
        application = request.first("app")
        if not application:
            raise HttpError(400, "The app field is required.")
        with self.store.change() as state:
            state["keys"].append({
                "Id": state["next"], "AccessToken": journal.hide(identity.identifier()), "AppName": application,
                "DeviceId": "", "DateCreated": now(), "IsActive": True,
            })  # fmt: skip
            state["next"] += 1
        return Response(204)

    def remove_key(self, request: Request) -> Response:
        """DELETE /Auth/Keys/{key}."""
        with self.store.change() as state:
            state["keys"] = [key for key in state["keys"] if key["AccessToken"] != request.params["key"]]
        return Response(204)

    def users(self, request: Request) -> list[dict[str, Any]]:
        """GET /Users."""
        state = self.store.read()
        return [self._shown_user(user, state) for user in state["users"]]

    def user(self, request: Request) -> dict[str, Any]:
        """GET /Users/{id}."""
        state = self.store.read()
        return self._shown_user(identity.find_user(state, id=request.params["id"]), state)

    def me(self, request: Request) -> dict[str, Any]:
        """GET /Users/Me: an API key is nobody."""
        state, token = self.store.read(), self._token(request)
        for device in state["devices"]:
            if device["token"] == token:
                return self._shown_user(identity.find_user(state, id=device["user"]), state)
        raise HttpError(400, "Error processing request.")

    def add_user(self, request: Request) -> dict[str, Any]:
        """POST /Users/New."""
        body = request.object()
        name = body.get("Name") or ""
        with self.store.change() as state:
            if not name or any(user["name"].lower() == name.lower() for user in state["users"]):
                raise HttpError(400, "Error processing request.")
            user = identity.with_password(identity.new_user(name, administrator=False), body.get("Password") or "")
            state["users"].append(user)
        return self._shown_user(user, state)


def main() -> None:
    """Serve from JELLYFIN_DATA_DIR, or /config."""
    config = Path(os.environ.get("JELLYFIN_DATA_DIR", "/config"))
    port = int(os.environ.get("STANDIN_PORT", str(PORT)))
    web.serve(Jellyfin(config, os.environ), "*", port)


if __name__ == "__main__":
    main()
