"""The text of files that gather several items, and of files that others own and we edit by key. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HEAD = "# Made by mediastack (role hardening); edits are replaced."
WAS = "#mediastack-was"
ADDED = "#mediastack-added"


def sysctl(settings: Mapping[str, str]) -> str:
    """Kernel settings; `sysctl --system` passes over those that a kernel does not have."""
    return "\n".join([HEAD, *(f"{name} = {value}" for name, value in sorted(settings.items())), ""])


def modprobe(modules: Iterable[str]) -> str:
    """Kernel modules that are not to be loaded, neither by name nor by a device that asks for them."""
    lines = [line for name in sorted(modules) for line in (f"install {name} /bin/false", f"blacklist {name}")]
    return "\n".join([HEAD, *lines, ""])


def mounts(options: Mapping[str, list[str]]) -> str:
    """A unit that adds options to what is mounted, whoever mounted it; what is not mounted is left alone."""
    lines = [f"ExecStart=-/bin/mount -o remount,{','.join(words)} {path}" for path, words in sorted(options.items())]
    unit = ["[Unit]", "Description=Stricter mount options", "DefaultDependencies=no", "After=local-fs.target"]
    service = ["Before=sysinit.target", "", "[Service]", "Type=oneshot", "RemainAfterExit=yes", *lines]
    return "\n".join([HEAD, *unit, *service, "", "[Install]", "WantedBy=sysinit.target", ""])


def restored(text: str) -> list[str]:
    """The lines of a file as they were before we edited it.

    A mark stands above each line of ours: what followed the key before. The key itself is not repeated there, for
    there are programs that take the first line with it, comment or not.
    """
    found: list[str] = []
    mark = None
    for line in text.splitlines():
        if mark is not None:
            found += [re.split(r"[\s=]", line, maxsplit=1)[0] + mark.removeprefix(WAS)] if mark != ADDED else []
            mark = None
        elif line.startswith(WAS) or line == ADDED:
            mark = line
        else:
            found.append(line)
    return found


def edited(text: str, keys: Mapping[str, str], separator: str = " ") -> str:
    """A file of `KEY value` or `KEY=value` lines with these values; a line that differs stays above as a comment.

    A key without a value is written alone.
    """
    todo, found = dict(keys), []
    for line in restored(text):
        key, value = split(line, separator)
        wanted = todo.pop(key, None)
        if wanted is None or wanted == value:
            found.append(line)
        else:
            found += [WAS + line.lstrip()[len(key) :], key + (separator + wanted if wanted else "")]
    for key, wanted in todo.items():
        found += [ADDED, key + (separator + wanted if wanted else "")]
    return "\n".join([*found, ""])


def split(line: str, separator: str) -> tuple[str, str]:
    """Key and value of a line; a comment has neither."""
    if line.lstrip().startswith("#"):
        return "", ""
    words = line.split(separator.strip() or None, 1)
    return (words[0].strip() if words else ""), (words[1].strip() if words[1:] else "")


def pam_modules(text: str) -> set[str]:
    """The modules that a profile of pam-auth-update names."""
    return set(re.findall(r"\bpam_[a-z0-9_]+\.so\b", text))
