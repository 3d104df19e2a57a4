"""Which packages of the distribution are installed. Reads only."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

DPKG_STATUS = "/var/lib/dpkg/status"
SECONDS = 30


def parse_dpkg(text: str) -> set[str]:
    """Names of the installed packages in dpkg's status file."""
    found = set()
    for block in text.split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in block.splitlines() if not line.startswith(" "))
        if fields.get("Status", "").endswith(" ok installed"):
            found.add(fields.get("Package", ""))
    return found


def installed(names: Iterable[str]) -> dict[str, bool]:
    """``{name: is it installed}``; a package manager that is not known has nothing."""
    wanted = list(names)
    status = Path(DPKG_STATUS)
    if status.exists():
        there = parse_dpkg(status.read_text(encoding="utf-8", errors="replace"))
        return {name: name in there for name in wanted}
    for query in (["rpm", "-q"], ["pacman", "-Q"]):
        if shutil.which(query[0]):
            return {name: _knows([*query, name]) for name in wanted}
    return dict.fromkeys(wanted, False)


def _knows(argv: list[str]) -> bool:
    try:
        done = subprocess.run(argv, capture_output=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
