"""What a run changes, or would change, per service: from module results to lines that a person reads.

    summarise(stack, compose_changes, file_changes, kept) -> [Line]
    text(lines, host, check) -> str

`compose_changes` and `file_changes` are `changes` of the modules `compose` and `files`; `kept` is
{instance: bytes} of the configuration that a removed instance leaves behind, as far as it is known.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SIGNS = {"create": "+", "remove": "-"}
NAME_WIDTH = 12
UNITS = ("B", "KB", "MB", "GB", "TB")


@dataclass(frozen=True)
class Line:
    """One subject that changes: `kind` is service, network or files; `action` create, change or remove."""

    action: str
    kind: str
    name: str
    detail: str

    def __str__(self) -> str:
        """Write the line as the plan shows it."""
        sign = SIGNS.get(self.action, "~")
        return f"  {sign} {self.name:<{NAME_WIDTH}} {self.detail}"


def summarise(
    stack: Mapping[str, Any],
    compose_changes: Iterable[Mapping[str, Any]],
    file_changes: Iterable[Mapping[str, Any]],
    kept: Mapping[str, int] | None = None,
) -> list[Line]:
    """Return a line per service that changes, then networks, then files of no changing service."""
    services: dict[str, Line] = {}
    networks: dict[str, Line] = {}
    for change in compose_changes:
        if change.get("network"):
            action = str(change["action"]) if change["action"] in SIGNS else "change"
            name = str(change["network"])
            networks[name] = Line(action, "network", name, f"network {verb(change)}")
        else:
            name = str(change["instance"])
            services[name] = service_line(name, change, stack, kept or {})
    for name, details in files_by_subject(stack, file_changes).items():
        if name not in services:
            services[name] = Line("change", "files", name, details)
    return [*sorted(services.values(), key=lambda line: line.name), *networks.values()]


def service_line(name: str, change: Mapping[str, Any], stack: Mapping[str, Any], kept: Mapping[str, int]) -> Line:
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
        size = f" ({human(kept[name])})" if name in kept else ""
        return Line("remove", "service", name, f"stopped and removed · its configuration{size} is kept")
    return Line("change", "service", name, f"{change['reason']} · {verb(change)}")


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


def human(size: int) -> str:
    """Return a size as a person says it."""
    amount, unit = float(size), UNITS[0]
    for unit in UNITS:
        if amount < 1000 or unit == UNITS[-1]:  # noqa: PLR2004
            break
        amount /= 1000
    return f"{amount:.0f} {unit}"


def text(lines: list[Line], host: str, *, check: bool) -> str:
    """Return the whole summary: a heading, a line per subject, and what it adds up to."""
    if not lines:
        return f"{host}: nothing {'would change' if check else 'changed'}."
    body = "\n".join(str(line) for line in lines)
    end = f"{total(lines)} {'would change. Nothing was touched.' if check else 'changed.'}"
    return f"{host}\n{body}\n{end}"


def total(lines: list[Line]) -> str:
    """Return how many of each kind there are, in words."""
    counts = {kind: sum(line.kind == kind for line in lines) for kind in ("service", "network")}
    parts = [f"{count} {kind}{'s' if count != 1 else ''}" for kind, count in counts.items() if count]
    if any(line.kind == "files" for line in lines):
        parts.append("files")
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
