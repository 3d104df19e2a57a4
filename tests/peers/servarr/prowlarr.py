"""Prowlarr 2, as far as the stack uses it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from peers.framework import journal
from peers.framework.client import UnreachableError, call
from peers.framework.web import HttpError, Request, Response
from peers.servarr import definitions, kinds
from peers.servarr.base import Product, Servarr, run
from peers.servarr.faults import failure, missing, refuse
from peers.servarr.providers import Kind

PRODUCT = Product("Prowlarr", "2.5.2.0", "v1", 9696, "master", {"historyCleanupDays": 365})
EVENTS = ("onGrab", "onHealthIssue", "onHealthRestored", "onApplicationUpdate", "includeManualGrabs",
          "includeHealthWarnings")  # fmt: skip
CAPABILITIES = (
    '<?xml version="1.0" encoding="UTF-8"?><caps><server title="Prowlarr (stand-in)"/>'
    '<limits default="100" max="100"/><searching><search available="yes" supportedParams="q"/>'
    '<tv-search available="yes" supportedParams="q,season,ep"/>'
    '<movie-search available="yes" supportedParams="q"/></searching><categories>'
    '<category id="2000" name="Movies"/><category id="5000" name="TV"/></categories></caps>'
)
PROFILE = {"id": 1, "name": "Standard", "enableRss": True, "enableAutomaticSearch": True,
           "enableInteractiveSearch": True, "minimumSeeders": 1}  # fmt: skip


class Prowlarr(Servarr):
    """Indexers for the others."""

    def __init__(self, config: Path, variables: Mapping[str, str]) -> None:
        """Add what Prowlarr has beside the common parts."""
        super().__init__(PRODUCT, config, variables)
        self._syncing = threading.Lock()  # one at a time, or an older one brings back what is gone
        self.applications = self.add_kind(self._application_kind())
        self.indexers = self.add_kind(self._indexer_kind())
        self.add_kind(Kind("indexerproxy", definitions.PROXIES, {}, lambda item: bool(item["tags"]), always_test=True))
        clients = (definitions.qbittorrent("", "prowlarr"), definitions.sabnzbd("", "prowlarr"))
        flags = {"enable": True, "priority": 1, "categories": []}
        self.add_kind(
            Kind("downloadclient", clients, flags, lambda item: bool(item["enable"]),
                 {"supportsCategories": True}, priority=(1, 50), always_test=True)
        )  # fmt: skip
        events = kinds.notification((definitions.WEBHOOK,), EVENTS)
        events.always_test = True
        self.add_kind(events)
        self.route("GET", f"{self.api}/appprofile", lambda request: [PROFILE])
        self.route("GET", f"{self.active.url_base}/{{id}}/api", self.torznab)
        self.commands |= {
            "ApplicationIndexerSync": lambda body: self.sync_all(),
            "IndexerDefinitionUpdate": lambda body: "Completed",
        }

    def _application_kind(self) -> Kind:
        levels = ("disabled", "addOnly", "fullSync")
        enabled: Callable[[dict[str, Any]], bool] = lambda item: item["syncLevel"] != "disabled"  # noqa: E731
        return Kind(
            "applications", definitions.APPLICATIONS, {"syncLevel": "addOnly"}, enabled,
            choices={"syncLevel": levels}, always_test=True, changed=self._sync_later,
        )  # fmt: skip

    def _indexer_kind(self) -> Kind:
        flags = {"enable": True, "redirect": False, "appProfileId": 1, "priority": 25, "downloadClientId": 0}
        shown = {
            "definitionName": "Generic", "indexerUrls": [], "legacyUrls": [], "description": "", "language": "en-US",
            "privacy": "private", "supportsRss": True, "supportsSearch": True, "supportsRedirect": True,
            "supportsPagination": False,
        }  # fmt: skip
        implementations = (definitions.PROWLARR_NEWZNAB, definitions.PROWLARR_TORZNAB)
        return Kind(
            "indexer", implementations, flags, lambda item: bool(item["enable"]), shown, priority=(1, 50),
            always_test=True, check=self._check_indexer, changed=self._sync_later,
        )  # fmt: skip

    def _check_indexer(self, item: dict[str, Any]) -> None:
        if item["appProfileId"] != PROFILE["id"]:
            raise refuse(failure("AppProfileId", "App profile does not exist", item["appProfileId"]))
        if item["protocol"] == "usenet" and not item["redirect"]:
            raise refuse(failure("Redirect", "Redirect must be enabled for usenet indexers", False))

    def complaints(self) -> list[tuple[str, str, str]]:
        """What a new installation complains about."""
        if self.indexers.items():
            return []
        return [("IndexerCheck", "error", "No indexers are enabled, Prowlarr will not return search results")]

    def torznab(self, request: Request) -> Response:
        """`/{indexer}/api`: what the applications ask; 0 is the indexer of a connection test."""
        if request.first("apikey") != self.active.api_key:
            raise HttpError(401)
        number = request.params["id"]
        if number != "0" and all(str(item["id"]) != number for item in self.indexers.items()):
            raise missing("Indexer", number)
        if (request.first("t") or "").lower() != "caps":
            return Response(
                200, '<rss version="2.0"><channel></channel></rss>', {"Content-Type": "application/rss+xml"}
            )
        return Response(200, CAPABILITIES, {"Content-Type": "application/xml"})

    # synchronization

    def _sync_later(self, item: dict[str, Any]) -> None:
        threading.Thread(target=self._sync_quietly, daemon=True).start()

    def _sync_quietly(self) -> None:
        try:
            journal.say(self.sync_all())
        except Exception as error:  # noqa: BLE001 - a background task
            journal.say(f"synchronization failed: {error!r}")

    def sync_all(self) -> str:
        """Bring every enabled application the indexers that it may have."""
        with self._syncing:
            enabled = [item for item in self.applications.items() if item["syncLevel"] != "disabled"]
            counts = [self._sync(item) for item in enabled]
        return f"Synchronized {len(counts)} applications, {sum(counts)} changes"

    def _wanted(self, application: dict[str, Any]) -> dict[str, dict[str, Any]]:
        settings, wanted = application["settings"], {}
        for item in self.indexers.items():
            shared = set(item["tags"]) & set(application["tags"])
            if not item["enable"] or (application["tags"] and not shared):
                continue
            base = f"{settings['prowlarrUrl'].rstrip('/')}/{item['id']}/"
            fields = {"baseUrl": base, "apiPath": "/api", "apiKey": self.active.api_key,
                      "categories": settings["syncCategories"]}  # fmt: skip
            wanted[base] = {
                "name": f"{item['name']} (Prowlarr)", "implementation": item["implementation"],
                "configContract": f"{item['implementation']}Settings", "priority": item["priority"],
                "enableRss": True, "enableAutomaticSearch": True, "enableInteractiveSearch": True, "tags": [],
                "protocol": item["protocol"],
                "fields": [{"name": name, "value": value} for name, value in fields.items()],
            }  # fmt: skip
        return wanted

    def _sync(self, application: dict[str, Any]) -> int:
        settings = application["settings"]
        url = f"{settings['baseUrl'].rstrip('/')}/api/v3/indexer"
        headers = {"X-Api-Key": settings["apiKey"]}
        try:
            found = call("GET", url, headers=headers).json() or []
        except UnreachableError as error:
            journal.say(f"{application['name']} cannot be reached: {error}")
            return 0
        ours = {}
        for entry in found:
            base = next((field.get("value") for field in entry["fields"] if field["name"] == "baseUrl"), "")
            if str(base).startswith(settings["prowlarrUrl"].rstrip("/")):
                ours[base] = entry
        wanted, changes = self._wanted(application), 0
        for base, body in wanted.items():
            if base not in ours:
                answer = call("POST", f"{url}?forceSave=true", headers=headers, data=body, timeout=15)
            elif application["syncLevel"] == "fullSync" and ours[base]["name"] != body["name"]:
                number = ours[base]["id"]
                data = {**body, "id": number}
                answer = call("PUT", f"{url}/{number}?forceSave=true", headers=headers, data=data, timeout=15)
            else:
                continue
            changes += answer.status < 300
        if application["syncLevel"] == "fullSync":
            for base in ours.keys() - wanted.keys():
                changes += call("DELETE", f"{url}/{ours[base]['id']}", headers=headers).status < 300
        return changes


if __name__ == "__main__":
    run(Prowlarr)
