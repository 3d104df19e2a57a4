"""Put back what a guard has saved. Copied to the server as it is: it needs neither Ansible nor the controller.

A guard is a directory with ``state.json`` (`paths` in the shape of `saved`, `commands`, and the name of its `arming`),
the contents ``0``, ``1``, … and a copy of this file. systemd runs that when the time is over, and before anything else
when the server boots. Python 3.9, standard library.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

UNITS = "/etc/systemd/system"
RUN = "/run/mediastack/guard"  # gone after a reboot: that is how a boot is told from a timer
RESTARTED = "restarted"  # in the mark that is there: services have the files that could be put back
COMMAND_SECONDS = 30


@contextlib.contextmanager
def alone(name: str, run: str = RUN) -> Iterator[None]:
    """Keep confirmation and rollback of one guard apart."""
    directory = Path(run)
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / (name + ".lock")).open("w", encoding="ascii") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def unit_name(name: str) -> str:
    """Name of a guard's units, without the suffix."""
    return f"mediastack-guard-{name}"


def unit_files(name: str, units: str = UNITS) -> list[Path]:
    """Timer, service, and the link that starts the service at boot, before the services whose files it puts back."""
    unit = unit_name(name)
    wanted = Path(units, "sysinit.target.wants", f"{unit}.service")
    return [Path(units, f"{unit}.timer"), Path(units, f"{unit}.service"), wanted]


def read(directory: Path) -> dict[str, Any] | None:
    """The state of an armed guard; None where there is none."""
    try:
        state: dict[str, Any] = json.loads((directory / "state.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return state


def settle(folder: Path) -> None:
    """Make what was renamed, linked or removed in a folder safe against a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file or link for good, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
        settle(path.parent)


def link(path: Path, target: str) -> None:
    """Make a link in one step, safe against a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.mediastack-guard")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    temporary.symlink_to(target)
    temporary.replace(path)
    settle(path.parent)


def replace(path: Path, content: bytes, mode: int, uid: int, gid: int) -> None:
    """Write a file in one step, safe against a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.mediastack-guard")
    with temporary.open("wb") as stream:
        os.fchown(stream.fileno(), uid, gid)
        os.fchmod(stream.fileno(), mode)
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    settle(path.parent)


def put_back(directory: Path, saved: dict[str, Any]) -> None:
    """Make one path what it was."""
    path = Path(saved["path"])
    if saved["kind"] == "absent":
        remove(path)
    elif saved["kind"] == "link":
        link(path, saved["target"])
    else:
        content = (directory / saved["content"]).read_bytes()
        replace(path, content, saved["mode"], saved["uid"], saved["gid"])


def put_all_back(directory: Path, state: dict[str, Any]) -> list[str]:
    """Put back every path; returns what failed. One failure does not keep the others from being put back."""
    problems = []
    for saved in state["paths"]:
        try:
            put_back(directory, saved)
        except OSError as error:
            problems.append(f"{saved['path']}: {error}")
    return problems


def run(command: list[str]) -> str:
    """Run a command within its time; returns why it failed, or nothing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return f"{' '.join(command)}: {error}"
    return f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()[-300:]}" if done.returncode else ""


def forget(name: str, directory: Path, units: str = UNITS, run_directory: str = RUN) -> None:
    """Remove the guard and its units. The state goes first: without it, no unit does anything."""
    remove(directory / "state.json")
    for path in [*unit_files(name, units), Path(run_directory, name)]:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
    shutil.rmtree(directory, ignore_errors=True)


def roll_back(name: str, directory: Path, units: str = UNITS, run_directory: str = RUN) -> list[str]:
    """Do it; returns what was wrong. A guard whose files could not all be put back stays, and is tried again.

    At boot no command is run: the services start later, and find the old files. When that attempt fails or is cut
    off, they have started with the new ones, so that the next attempt is none of a boot. Of attempts that fail, one
    runs the commands: a service is not restarted every few seconds for a file that never can be put back.
    """
    with alone(name, run_directory):
        state = read(directory)
        if state is None:
            return []
        mark = Path(run_directory, name)
        booted = not mark.exists()
        mark.touch()
        problems = put_all_back(directory, state)
        spared = booted or (problems and mark.read_text(encoding="ascii") == RESTARTED)
        commands = [] if spared else state["commands"]
        if problems and commands:
            mark.write_text(RESTARTED, encoding="ascii")
        reload = run(["systemctl", "daemon-reload"])
        notes = [note for note in (reload, *(run(command) for command in commands)) if note]
        if not problems:
            forget(name, directory, units, run_directory)
            run(["systemctl", "daemon-reload"])
    for note in notes:
        sys.stderr.write(note + "\n")
    return problems


def main() -> None:
    """Roll back the guard in whose directory this file lies."""
    directory = Path(__file__).resolve().parent
    problems = roll_back(directory.name, directory)
    if problems:
        raise SystemExit("\n".join(problems))
    sys.stderr.write(f"guard {directory.name}: the old state is back\n")


if __name__ == "__main__":
    main()
