"""What an image is made of, as one hash: an image is built again when this changes, and only then."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LENGTH = 12
SKIPPED = {"__pycache__"}


def content_hash(*facts: str, paths: Iterable[Path] = ()) -> str:
    """A short hash of `facts` and of every file below `paths`: their names, executable bits and contents.

    Each part is hashed with its length, so that parts cannot be confused with each other.
    """
    digest = hashlib.sha256()

    def add(data: bytes) -> None:
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)

    for fact in facts:
        add(fact.encode())
    for path in sorted(paths):
        for file in sorted(_files(path)):
            add(str(file.relative_to(path.parent)).encode())
            add(b"x" if file.stat().st_mode & 0o100 else b"-")
            add(file.read_bytes())
    return digest.hexdigest()[:LENGTH]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [file for file in path.rglob("*") if file.is_file() and not SKIPPED.intersection(file.parts)]


def package_list(text: str) -> list[str]:
    """The package names in a list file: one a line, with comments from `#` on."""
    names = (line.partition("#")[0].strip() for line in text.splitlines())
    return [name for name in names if name]


def read_packages(*paths: Path) -> list[str]:
    """The names in several list files, in order, each once."""
    return list(dict.fromkeys(name for path in paths for name in package_list(path.read_text(encoding="utf-8"))))
