"""Carry out a plan of files_plan: atomic replacement, no link followed, durable before it is in place."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.mediastack.core.plugins.module_utils.files_plan import (
    Change,
    Entry,
    FilesError,
    Plan,
    State,
    Step,
    default_mode,
)

if TYPE_CHECKING:
    from ansible_collections.mediastack.core.plugins.module_utils.safe_path import Directories

VALIDATE_SECONDS = 60
OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def validate_all(plan: Plan, scratch: str) -> None:
    """Run every validator on new content in a private directory; raises FilesError."""
    for number, step in enumerate(plan.steps):
        entry = step.entry
        if not entry.validate or not set(step.actions) & {"create", "content"}:
            continue
        folder = Path(scratch) / f"validate-{number}"
        folder.mkdir(mode=0o700)
        copy = folder / entry.path.rpartition("/")[2]
        fd = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "wb") as stream:
            stream.write(entry.content)
        try:
            _validate(entry, str(copy))
        finally:
            copy.unlink()
            folder.rmdir()


def _validate(entry: Entry, copy: str) -> None:
    argv = [word.replace("%s", copy) for word in entry.validate]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, errors="replace", timeout=VALIDATE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FilesError(f"{entry.path}: cannot be validated: {error}") from error
    if done.returncode == 0:
        return
    said = (done.stderr.strip() or done.stdout.strip())[-2000:]
    if entry.secret:
        said = "its message is not shown, it may quote a secret"
    raise FilesError(f"{entry.path}: {argv[0]} refuses the new content: {said}")


def apply(plan: Plan, directories: Directories) -> list[Change]:
    """Put everything right; returns the changes made.

    Raises:
        FilesError: a path could not be changed; the message says which and how many changes were made before.

    """
    done: list[Change] = []
    touched: set[str] = set()
    path = ""
    try:
        for step in plan.steps:
            path = step.entry.path
            _apply_step(step, directories)
            touched.add(path.rpartition("/")[0])
            done += step.changes
        for path in plan.removals:
            _remove(path, directories)
            touched.add(path.rpartition("/")[0])
            done.append({"path": path, "action": "remove", "before": "present", "after": "absent"})
        _flush(touched, directories)
    except OSError as error:
        said = error.strerror or str(error)
        raise FilesError(f"{path}: {said} (after {len(done)} of {len(plan.changes)} changes)") from error
    return done


def _apply_step(step: Step, directories: Directories) -> None:
    entry = step.entry
    parent, name = directories.parent(entry.path)
    if entry.kind == "directory":
        _apply_directory(step, parent, name)
    elif set(step.actions) & {"create", "content"}:
        _replace(entry, step.state, parent, name)
    else:
        fd = os.open(name, OPEN_FLAGS, dir_fd=parent)
        try:
            _attributes(fd, entry)
        finally:
            os.close(fd)


def _apply_directory(step: Step, parent: int, name: str) -> None:
    entry = step.entry
    if "create" in step.actions:
        # An earlier, interrupted run may have left it; whoever made it meanwhile, it gets our owner and mode.
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=parent)
    fd = os.open(name, OPEN_FLAGS | os.O_DIRECTORY, dir_fd=parent)
    try:
        if entry.recurse_owner and "owner" in step.actions:
            _own_below(fd, entry)  # the top comes last: an interrupted run goes on where it stopped
        if "create" in step.actions and entry.mode is None:
            os.fchmod(fd, default_mode(entry))
        _attributes(fd, entry)
    finally:
        os.close(fd)


def _attributes(fd: int, entry: Entry) -> None:
    found = os.fstat(fd)
    uid = entry.uid if entry.uid is not None else found.st_uid
    gid = entry.gid if entry.gid is not None else found.st_gid
    if (uid, gid) != (found.st_uid, found.st_gid):
        os.fchown(fd, uid, gid)
    if entry.mode is not None:
        os.fchmod(fd, entry.mode)  # after chown, which clears the set-id bits


def _own_below(top: int, entry: Entry) -> None:
    uid = entry.uid if entry.uid is not None else -1
    gid = entry.gid if entry.gid is not None else -1
    for _, folders, names, fd in os.fwalk(".", topdown=False, follow_symlinks=False, dir_fd=top):
        for name in folders + names:
            found = os.stat(name, dir_fd=fd, follow_symlinks=False)
            # A hard link to a file of root's would give that file away.
            if stat.S_ISREG(found.st_mode) and found.st_nlink > 1 and found.st_uid == 0:
                continue
            os.chown(name, uid, gid, dir_fd=fd, follow_symlinks=False)


def _replace(entry: Entry, state: State, parent: int, name: str) -> None:
    temporary = f".{name}.mediastack-new"  # one name, so that a killed run's leftover is found and overwritten
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary, dir_fd=parent)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(temporary, flags, 0o600, dir_fd=parent)
    try:
        with os.fdopen(fd, "wb") as stream:
            stream.write(entry.content)
            stream.flush()
            if state.kind != "missing" and (entry.uid is None or entry.gid is None):
                os.fchown(fd, state.uid, state.gid)
            mode = state.mode if state.kind != "missing" else default_mode(entry)
            os.fchmod(fd, mode if entry.mode is None else 0o600)
            _attributes(fd, entry)
            os.fsync(fd)
        os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=parent)
        raise


def _remove(path: str, directories: Directories) -> None:
    parent, name = directories.parent(path)
    found = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if not stat.S_ISDIR(found.st_mode):
        os.unlink(name, dir_fd=parent)
        return
    if found.st_dev != os.fstat(parent).st_dev:
        raise OSError(0, "is a mount point and is not removed")
    for _, folders, names, fd in os.fwalk(name, topdown=False, follow_symlinks=False, dir_fd=parent):
        if os.fstat(fd).st_dev != found.st_dev:
            raise OSError(0, "holds a mount point and is not removed")
        for below in names:
            os.unlink(below, dir_fd=fd)
        for below in folders:
            _remove_folder(below, fd)
    os.rmdir(name, dir_fd=parent)


def _remove_folder(name: str, fd: int) -> None:
    if stat.S_ISLNK(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=fd)
    else:
        os.rmdir(name, dir_fd=fd)


def _flush(folders: set[str], directories: Directories) -> None:
    for folder in folders:
        with contextlib.suppress(FileNotFoundError):
            os.fsync(directories.parent(f"{folder}/-")[0])
