"""What was applied, kept on the server: `<state>/generations/<id>.json`, the newest linked as `current`."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = "generations"
CURRENT = "current"
# What makes two generations different; who recorded it, when and from which commit does not.
CONTENT = ("stack", "digests", "files", "places", "services")


class GenerationError(Exception):
    """A record cannot be written; the message says why."""


def current(state: str) -> dict[str, Any] | None:
    """The record in force; None where there is none or it cannot be read."""
    try:
        found = json.loads((Path(state) / FOLDER / CURRENT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def same(one: Mapping[str, Any] | None, other: Mapping[str, Any]) -> bool:
    """Whether two records say the same of what is applied."""
    return one is not None and all(one.get(key) == other.get(key) for key in CONTENT)


def new_id(folder: Path, moment: float) -> str:
    """The day and a number, such as 2026-11-21.3: short enough to type."""
    day = time.strftime("%Y-%m-%d", time.gmtime(moment))
    numbers = [path.stem.rpartition(".")[2] for path in folder.glob(f"{day}.*.json")]
    return f"{day}.{max([int(text) for text in numbers if text.isdigit()], default=0) + 1}"


def write(state: str, record: Mapping[str, Any], moment: float) -> dict[str, Any]:
    """Write a new record and make it the current one, atomically; returns it with id and time."""
    folder = Path(state) / FOLDER
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        identity = new_id(folder, moment)
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
        full = {"id": identity, "created": created, **record}
        _replace(folder / f"{identity}.json", json.dumps(full, sort_keys=True, indent=1) + "\n")
        link = folder / f".{CURRENT}.new"
        with contextlib.suppress(FileNotFoundError):
            link.unlink()
        link.symlink_to(f"{identity}.json")
        link.replace(folder / CURRENT)
    except OSError as error:
        raise GenerationError(f"{folder}: {error.strerror}: {error.filename}") from error
    return full


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.new")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
    with os.fdopen(fd, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(fd)
    temporary.replace(path)


def prune(state: str, keep: int) -> list[str]:
    """Remove all but the newest `keep` records; the current one always stays. Returns the ids removed."""
    folder = Path(state) / FOLDER
    link = folder / CURRENT
    kept = link.resolve().name if link.is_symlink() else ""
    records = sorted(folder.glob("*.json"), key=_order, reverse=True)
    doomed = [path for path in records[keep:] if path.name != kept]
    for path in doomed:
        path.unlink()
    return [path.stem for path in doomed]


def _order(path: Path) -> tuple[str, int]:
    day, _, number = path.stem.rpartition(".")
    return day, int(number) if number.isdigit() else 0
