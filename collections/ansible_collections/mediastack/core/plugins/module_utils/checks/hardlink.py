"""A file that the downloader wrote becomes a hardlink in the library, made by the manager itself.

Proved the way the applications do it: the writer's uid makes a file inside the writer's container, the
reader's uid links it inside the reader's container. What breaks homes shows here: folders mounted apart (the
link crosses a mount and is refused), wrong owners (the kernel protects links to files one may not write),
read-only mounts.

`docker exec` runs a few lines of sh. An image without a shell is entered from the host instead: a child
process takes the uid and works relative to a handle on the container's root, which obeys that container's
mounts just the same.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.mediastack.core.plugins.module_utils.checks.containers import running
from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import (
    Accepted,
    Context,
    Failed,
    Skipped,
)
from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import Docker, Output

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ansible_collections.mediastack.core.plugins.module_utils.checks.engine import Container
    from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import Check

NO_SHELL = (126, 127)  # what docker exec answers when the program is not in the image

WRITE = 'umask "${UMASK:-022}"; set -e; echo probe > "$1"; stat -c "%i %h %d" "$1"'
LINK = 'set -e; ln "$1" "$2"; stat -c "%i %h %d" "$2"'
REMOVE = 'rm -f "$@"'

# The same three steps for an image without a shell. argv: uid, gid, handle on the container's root, step,
# paths. It becomes the user by itself: that user may not be able to reach the interpreter.
OUTSIDE = """
import os, sys
uid, gid, root = (int(word) for word in sys.argv[1:4])
step, paths = sys.argv[4], [p.lstrip("/") for p in sys.argv[5:]]
try:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if step == "write":
        os.umask(0o002)
        os.close(os.open(paths[0], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=root))
    elif step == "link":
        os.link(paths[0], paths[1], src_dir_fd=root, dst_dir_fd=root, follow_symlinks=False)
    else:
        for path in paths:
            try:
                os.unlink(path, dir_fd=root)
            except FileNotFoundError:
                pass
        sys.exit(0)
    seen = os.stat(paths[-1], dir_fd=root, follow_symlinks=False)
    print(seen.st_ino, seen.st_nlink, seen.st_dev)
except OSError as error:
    sys.exit(f"{step}: {error.strerror}")
"""


class Inode(NamedTuple):
    """What stat says of a file."""

    number: int
    links: int
    device: int


class _Shell:
    """Works as a uid inside a container."""

    def __init__(self, where: Container, side: Mapping[str, Any], timeout: float) -> None:
        self.where = where
        self.uid, self.gid = int(side["uid"]), int(side["gid"])
        self.timeout = timeout
        self.docker = Docker()

    def step(self, name: str, script: str, *paths: str) -> str:
        """Run one step and return what it prints. Raises Failed with the reason that the system gave."""
        user = f"{self.uid}:{self.gid}"
        command = ["exec", "--user", user, self.where.id, "sh", "-c", script, "sh", *paths]
        done = self.docker.run(*command, timeout=self.timeout)
        if done.code in NO_SHELL:
            done = self._from_outside(name, paths)
        if done.code:
            why = done.said or f"exit code {done.code}"
            raise Failed(f"{self.where.name}, as uid {self.uid}, cannot {name}: {why}")
        return done.out

    def _from_outside(self, name: str, paths: Sequence[str]) -> Output:
        try:
            root = os.open(f"/proc/{self.where.pid}/root", os.O_PATH | os.O_DIRECTORY)
        except OSError as error:
            raise Failed(f"the files of {self.where.name} cannot be reached: {error.strerror}") from None
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-c", OUTSIDE, str(self.uid), str(self.gid), str(root), name, *paths],
                pass_fds=[root],
                capture_output=True,
                text=True,
                timeout=self.timeout,
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise Failed(f"no process as uid {self.uid}: {type(error).__name__}") from None
        finally:
            os.close(root)
        return Output(done.returncode, done.stdout, done.stderr)


def hardlink(check: Check, context: Context) -> str:
    """One inode, two links, after the reader linked what the writer wrote; both are removed afterwards."""
    if context.check_mode:
        raise Skipped("check mode: no probe file is written")
    writer, reader = check["writer"], check["reader"]
    _refuse_two_filesystems(check)
    write = _Shell(running(context.docker, writer["container"]), writer, context.timeout)
    read = _Shell(running(context.docker, reader["container"]), reader, context.timeout)
    probe = f".mediastack-verify-{secrets.token_hex(8)}"
    written = f"{writer['directory'].rstrip('/')}/{probe}"
    source = f"{reader['source'].rstrip('/')}/{probe}"
    target = f"{reader['target'].rstrip('/')}/{probe}"
    try:
        before = inode(write.step("write", WRITE, written))
        after = inode(read.step("link", LINK, source, target))
    finally:
        left = _remove(read, target) + _remove(write, written)
    if left:
        raise Failed(f"the probe file could not be removed: {'; '.join(left)}")
    if after.number != before.number or after.links != 2:  # noqa: PLR2004 - the file and its link
        raise Failed(f"inode {before.number} became {after.number}, links {after.links}")
    return f"inode {after.number}, links {after.links}"


def _refuse_two_filesystems(check: Check) -> None:
    """Raise Accepted where no link can be made and the owner knows it; what cannot be told is left to the probe."""
    if not check.get("may_copy"):
        return
    try:
        devices = [os.stat(check[name]).st_dev for name in ("downloads", "library")]  # noqa: PTH116 - as given
    except OSError:
        return
    if devices[0] != devices[1]:
        raise Accepted(f"{check['downloads']} and {check['library']} are on two filesystems: imports are copies")


def inode(text: str) -> Inode:
    """Read `stat -c "%i %h %d"`. Raises Failed when it is something else."""
    try:
        number, links, device = (int(word) for word in text.split())
    except ValueError:
        raise Failed(f"stat answers {json.dumps(text.strip()[:80])}") from None
    return Inode(number, links, device)


def _remove(side: _Shell, path: str) -> list[str]:
    try:
        side.step("remove", REMOVE, path)
    except Failed as error:
        return [str(error)]
    return []
