"""What Seerr does on the media server, over HTTP for real."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from typing import Any

from peers.framework.client import Answer, UnreachableError, call


class MediaError(Exception):
    """The media server refused or is not there: status and code of Seerr's own answer."""

    def __init__(self, status: int, code: str) -> None:
        """As Seerr answers."""
        super().__init__(code)
        self.status, self.code = status, code


class Jellyfin:
    """A client for one server: `where` has ip, port, useSsl, urlBase and, once known, apiKey."""

    def __init__(self, where: Mapping[str, Any], device: str) -> None:
        """`device` is constant, so that sign-ins do not add devices."""
        scheme = "https" if where.get("useSsl") else "http"
        path = str(where.get("urlBase") or "").strip("/")
        self._base = f"{scheme}://{where['ip']}:{where.get('port') or 8096}" + (f"/{path}" if path else "")
        self._token = str(where.get("apiKey") or "")
        self._device = device

    def _call(self, method: str, path: str, data: Any = None) -> Answer:
        names = f'MediaBrowser Client="Seerr", Device="Seerr", DeviceId="{self._device}", Version="10.8.0"'
        token = f', Token="{self._token}"' if self._token else ""
        try:
            return call(method, f"{self._base}{path}", headers={"Authorization": names + token}, data=data)
        except UnreachableError as error:
            raise MediaError(404, "INVALID_URL") from error

    def sign_in(self, name: str, password: str) -> dict[str, Any]:
        """{id, name, administrator, server}; later calls carry the token."""
        answer = self._call("POST", "/Users/AuthenticateByName", {"Username": name, "Pw": password})
        if answer.status in {401, 403}:
            raise MediaError(401, "INVALID_CREDENTIALS")
        data = answer.json() if answer.status == 200 else None
        if not isinstance(data, dict):
            raise MediaError(404 if answer.status == 404 else 500, "INVALID_URL")
        self._token = data["AccessToken"]
        user = data["User"]
        return {"id": user["Id"], "name": user["Name"], "server": data["ServerId"],
                "administrator": bool(user["Policy"]["IsAdministrator"])}  # fmt: skip

    def public(self) -> dict[str, Any]:
        """System/Info/Public."""
        data = self._call("GET", "/System/Info/Public").json()
        if not isinstance(data, dict):
            raise MediaError(404, "INVALID_URL")
        return data

    def make_key(self, name: str) -> str:
        """A key of that name: made, then found in the list."""
        self._call("POST", f"/Auth/Keys?App={urllib.parse.quote(name)}")
        items = (self._call("GET", "/Auth/Keys").json() or {}).get("Items", [])
        keys = [item["AccessToken"] for item in items if item["AppName"] == name]
        if not keys:
            raise MediaError(500, "UNKNOWN")
        return str(keys[-1])

    def libraries(self) -> list[dict[str, Any]]:
        """The libraries of films and series, all switched off."""
        answer = self._call("GET", "/Library/MediaFolders")
        if answer.status == 401:
            raise MediaError(401, "INVALID_AUTH_TOKEN")
        kinds = {"movies": "movie", "tvshows": "show", "mixed": "mixed"}
        return [
            {"id": item["Id"], "name": item["Name"], "enabled": False, "type": kinds[item["CollectionType"]]}
            for item in (answer.json() or {}).get("Items", [])
            if item.get("CollectionType") in kinds
        ]
