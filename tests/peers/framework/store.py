"""The state of a stand-in: one JSON file, replaced atomically, so that a kill leaves a whole one."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def write_atomically(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write beside `path`, then rename over it; the umask applies to `mode`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    umask = os.umask(0)
    os.umask(umask)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode & ~umask)
        Path(name).rename(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise


class Store:
    """A JSON object in a file; read freely, changed only inside `change()`."""

    def __init__(self, path: Path, default: dict[str, Any], mode: int = 0o644) -> None:
        """Read `path`, or start from `default`; keys that are new in `default` are added."""
        self._path = path
        self._mode = mode
        self._lock = threading.RLock()
        self._data: dict[str, Any] = copy.deepcopy(default)
        if path.exists():
            self._data.update(json.loads(path.read_text("utf-8")))

    def read(self) -> dict[str, Any]:
        """A copy, so that no handler changes state by accident."""
        with self._lock:
            return copy.deepcopy(self._data)

    @contextlib.contextmanager
    def change(self) -> Iterator[dict[str, Any]]:
        """Yield a copy to change; it becomes the state, on disk too, unless an exception leaves the block."""
        with self._lock:
            draft = copy.deepcopy(self._data)
            yield draft
            content = json.dumps(draft, indent=2, sort_keys=True).encode()
            write_atomically(self._path, content, self._mode)
            self._data = draft
