"""Arm, confirm and trigger a rollback that the server does by itself."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import re
import secrets
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils import guard_rollback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

DIRECTORY = "/var/lib/mediastack/guard"
NAME = re.compile(r"[a-z][a-z0-9-]{0,40}")
SECONDS = (5, 3600)


class GuardError(Exception):
    """What was asked for cannot be promised."""


@dataclass(frozen=True)
class Guard:
    """One guard: its name, where its state, units and mark are, and how systemctl is called (raises GuardError)."""

    name: str
    root: Path
    units: str
    run: str
    systemctl: Callable[..., None]

    @property
    def directory(self) -> Path:
        """Where the saved state is."""
        return self.root / self.name

    @property
    def unit(self) -> str:
        """Name of its units, without the suffix."""
        return guard_rollback.unit_name(self.name)

    def state(self) -> dict[str, Any] | None:
        """What is saved; None when it is not armed."""
        return guard_rollback.read(self.directory)


def refuse(name: str, seconds: int, paths: Sequence[str], commands: Sequence[Any]) -> None:
    """Raise GuardError for arguments that make no guard."""
    if not NAME.fullmatch(name):
        raise GuardError(f"name: {name!r} has to be lower-case letters, digits and dashes")
    if not SECONDS[0] <= seconds <= SECONDS[1]:
        raise GuardError(f"seconds: {seconds} has to be between {SECONDS[0]} and {SECONDS[1]}")
    wrong = [path for path in paths if not path.startswith("/") or os.path.normpath(path) != path]
    if wrong:
        raise GuardError(f"paths: {', '.join(wrong)} have to be absolute, without '.' and '..'")
    if not all(isinstance(item, list) and item and all(isinstance(word, str) for word in item) for item in commands):
        raise GuardError("restore: has to be a list of commands, each a list of words")


def look(path: str) -> tuple[dict[str, Any], bytes | None]:
    """What is at a path: its entry for the state, without `content`, and the content of a file."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return {"path": path, "kind": "absent"}, None
    if stat.S_ISLNK(found.st_mode):
        return {"path": path, "kind": "link", "target": str(Path(path).readlink())}, None
    if not stat.S_ISREG(found.st_mode):
        raise GuardError(f"{path}: only files and links can be guarded")
    about = {"mode": stat.S_IMODE(found.st_mode), "uid": found.st_uid, "gid": found.st_gid}
    return {"path": path, "kind": "file", **about}, Path(path).read_bytes()


def save(directory: Path, paths: Sequence[str], known: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Save the paths that are not known yet; returns all entries. The first saved state of a path is kept."""
    entries = list(known)
    for path in dict.fromkeys(paths):
        if any(entry["path"] == path for entry in entries):
            continue
        entry, content = look(path)
        if content is not None:
            entry["content"] = str(len(entries))
            guard_rollback.replace(directory / entry["content"], content, 0o600, os.geteuid(), os.getegid())
        entries.append(entry)
    return entries


def service_text(guard: Guard, python: str) -> str:
    """The unit that rolls back, started by the timer or by the next boot.

    It is ordered before sysinit.target, so that at boot every service finds the old files. It is not ordered before a
    service by name: its own commands restart such services, and would wait for themselves.
    """
    return f"""# Made by mediastack: puts back the old state unless a run confirms the new one.
[Unit]
Description=mediastack: return {guard.name} to its old state
DefaultDependencies=no
RequiresMountsFor={guard.directory}
After=local-fs.target
Before=sysinit.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
ExecStart={python} -I {guard.directory}/rollback.py
TimeoutStartSec=180
Restart=on-failure
RestartSec=5
"""


def timer_text(guard: Guard, seconds: int) -> str:
    """The unit that counts down."""
    return f"""# Made by mediastack: see {guard.unit}.service.
[Unit]
Description=mediastack: time left to confirm {guard.name}

[Timer]
OnActiveSec={seconds}
AccuracySec=1
Unit={guard.unit}.service
"""


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    guard_rollback.replace(path, text.encode("utf-8"), mode, os.geteuid(), os.getegid())


def _write_units(guard: Guard, seconds: int, python: str) -> None:
    timer, service, wanted = guard_rollback.unit_files(guard.name, guard.units)
    _write(service, service_text(guard, python))
    _write(timer, timer_text(guard, seconds))
    guard_rollback.link(wanted, str(service))


def arm(guard: Guard, paths: Sequence[str], commands: Sequence[list[str]], seconds: int, python: str) -> str:
    """Save, and start the countdown anew; returns the name of this arming. All or nothing.

    Raises:
        GuardError: systemd does not take it, or a path cannot be saved. Nothing is left behind.

    """
    with guard_rollback.alone(guard.name, guard.run):
        before = guard.state()
        known = before or {"paths": [], "commands": []}
        if before is None:
            shutil.rmtree(guard.directory, ignore_errors=True)
        guard.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            entries = save(guard.directory, paths, known["paths"])
            added = [command for command in commands if command not in known["commands"]]
            arming = secrets.token_hex(8)
            state = {"arming": arming, "paths": entries, "commands": [*known["commands"], *added]}
            _write(guard.directory / "rollback.py", inspect.getsource(guard_rollback), 0o600)
            _write_units(guard, seconds, python)
            _write(guard.directory / "state.json", json.dumps(state, indent=1), 0o600)
            _write(Path(guard.run, guard.name), "")
            guard.systemctl("daemon-reload")
            guard.systemctl("restart", f"{guard.unit}.timer")
        except (GuardError, OSError) as error:
            if before is None:
                guard_rollback.forget(guard.name, guard.directory, guard.units, guard.run)
            raise GuardError(f"could not be armed: {error}") from error
        return arming


@contextlib.contextmanager
def under(name: str, root: str = DIRECTORY, run: str = guard_rollback.RUN) -> Iterator[None]:
    """Change something while its guard is armed. A countdown that ends meanwhile waits, and undoes all of the change.

    Raises:
        GuardError: it is not armed, so that nobody would undo the change: the run took longer than the countdown.

    """
    with guard_rollback.alone(name, run):
        if guard_rollback.read(Path(root, name)) is None:
            raise GuardError(
                "the countdown was over before this change began, and the server has gone back by itself. Nothing was "
                f"changed. Remedy: run again, with more {name}_rollback_seconds or fewer servers at a time"
            )
        yield


def confirm(guard: Guard, arming: str) -> None:
    """Keep the new state. Raises GuardError when the server has gone back, or somebody has armed anew since.

    What is left of a run that was killed may come in when the next run has armed: it did not see that change work.
    """
    with guard_rollback.alone(guard.name, guard.run):
        state = guard.state()
        if state is None:
            raise GuardError("is not armed: the server has gone back to its old state by itself, or never left it")
        if state.get("arming") != arming:
            raise GuardError("was armed anew by another run since, and is that run's to confirm")
        guard_rollback.remove(guard.directory / "state.json")
        guard.systemctl("stop", f"{guard.unit}.timer")
        guard_rollback.forget(guard.name, guard.directory, guard.units, guard.run)
        guard.systemctl("daemon-reload")


def roll_back(guard: Guard) -> None:
    """Go back now. The server does it, so that it goes on when this connection ends."""
    guard.systemctl("start", f"{guard.unit}.service")
