"""Directories and files that nobody but their owner may read."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from mediastack_provision.exits import Exit, UserError


def private_dir(path: Path) -> Path:
    """Create a directory that only its owner can enter; parents that already exist stay as they are.

    Raises:
        UserError: when the directory belongs to somebody else.

    """
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.stat().st_uid != os.getuid():
        raise UserError(f"{path} belongs to another user. Remove it, or set XDG_CACHE_HOME.", Exit.FAILED)
    return path


def write_new(path: Path, text: str) -> None:
    """Create a file with all of its text at once: whoever finds it never finds a part, not after a power cut either.

    Of several processes that try, one wins.

    Raises:
        FileExistsError: when there is one already; it stays as it is.

    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # with mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(descriptor)
        os.link(name, path)  # refuses where a rename would replace
    finally:
        Path(name).unlink()
