"""Providers: download clients, notifications, indexers, applications, indexer proxies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from peers.framework.store import Store
from peers.framework.web import Application, HttpError, Request, Response
from peers.servarr.definitions import MASK, Implementation
from peers.servarr.faults import convert, failure, missing, refuse, unconvertible
from peers.servarr.probes import PROBES

COMMON: dict[str, Any] = {"name": "", "implementation": "", "configContract": "", "tags": []}


@dataclass
class Kind:
    """One list of providers: its path, its flags with the values a schema shows, when it counts as enabled."""

    path: str
    implementations: tuple[Implementation, ...]
    flags: dict[str, Any]
    enabled: Callable[[dict[str, Any]], bool]
    shown: dict[str, Any] = field(default_factory=dict)  # what the server adds when read
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    priority: tuple[int, int] | None = None
    always_test: bool = False  # Prowlarr tests and writes even when nothing changed
    check: Callable[[dict[str, Any]], None] = lambda item: None
    changed: Callable[[dict[str, Any]], None] = lambda item: None

    def implementation(self, item: dict[str, Any]) -> Implementation:
        """The implementation an object names."""
        for candidate in self.implementations:
            if candidate.name == item["implementation"]:
                return candidate
        raise refuse(failure("Implementation", "Unknown implementation", item["implementation"]))


class Providers:
    """The routes of one kind."""

    def __init__(self, kind: Kind, store: Store, secrets: dict[str, str]) -> None:
        """`secrets` are settings of the application itself that probes need."""
        self.kind, self._store, self._secrets = kind, store, secrets

    def register(self, application: Application, prefix: str) -> None:
        """Add the routes below `prefix`."""
        base = f"{prefix}/{self.kind.path}"
        application.route("GET", f"{base}/schema", self.schema)
        application.route("POST", f"{base}/testall", self.test_all)
        application.route("POST", f"{base}/test", self.test)
        application.route("GET", base, self.all)
        application.route("POST", base, self.create)
        application.route("GET", f"{base}/{{id}}", self.get)
        application.route("PUT", f"{base}/{{id}}", self.update)
        application.route("DELETE", f"{base}/{{id}}", self.delete)

    def items(self) -> list[dict[str, Any]]:
        """The stored objects, secrets in clear."""
        stored: list[dict[str, Any]] = self._store.read()["providers"].get(self.kind.path, [])
        return stored

    def show(self, item: dict[str, Any]) -> dict[str, Any]:
        """An object as the API shows it: described fields, masked secrets."""
        implementation = self.kind.implementation(item)
        fields = [
            definition.describe(order, item["settings"].get(definition.name))
            for order, definition in enumerate(implementation.fields)
        ]
        shown = {key: value for key, value in item.items() if key != "settings"}
        extra = {
            "implementationName": implementation.title,
            "infoLink": "https://wiki.servarr.com",
            **self.kind.shown,
        }
        return {**extra, **shown, "fields": fields}

    def schema(self, request: Request) -> list[dict[str, Any]]:
        """A template per implementation."""
        return [
            self.show(self._blank(implementation)) | {"presets": []} for implementation in self.kind.implementations
        ]

    def _blank(self, implementation: Implementation) -> dict[str, Any]:
        protocol = {"protocol": implementation.protocol} if implementation.protocol else {}
        settings = {definition.name: definition.value for definition in implementation.fields}
        names = {"name": "", "implementation": implementation.name, "configContract": implementation.contract}
        return {"id": 0, **names, **self.kind.flags, **protocol, "tags": [], "settings": settings}

    def all(self, request: Request) -> list[dict[str, Any]]:
        """Every object, by name."""
        return [self.show(item) for item in sorted(self.items(), key=lambda item: str(item["name"]))]

    def find(self, number: str | int) -> dict[str, Any]:
        """One stored object by id."""
        for item in self.items():
            if str(item["id"]) == str(number):
                return item
        raise missing(self.kind.path, number)

    def get(self, request: Request) -> dict[str, Any]:
        """One object."""
        return self.show(self.find(request.params["id"]))

    def parse(self, body: dict[str, Any], existing: dict[str, Any] | None) -> dict[str, Any]:
        """A body as an object: missing fields take the defaults of a new one, stars keep the stored secret."""
        item = convert(body, {**COMMON, **self.kind.flags})
        faults = [
            failure(key[0].upper() + key[1:], f"'{key}' must not be empty.", item[key])
            for key in ("name", "implementation", "configContract")
            if not item[key]
        ]
        own = existing["id"] if existing else body.get("id", 0)
        if any(other["name"].lower() == str(item["name"]).lower() and other["id"] != own for other in self.items()):
            faults.append(failure("Name", "Should be unique", item["name"]))
        if existing is None and not isinstance(body.get("fields"), list):
            faults.append(failure("Fields", "'Fields' must not be empty.", None))
        if self.kind.priority and not self.kind.priority[0] <= item["priority"] <= self.kind.priority[1]:
            low, high = self.kind.priority
            faults.append(failure("Priority", f"'Priority' must be between {low} and {high}.", item["priority"]))
        if faults:
            raise refuse(*faults)
        for key, accepted in self.kind.choices.items():
            exact = {choice.lower(): choice for choice in accepted}.get(str(item[key] or accepted[0]).lower())
            if exact is None:
                raise unconvertible(key, item[key], key)
            item[key] = exact
        implementation = self.kind.implementation(item)
        if implementation.protocol:
            item["protocol"] = implementation.protocol
        item["settings"] = self._settings(implementation, body.get("fields") or [], existing)
        return item

    def _settings(
        self, implementation: Implementation, fields: list[Any], existing: dict[str, Any] | None
    ) -> dict[str, Any]:
        given = {entry["name"]: entry.get("value") for entry in fields if isinstance(entry, dict) and "name" in entry}
        settings: dict[str, Any] = {}
        for definition in implementation.fields:
            value = given.get(definition.name, definition.value)
            if definition.masked and value == MASK and existing is not None:
                value = existing["settings"].get(definition.name)
            if isinstance(value, str) and isinstance(definition.value, int):
                value = _number(definition.name, value, definition.value)
            settings[definition.name] = value
        return settings

    def probe(self, item: dict[str, Any], *, warnings: bool) -> None:
        """Test the connection; raise what it found, warnings only when they count."""
        self.kind.check(item)
        found = PROBES[self.kind.implementation(item).probe]({**item["settings"], **self._secrets})
        if not warnings:
            found = [entry for entry in found if not entry["isWarning"]]
        if found:
            raise refuse(*found)

    def create(self, request: Request) -> Response:
        """POST: an enabled object is tested; forceSave lets warnings pass, no more."""
        item = self.parse(request.object(), None)
        if self.kind.enabled(item):
            self.probe(item, warnings=not request.flag("forceSave"))
        with self._store.change() as state:
            stored = state["providers"].setdefault(self.kind.path, [])
            item["id"] = state["next"][self.kind.path] = state["next"].get(self.kind.path, 0) + 1
            stored.append(item)
        self.kind.changed(item)
        return Response(201, self.show(item))

    def update(self, request: Request) -> Response:
        """PUT: forceSave skips the test; nothing changed is nothing done."""
        body = request.object()
        existing = self.find(request.params["id"])
        item = {**self.parse(body, existing), "id": existing["id"]}
        changed = item != existing
        if self.kind.enabled(item) and not request.flag("forceSave") and (changed or self.kind.always_test):
            self.probe(item, warnings=True)
        if changed or self.kind.always_test:
            with self._store.change() as state:
                stored = state["providers"][self.kind.path]
                stored[[entry["id"] for entry in stored].index(item["id"])] = item
            self.kind.changed(item)
        return Response(202, self.show(item))

    def delete(self, request: Request) -> dict[str, Any]:
        """Remove an object."""
        item = self.find(request.params["id"])
        with self._store.change() as state:
            kept = [entry for entry in state["providers"][self.kind.path] if entry["id"] != item["id"]]
            state["providers"][self.kind.path] = kept
        self.kind.changed(item)
        return {}

    def test(self, request: Request) -> dict[str, Any]:
        """Test a body; one with an id and stars is tested with the stored secret."""
        body = request.object()
        existing = self.find(body["id"]) if body.get("id") else None
        self.probe(self.parse(body, existing), warnings=True)
        return {}

    def test_all(self, request: Request) -> Response:
        """Test every enabled object."""
        results = []
        for item in filter(self.kind.enabled, self.items()):
            faults: list[Any] = []
            try:
                self.probe(item, warnings=True)
            except HttpError as error:
                faults = error.body
            results.append({"id": item["id"], "isValid": not faults, "validationFailures": faults})
        return Response(400 if any(not entry["isValid"] for entry in results) else 200, results)


def _number(name: str, value: str, default: bool | int) -> bool | int:
    """Text for a number or a switch is taken when it reads as one."""
    if isinstance(default, bool):
        if value.lower() in {"true", "false"}:
            return value.lower() == "true"
    elif value.lstrip("-").isdigit():
        return int(value)
    raise refuse(failure(name, f"The value '{value}' is not valid for {name}", value))
