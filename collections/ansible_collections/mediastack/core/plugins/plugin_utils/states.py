"""Whether a directory or file on a server is as it is wanted. Pure."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def in_place(item: Mapping[str, Any], state: Mapping[str, Any]) -> bool:
    """Whether a path is what `files` would make of it; without `content`, `item` is a directory.

    Args:
        item: as the module `files` takes it. What it does not say (owner, group, mode) may be anything.
        state: as `describe_state` tells it.

    """
    if state["kind"] != ("file" if "content" in item else "directory"):
        return False
    owned = all(
        str(item[name]) in (state[name], str(state[number]))
        for name, number in (("owner", "uid"), ("group", "gid"))
        if item.get(name) is not None
    )
    mode = item.get("mode") is None or int(str(item["mode"]), 8) == int(state["mode"], 8)
    return owned and mode and ("content" not in item or sha256(item["content"].encode()).hexdigest() == state["sha256"])
