"""The service catalogue: one YAML file per service, in its role or in the owner's inventory.

load([Path("roles")], [Path("inventories/home/services")]) -> Catalogue
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any

import yaml

from .errors import ChoicesError, Place, Problem
from .positions import FilePositions, read_positions
from .schema_nodes import PATTERNS
from .schema_service import DOCKER_API, ENTRY_RECORD, PLACEHOLDERS
from .validate import check, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DOCKER_SOCKETS = ("/var/run/docker.sock", "/run/docker.sock")


@dataclass(frozen=True, slots=True)
class Service:
    """A catalogue entry: `spec` has every key of the schema."""

    name: str
    role: str | None
    file: str
    spec: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All services by name."""

    services: dict[str, Service] = field(default_factory=dict)

    def __contains__(self, name: object) -> bool:
        """Say whether there is a service of that name."""
        return name in self.services

    def __getitem__(self, name: str) -> Service:
        """Return the service of that name."""
        return self.services[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return iter(self.services)

    def offers(self) -> set[str]:
        """Return everything that some service offers."""
        return {offer for service in self.services.values() for offer in service.spec["offers"]}


def load(roles: Iterable[Path | str], own: Iterable[Path | str] = ()) -> Catalogue:
    """Read every entry; raise ChoicesError with all that is wrong in them."""
    services: dict[str, Service] = {}
    problems: list[Problem] = []
    files: list[tuple[Path, str | None]] = []
    for folder in roles:
        files += [(path, path.parent.parent.name) for path in _files(Path(folder), "*/services/*")]
    for folder in own:
        files += [(path, None) for path in _files(Path(folder), "*")]
    for path, role in files:
        service, wrong = read(path, role)
        problems += wrong
        if service and service.name in services:
            first = services[service.name].file
            text = f"'{service.name}' is already the service in {first}."
            problems.append(
                Problem(("name",), text, ("Give one of them another name.",), place=_place(path, ("name",)))
            )
        elif service:
            services[service.name] = service
    if problems:
        raise ChoicesError(problems)
    return Catalogue(dict(sorted(services.items())))


def read(path: Path, role: str | None = None) -> tuple[Service | None, list[Problem]]:
    """Read one entry: the service if it is usable, and what is wrong with it."""
    try:
        raw = yaml.load(path.read_bytes(), Loader)  # noqa: S506 - a safe loader, the fast one where there is one
    except (yaml.YAMLError, UnicodeDecodeError):
        return None, read_positions(path).problems
    if not isinstance(raw, dict):
        return None, [Problem((), "A service file holds one mapping.", place=Place(str(path), 1, 1))]
    spec, problems = check(ENTRY_RECORD, raw)
    problems += list(coherent(spec)) if not problems else []
    if problems:
        positions = read_positions(path)
        return None, [Problem(p.path, p.text, p.remedy, p.at, positions.place(p.path, p.at)) for p in problems]
    return Service(spec["name"], role, str(path), spec), []


def _files(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for suffix in ("yml", "yaml") for path in folder.glob(f"{pattern}.{suffix}"))


def _place(path: Path, key: tuple[str, ...]) -> Place | None:
    positions: FilePositions = read_positions(path)
    return positions.place(key, "value")


def coherent(spec: dict[str, Any]) -> Iterator[Problem]:
    """Find what a single value cannot show: names inside an entry that lead nowhere."""
    ports, volumes = spec["ports"], spec["volumes"]
    for path in (("web", "port"), ("health", "http", "port"), ("metrics", "port")):
        name = _dig(spec, path)
        if name is not None and name not in ports:
            yield Problem(path, *_pair(unknown(name, ports, "port")))
    for number, file in enumerate(spec["files"]):
        if file["volume"] not in volumes:
            yield Problem(("files", f"[{number}]", "volume"), *_pair(unknown(file["volume"], volumes, "volume")))
    for name, volume in volumes.items():
        if volume["source"] in DOCKER_SOCKETS and not (spec["zone"] == "socket" and DOCKER_API in spec["offers"]):
            remedy = f"Let it require '{DOCKER_API}': the socket proxy shows it what it may see."
            yield Problem(("volumes", name), "only the socket proxy may hold the Docker socket.", (remedy,))
    for name, secret in spec["secrets"].items():
        for option in secret["when"]:
            if option not in spec["options"]:
                where = ("secrets", name, "when", option)
                yield Problem(where, *_pair(unknown(option, spec["options"], "option")), "key")
    yield from _options(spec["options"], ("options",))
    yield from _placeholders(spec["environment"])


def _options(options: dict[str, Any], path: tuple[str, ...]) -> Iterator[Problem]:
    for name, option in options.items():
        pattern = option.get("pattern")
        if pattern and pattern not in PATTERNS:
            yield Problem((*path, name, "pattern"), *_pair(unknown(pattern, PATTERNS, "pattern")))
        yield from _options(option.get("fields") or {}, (*path, name, "fields"))


def _placeholders(environment: dict[str, str | None]) -> Iterator[Problem]:
    for name, value in environment.items():
        try:
            fields = [field for _, field, _, _ in Formatter().parse(value or "") if field is not None]
        except ValueError as error:
            remedy = "Write {{ and }} for braces that are meant."
            yield Problem(("environment", name), f"'{value}' cannot be filled in: {error}.", (remedy,))
            continue
        for placeholder in fields:
            if placeholder not in PLACEHOLDERS:
                yield Problem(("environment", name), *_pair(unknown(placeholder, PLACEHOLDERS, "placeholder")))


def _pair(words: tuple[str, str]) -> tuple[str, tuple[str, ...]]:
    return words[0], (words[1],)


def _dig(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
