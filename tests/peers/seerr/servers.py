"""Seerr's Radarr and Sonarr servers: appended without a look at doubles, replaced by PUT."""

from __future__ import annotations

from typing import Any

from peers.framework.client import UnreachableError, call
from peers.framework.store import Store
from peers.framework.web import Application, HttpError, Request, Response

NUMBERS = ("port", "activeProfileId", "activeAnimeProfileId", "activeLanguageProfileId")
TEXTS = ("name", "hostname", "apiKey", "baseUrl", "activeProfileName", "activeDirectory", "externalUrl",
         "minimumAvailability", "seriesType", "animeSeriesType")  # fmt: skip
SWITCHES = (
    "useSsl",
    "is4k",
    "isDefault",
    "syncEnabled",
    "preventSearch",
    "enableSeasonFolders",
    "tagRequests",
)
REQUIRED = {
    "radarr": ("name", "hostname", "port", "apiKey", "useSsl", "activeProfileId", "activeProfileName",
               "activeDirectory", "is4k", "minimumAvailability", "isDefault"),
    "sonarr": ("name", "hostname", "port", "apiKey", "useSsl", "activeProfileId", "activeProfileName",
               "activeDirectory", "is4k", "enableSeasonFolders", "isDefault"),
}  # fmt: skip


def _refuse(key: str, message: str) -> HttpError:
    error = {"path": f"/body/{key}", "message": message, "errorCode": "openapi.validation"}
    return HttpError(400, {"message": f"request/body/{key} {message}", "errors": [error]})


def check(body: dict[str, Any], required: tuple[str, ...]) -> None:
    """Refuse what breaks the API document, before anything is done."""
    for key in required:
        if key not in body:
            raise _refuse(key, f"must have required property '{key}'")
    for keys, kind, word in ((NUMBERS, int, "number"), (TEXTS, str, "string"), (SWITCHES, bool, "boolean")):
        for key in keys:
            value = body.get(key)
            if key in body and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
                raise _refuse(key, f"must be {word}")


class Servers:
    """The routes of one application."""

    def __init__(self, name: str, store: Store) -> None:
        """`name` is radarr or sonarr."""
        self.name, self._store = name, store

    def all(self, request: Request) -> list[dict[str, Any]]:
        """GET: keys in clear."""
        found: list[dict[str, Any]] = self._store.read()[self.name]
        return found

    def _index(self, servers: list[dict[str, Any]], request: Request) -> int:
        for index, server in enumerate(servers):
            if str(server["id"]) == request.params["id"]:
                return index
        raise HttpError(404, {"status": "404", "message": "Settings instance not found"})

    def _single_default(self, servers: list[dict[str, Any]], item: dict[str, Any]) -> None:
        if item.get("isDefault"):
            for other in servers:
                if other.get("is4k") == item.get("is4k"):
                    other["isDefault"] = False

    def add(self, request: Request) -> Response:
        """POST: always a new one."""
        body = request.object()
        check(body, REQUIRED[self.name])
        with self._store.change() as data:
            servers = data[self.name]
            body["id"] = servers[-1]["id"] + 1 if servers else 0
            self._single_default(servers, body)
            servers.append(body)
        return Response(201, body)

    def replace(self, request: Request) -> dict[str, Any]:
        """PUT {id}: the object as sent, nothing kept."""
        body = request.object()
        check(body, REQUIRED[self.name])
        with self._store.change() as data:
            servers = data[self.name]
            index = self._index(servers, request)
            self._single_default(servers, body)
            servers[index] = {**body, "id": servers[index]["id"]}
            result: dict[str, Any] = servers[index]
        return result

    def remove(self, request: Request) -> dict[str, Any]:
        """DELETE {id}."""
        with self._store.change() as data:
            removed: dict[str, Any] = data[self.name].pop(self._index(data[self.name], request))
        return removed

    def test(self, request: Request) -> dict[str, Any]:
        """POST test: asks the application for real."""
        body = request.object()
        check(body, ("hostname", "port", "apiKey"))
        scheme = "https" if body.get("useSsl") else "http"
        prefix = str(body.get("baseUrl") or "").strip("/")
        base = f"{scheme}://{body['hostname']}:{body['port']}/" + (f"{prefix}/" if prefix else "") + "api/v3"
        headers = {"X-Api-Key": body["apiKey"]}
        answers = {}
        for path in ("system/status", "qualityprofile", "rootfolder", "tag"):
            try:
                answer = call("GET", f"{base}/{path}", headers=headers)
            except UnreachableError as error:
                raise HttpError(500, {"status": 500, "message": f"Failed to connect to {self.name}"}) from error
            if answer.status != 200:
                raise HttpError(500, {"status": 500, "message": f"Failed to connect to {self.name}"})
            answers[path] = answer.json()
        return {
            "profiles": [{"id": item["id"], "name": item["name"]} for item in answers["qualityprofile"]],
            "rootFolders": [{"id": item["id"], "path": item["path"]} for item in answers["rootfolder"]],
            "tags": answers["tag"],
            "urlBase": answers["system/status"].get("urlBase") or "",
        }


def register(application: Application, store: Store, base: str) -> None:
    """Add the routes of both applications."""
    for name in ("radarr", "sonarr"):
        servers, path = Servers(name, store), f"{base}/settings/{name}"
        application.route("GET", path, servers.all)
        application.route("POST", f"{path}/test", servers.test)
        application.route("POST", path, servers.add)
        application.route("PUT", f"{path}/{{id}}", servers.replace)
        application.route("DELETE", f"{path}/{{id}}", servers.remove)
