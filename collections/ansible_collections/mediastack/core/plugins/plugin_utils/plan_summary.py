"""What a run changes, or would change, per service: from module results to lines that a person reads.

    summarise(stack, compose_changes, file_changes) -> [Line]

`compose_changes` and `file_changes` are `changes` of the modules `compose` and `files`.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UNITS = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True)
class Line:
    """One subject that changes: `kind` is service, network or files; `action` create, change or remove."""

    action: str
    kind: str
    name: str
    detail: str


def summarise(
    stack: Mapping[str, Any],
    compose_changes: Iterable[Mapping[str, Any]],
    file_changes: Iterable[Mapping[str, Any]],
) -> list[Line]:
    """Return a line per service that changes, then networks, then files of no changing service."""
    services: dict[str, Line] = {}
    networks: dict[str, Line] = {}
    for change in compose_changes:
        if change.get("network"):
            action = str(change["action"]) if change["action"] in ("create", "remove") else "change"
            name = str(change["network"])
            networks[name] = Line(action, "network", name, verb(change))
        else:
            name = str(change["instance"])
            services[name] = service_line(name, change, stack)
    for name, details in files_by_subject(stack, file_changes).items():
        if name not in services:
            services[name] = Line("change", "files", name, details)
    return [*sorted(services.values(), key=lambda line: line.name), *networks.values()]


def service_line(name: str, change: Mapping[str, Any], stack: Mapping[str, Any]) -> Line:
    """Return what happens to a service and what its owner will notice."""
    if change["action"] == "create":
        instance = stack["instances"].get(name, {})
        parts = ["new" if change["reason"] == "new" else str(change["reason"])]
        if instance:
            parts.append(f"zone {instance['zone']}")
        if instance.get("url"):
            scope = (instance.get("web") or {}).get("exposure") == "lan"
            parts.append(instance["url"] + (" (LAN only)" if scope else ""))
        return Line("create", "service", name, " · ".join(parts))
    if change["action"] == "remove":
        return Line("remove", "service", name, f"stopped and removed{leftovers(change)}")
    return Line("change", "service", name, f"{change['reason']} · {verb(change)}")


def leftovers(change: Mapping[str, Any]) -> str:
    """Return where a removed instance's configuration stays, and how much of it there is."""
    if not change.get("kept"):
        return ""
    size = f" ({human(change['kept_bytes'])})" if change.get("kept_bytes") is not None else ""
    return f" · its configuration{size} is kept in {change['kept']}"


def verb(change: Mapping[str, Any]) -> str:
    """Return what is done, in the past tense."""
    return {
        "create": "created",
        "recreate": "recreated, a few seconds down",
        "start": "started",
        "stop": "stopped",
        "restart": "restarted",
        "remove": "removed",
    }.get(str(change["action"]), str(change["action"]))


def files_by_subject(stack: Mapping[str, Any], changes: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return, per instance (or `files` for the rest), which paths change."""
    paths = stack["paths"]
    subjects: dict[str, set[str]] = {}
    for change in changes:
        path = str(change["path"])
        owner = "files"
        for root in (paths["config"], paths["secrets"]):
            if path.startswith(root.rstrip("/") + "/"):
                owner = posixpath.relpath(path, root).split("/")[0]
        subjects.setdefault(owner, set()).add(path)
    return {name: named(sorted(found)) for name, found in sorted(subjects.items())}


def named(found: list[str]) -> str:
    """Return one path by name, several by number and the first."""
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return f"{found[0]}{more}"


def human(size: float) -> str:
    """Return a number of bytes as a person says it: `14 MB`, `1.2 TB` (powers of 1000, as disks are sold)."""
    amount, unit = float(size), 0
    while amount >= 1000 and unit < len(UNITS) - 1:  # noqa: PLR2004
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.1f} {UNITS[unit]}" if amount < 10 and unit else f"{amount:.0f} {UNITS[unit]}"  # noqa: PLR2004
