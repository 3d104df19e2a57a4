"""What a server's sshd is set up to do: its files, and what it makes of them."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from pathlib import Path
from typing import Any

DEPTH = 8
STATEMENT = re.compile(r"\s*([A-Za-z]+)(?:\s*=\s*|\s+)(.*?)\s*$")


def parse_effective(text: str) -> dict[str, list[str]]:
    """The values of each keyword (in lower case), as `sshd -T` and `ssh -G` print them."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        keyword, _, value = line.strip().partition(" ")
        if keyword:
            found.setdefault(keyword.lower(), []).append(value.strip())
    return found


def parse_version(text: str) -> str:
    """The version in what `ssh -V` prints, such as 9.2; empty when there is none."""
    found = re.search(r"OpenSSH_(\d+\.\d+)", text)
    return found.group(1) if found else ""


def statements(path: str, own: str, depth: int = 0) -> list[dict[str, Any]]:
    """``{file, line, keyword, value}`` of every unconditional statement, in the order in which sshd reads them.

    Where a file is read, there or not, ``{file, line: 0, keyword: "", value: ""}`` says so; `own` is one that may still
    be to come. What follows a `Match` is conditional to the end of its file.
    """
    found: list[dict[str, Any]] = [{"file": path, "line": 0, "keyword": "", "value": ""}]
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return found
    for number, line in enumerate(text.splitlines(), 1):
        match = STATEMENT.match(line.partition("#")[0])
        if not match:
            continue
        keyword, value = match.group(1).lower(), match.group(2)
        if keyword == "match":
            break
        if keyword != "include":
            found.append({"file": path, "line": number, "keyword": keyword, "value": value})
        elif depth < DEPTH:
            names = [name for pattern in value.split() for name in matching(pattern.strip('"'), own)]
            found += [item for name in names for item in statements(name, own, depth + 1)]
    return found


def matching(pattern: str, own: str) -> list[str]:
    """The files that an `Include` reads, in order, with ours if it is among them, there or not."""
    full = os.path.join("/etc/ssh", pattern)  # noqa: PTH118 - a pattern, not a path
    return sorted({*glob.glob(full), *([own] if fnmatch.fnmatchcase(own, full) else [])})  # noqa: PTH207 - likewise
