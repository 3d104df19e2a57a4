"""Reach a file below directories that other users may write to, without being led elsewhere by their links.

We write as root into directories that belong to applications. A component of the path that is a symbolic
link is followed only when root (or the user we run as) made it, so that an owner may move /opt/mediastack to
another disk, and an application cannot point its configuration folder at /etc.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat

LINKS_FOLLOWED = 20
DIRECTORIES_OPEN = 64
OPEN_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class UnsafePathError(Exception):
    """A component of the path is a link of someone else, or not what it has to be."""


def parts_of(path: str) -> list[str]:
    """The components of an absolute, normalised path; raises UnsafePathError for any other."""
    if not path.startswith("/") or os.path.normpath(path) != path or path.startswith("//"):
        raise UnsafePathError(f"{path!r} has to be an absolute path without '.', '..' or doubled slashes")
    return [part for part in path.split("/") if part]


def open_directory(path: str) -> int:
    """Open a directory, component by component; the caller closes the descriptor.

    Raises:
        FileNotFoundError: it does not exist (yet).
        UnsafePathError: a component is a file, or someone else's symbolic link.

    """
    todo = list(reversed(parts_of(path)))
    links = 0
    fd = os.open("/", OPEN_FLAGS)
    try:
        while todo:
            part = todo.pop()
            try:
                child = os.open(part, OPEN_FLAGS, dir_fd=fd)
            except OSError as error:
                if error.errno not in (errno.ELOOP, errno.ENOTDIR):
                    raise
                links += 1
                target = _trusted_link(path, part, fd, links)
                if target.startswith("/"):
                    child = os.open("/", OPEN_FLAGS)
                    os.close(fd)
                    fd = child
                todo.extend(reversed([piece for piece in target.split("/") if piece not in ("", ".")]))
            else:
                os.close(fd)
                fd = child
    except BaseException:
        os.close(fd)
        raise
    return fd


def _trusted_link(path: str, part: str, fd: int, links: int) -> str:
    found = os.stat(part, dir_fd=fd, follow_symlinks=False)
    if not stat.S_ISLNK(found.st_mode):
        raise UnsafePathError(f"{path}: the component {part!r} is not a directory")
    if found.st_uid not in (0, os.geteuid()):
        raise UnsafePathError(
            f"{path}: the component {part!r} is a symbolic link made by uid {found.st_uid}; not followed. "
            "Remove it, or point the setting at the real directory"
        )
    if links > LINKS_FOLLOWED:
        raise UnsafePathError(f"{path}: more than {LINKS_FOLLOWED} symbolic links")
    return os.readlink(part, dir_fd=fd)


class Directories:
    """Open parent directories, kept for the next file in the same one."""

    def __init__(self) -> None:
        """Start with none."""
        self._open: dict[str, int] = {}

    def __enter__(self) -> Directories:  # noqa: PYI034 - typing.Self is newer than the targets' Python
        """Use as a context, which closes them."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all of them."""
        self.close()

    def close(self) -> None:
        """Close all of them."""
        for fd in self._open.values():
            with contextlib.suppress(OSError):
                os.close(fd)
        self._open.clear()

    def parent(self, path: str) -> tuple[int, str]:
        """Descriptor of the directory that holds `path`, and the last component."""
        head, _, tail = path.rpartition("/")
        parts_of(path)
        if not tail:
            raise UnsafePathError("the root directory cannot be managed")
        if head not in self._open:
            if len(self._open) >= DIRECTORIES_OPEN:
                self.close()
            self._open[head] = open_directory(head or "/")
        return self._open[head], tail
