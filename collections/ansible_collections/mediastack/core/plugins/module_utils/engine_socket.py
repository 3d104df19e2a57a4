"""Sockets of the server that containers see: those that were made anew since are dead ends inside.

A bind mount holds the file as it was when the container started. When systemd makes the engine's socket anew
(docker.socket stopped and started, the engine's package upgraded) and live-restore keeps the container running,
it goes on with the former file, which nobody listens on.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SUFFIX = ".sock"
DELETED = "//deleted"  # what the kernel writes behind the name of a mounted file that is no more
ROOT_FIELD = 3


def sockets_of(volumes: Iterable[Mapping[str, Any]], key: str) -> list[str]:
    """The sockets among mounts, as paths on the server; `key` names their source."""
    return sorted(str(one[key]) for one in volumes if str(one.get(key) or "").endswith(SUFFIX))


def stale(raw: Mapping[str, Any], processes: str = "/proc") -> str | None:
    """The socket that a running container holds a former one of; `raw` as `docker inspect` describes it."""
    sources, pid = sockets_of(raw.get("Mounts") or [], "Source"), int((raw.get("State") or {}).get("Pid") or 0)
    roots = mounted(Path(processes, str(pid))) if sources and pid else set()
    return next((source for source in sources if _held(source, roots, DELETED)), None)


def stale_after_start(sources: Iterable[str], processes: str = "/proc") -> set[str]:
    """While the engine is down: which sockets a container that lives on will hold a former one of once it is up.

    One that nobody listens on is made anew when the engine starts.
    """
    wanted = set(sources)
    if not wanted:
        return set()
    roots = {root for process in Path(processes).glob("[0-9]*") for root in mounted(process)}
    heard = _listened(processes)
    return {
        source
        for source in wanted
        if _held(source, roots, DELETED) or (_held(source, roots, "") and str(Path(source).resolve()) not in heard)
    }


def mounted(process: Path) -> set[str]:
    """Sockets that a process sees by mounts of their own, as paths on their file systems."""
    try:
        lines = (process / "mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    roots = {line.split()[ROOT_FIELD] for line in lines}
    return {root for root in roots if root.endswith((SUFFIX, SUFFIX + DELETED))}


def _held(source: str, roots: set[str], ending: str) -> bool:
    path = str(Path(source).resolve())
    return any(root.endswith(SUFFIX + ending) and path.endswith(root[: len(root) - len(ending)]) for root in roots)


def _listened(processes: str) -> set[str]:
    """Paths of sockets that some process has."""
    try:
        table = Path(processes, "net/unix").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    return {line.rpartition(" ")[2] for line in table if "/" in line}
