"""What stood where an item replaces a file that is not ours: kept when it is replaced, put back with the item. Pure."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ansible_collections.mediastack.core.plugins.plugin_utils.hardening.items import Item

KEPT = "/etc/mediastack/replaced"
UNITS = "/etc/systemd/system"


def is_ours(path: str) -> bool:
    """Whether a file has our name, so that nobody else's can have been there."""
    return "mediastack" in path


def replaced(items: Iterable[Item]) -> list[dict[str, Any]]:
    """The items' files that are not ours."""
    return [file for item in items for file in item.get("files", []) if not is_ours(file["path"])]


def copy_of(path: str) -> str:
    """Where it is kept what a file was: ``{content, mode}``, or null when there was none."""
    return f"{KEPT}{path}.json"


def to_keep(file: Mapping[str, Any], facts: Mapping[str, Any]) -> str | None:
    """The record of a file that is about to be replaced for the first time; None where it cannot be kept."""
    state = facts["states"].get(file["path"], {"kind": "missing"})
    if state["kind"] == "missing":
        return "null\n"
    content = facts["texts"].get(file["path"], "")
    if state["kind"] != "file" or state["sha256"] != sha256(content.encode()).hexdigest():
        return None
    return json.dumps({"content": content, "mode": state["mode"]}) + "\n"


def known(path: str, facts: Mapping[str, Any]) -> tuple[bool, dict[str, str] | None]:
    """Whether there is a record of a file, and what it was; None when there was none."""
    try:
        found = json.loads(facts["texts"].get(copy_of(path), ""))
    except ValueError:
        return False, None
    if found is None:
        return True, None
    good = isinstance(found, dict) and all(isinstance(found.get(key), str) for key in ("content", "mode"))
    return (True, found) if good else (False, None)


def wants_link(path: str, content: str) -> list[str]:
    """The link that `systemctl enable` made for a unit of ours: without the unit it leads nowhere."""
    name = path.removeprefix(f"{UNITS}/")
    return [f"{UNITS}/{target}.wants/{name}" for target in re.findall(r"^WantedBy=(\S+)$", content, re.MULTILINE)]
