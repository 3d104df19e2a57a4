"""The start of a LinuxServer.io-style image: `python3 -m peers.framework.start <program> [argument…]`.

As root it reads FILE__ variables, makes the account PUID:PGID (a write to /etc), leaves a copy of the
environment below /run, gives /config to that account, sets UMASK, drops to it for good and becomes the
program: process 1 is then the application itself, so that the engine's SIGTERM reaches it. Started as
another user (compose `user:`) it only reads FILE__ variables and runs the program, as the real images do.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

from peers.framework import journal

PREFIX = "FILE__"
ACCOUNT = "abc"
DEFAULT_ID = "911"


def read_file_variables(environment: MutableMapping[str, str]) -> list[str]:
    """Set X from the file that FILE__X names, last newline cut; return the names that were set."""
    done = []
    for name in sorted(key for key in environment if key.startswith(PREFIX)):
        target, path = name.removeprefix(PREFIX), Path(environment[name])
        if not path.is_file():
            journal.say(f"[env-init] {name}: {path} is not a file")
            continue
        environment[target] = journal.hide(path.read_text("utf-8").rstrip("\n"))
        done.append(target)
    return done


def account_lines(passwd: str, group: str, uid: int, gid: int) -> tuple[str, str]:
    """The texts of /etc/passwd and /etc/group with our account in them, and once only."""
    kept = [line for line in passwd.splitlines() if not line.startswith(f"{ACCOUNT}:")]
    groups = [line for line in group.splitlines() if not line.startswith(f"{ACCOUNT}:")]
    kept.append(f"{ACCOUNT}:x:{uid}:{gid}::/config:/bin/false")
    groups.append(f"{ACCOUNT}:x:{gid}:")
    return "\n".join(kept) + "\n", "\n".join(groups) + "\n"


def give(directory: Path, uid: int, gid: int) -> int:
    """Chown what is not yet theirs, links themselves included; return how many were changed."""
    changed = 0
    for folder, _, files in os.walk(directory):
        for name in [folder, *(os.path.join(folder, file) for file in files)]:  # noqa: PTH118
            state = os.lstat(name)
            if (state.st_uid, state.st_gid) != (uid, gid):
                os.chown(name, uid, gid, follow_symlinks=False)
                changed += 1
    return changed


def publish_environment(environment: MutableMapping[str, str], folder: Path) -> None:
    """Leave the variables below /run as the real init does; secrets are readable by root only."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name, value in environment.items():
        if name.replace("_", "").isalnum():
            (folder / name).write_text(value, "utf-8")


def become(uid: int, gid: int) -> None:
    """Give up root: groups first, user last."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def main(arguments: list[str]) -> None:
    """Prepare and become the program; never returns."""
    if not arguments:
        sys.exit("usage: start <program> [argument…]")
    read_file_variables(os.environ)
    os.umask(int(os.environ.get("UMASK", "022"), 8))
    if os.geteuid() == 0:
        uid, gid = (int(os.environ.get(name) or DEFAULT_ID) for name in ("PUID", "PGID"))
        publish_environment(os.environ, Path("/run/s6/container_environment"))
        passwd, group = Path("/etc/passwd"), Path("/etc/group")
        texts = account_lines(passwd.read_text("utf-8"), group.read_text("utf-8"), uid, gid)
        passwd.write_text(texts[0], "utf-8")
        group.write_text(texts[1], "utf-8")
        config = Path("/config")
        config.mkdir(exist_ok=True)
        changed = give(config, uid, gid)
        journal.say(f"[init] User UID: {uid}, GID: {gid}; {changed} files below /config given to them")
        become(uid, gid)
        os.environ["HOME"] = "/config"
    sys.stdout.flush()
    os.execvp(arguments[0], arguments)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
