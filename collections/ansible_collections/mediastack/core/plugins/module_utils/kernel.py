"""Settings of the running kernel, below /proc/sys."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

ROOT = Path("/proc/sys")


def path_of(root: Path, name: str) -> Path:
    """Return the file of a setting. As in sysctl.conf, a slash is a dot in a name."""
    return root.joinpath(*(part.replace("/", ".") for part in name.split(".")))


def normal(value: Any) -> str:
    """Return a value as the kernel prints it: words with one space between them."""
    return " ".join(str(value).split())


def look(root: Path, name: str) -> tuple[str, str]:
    """Return the present value, and why it cannot be set (empty when it can)."""
    path = path_of(root, name)
    try:
        value = normal(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        return "", "this kernel does not have it"
    except (OSError, ValueError) as error:
        return "", str(error)
    return value, "" if os.access(path, os.W_OK) else "it is read-only here"


def setting(name: str) -> dict[str, str]:
    """``{value, reason}`` of a setting of this kernel, as `look` tells them."""
    value, reason = look(ROOT, name)
    return {"value": value, "reason": reason}


def drift(wanted: dict[str, Any], found: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Compare wanted settings with what `look` found, each ``{value, reason}``.

    Returns:
        ``{settable, refused}``: names that differ and can be set, and ``{name, reason}`` of those that cannot.
        A setting that was not looked at counts as one that can.

    """
    settable, refused = [], []
    for name, value in sorted(wanted.items()):
        now = found.get(name, {"value": "", "reason": ""})
        if now["value"] == normal(value):
            continue
        if now["reason"]:
            refused.append({"name": name, "reason": now["reason"]})
        else:
            settable.append(name)
    return {"settable": settable, "refused": refused}
