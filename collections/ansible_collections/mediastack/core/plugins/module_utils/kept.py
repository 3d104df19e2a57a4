"""What a removed instance leaves behind: the folder of its configuration."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# A name of ours as it stands in a path: a label of a container may hold anything.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
PATIENCE = 0.5  # seconds that measuring one folder may take; a size is a courtesy


def with_kept(changes: Iterable[Mapping[str, Any]], root: str | None) -> list[dict[str, Any]]:
    """The changes; the removal of an instance says what is kept: {..., kept: path|null, kept_bytes: int|null}."""
    told = []
    for item in changes:
        folder = None
        if item["action"] == "remove" and item["instance"]:
            folder = folder_of(root, item["instance"])
            item = {**item, "kept": folder, "kept_bytes": size(folder) if folder else None}  # noqa: PLW2901
        told.append(dict(item))
    return told


def folder_of(root: str | None, instance: str) -> str | None:
    """The folder of an instance's configuration, if there is one."""
    if not root or not NAME.fullmatch(instance):
        return None
    path = os.path.join(root, instance)  # noqa: PTH118
    return path if os.path.isdir(path) and not os.path.islink(path) else None  # noqa: PTH112, PTH114


def size(folder: str, patience: float = PATIENCE) -> int | None:
    """The bytes of all files below a folder; null when it takes too long or cannot be read."""
    total, todo, deadline = 0, [folder], time.monotonic() + patience
    try:
        while todo:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    if time.monotonic() > deadline:
                        return None
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        total += entry.stat(follow_symlinks=False).st_size
    except OSError:
        return None
    return total
