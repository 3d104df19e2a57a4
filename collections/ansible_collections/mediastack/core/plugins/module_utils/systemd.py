"""What systemd says of its units, and how it is told to do something."""

from __future__ import annotations

import calendar
import os
import re
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RUNTIME = "/run/systemd/system"
READ_SECONDS = 20
SECONDS = 90
# Lines of [Service] for a program of ours that watches the kernel's network and changes nothing else.
WATCHER = """\
MemoryMax=96M
TasksMax=16
CPUQuota=50%
NoNewPrivileges=yes
CapabilityBoundingSet=CAP_NET_ADMIN CAP_SYS_ADMIN
ProtectSystem=full
ProtectHome=yes"""
# As systemctl writes a moment for people; `--timestamp=unix` came with systemd 251, and 249 is on Ubuntu 22.04.
MOMENT = re.compile(r"^(\w+Timestamp)=[A-Z][a-z]{2} (\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}) UTC$", re.MULTILINE)
# The properties by which `condition` judges.
CONDITION = ("ActiveState", "UnitFileState", "ActiveEnterTimestampMonotonic")


class SystemdError(Exception):
    """systemctl failed; the text says which call, and what it said."""


def runs_here() -> bool:
    """Whether this server is run by systemd."""
    return Path(RUNTIME).is_dir()


def parse(said: str) -> list[dict[str, str]]:
    """The properties of each unit, from `systemctl show`: blocks are divided by empty lines.

    A property that is printed several times, as a socket's ``Listen``, has a line for each.
    """
    units = []
    for block in filter(None, said.strip("\n").split("\n\n")):
        values: dict[str, str] = {}
        for line in block.splitlines():
            name, _, value = line.partition("=")
            values[name] = f"{values[name]}\n{value}" if name in values else value
        units.append(values)
    return units


def show(names: Iterable[str], properties: Iterable[str]) -> dict[str, dict[str, str]]:
    """``{unit: {property: value}}``, all asked at once; a unit has no properties where systemd does not answer.

    Moments are seconds since the epoch (``@1795000000``), or microseconds where the property is a monotonic one.
    """
    wanted = list(dict.fromkeys(names))
    if not wanted:
        return {}
    # By its Id, every unit has a line, so that the answers can be told apart; they come in the order of the names.
    listed = ",".join(dict.fromkeys(["Id", *properties]))
    said = MOMENT.sub(_since_epoch, _said("show", f"--property={listed}", "--", *wanted))
    answers = parse(said)
    answers += [{}] * (len(wanted) - len(answers))
    return dict(zip(wanted, answers))  # noqa: B905  Python 3.9


def condition(values: Mapping[str, str], files: Iterable[str] = ()) -> dict[str, bool]:
    """``{enabled, active, stale}`` of a unit by its properties; stale: started before one of its files was changed."""
    since = time.time() - time.monotonic() + int(values.get("ActiveEnterTimestampMonotonic") or 0) / 1e6
    active = values.get("ActiveState") == "active"
    changed = [Path(path).stat().st_mtime for path in files if Path(path).exists()]
    return {
        "enabled": values.get("UnitFileState") == "enabled",
        "active": active,
        "stale": active and any(moment > since for moment in changed),
    }


def _since_epoch(found: re.Match[str]) -> str:
    return f"{found[1]}=@{calendar.timegm(time.strptime(found[2], '%Y-%m-%d %H:%M:%S'))}"


def _said(*words: str) -> str:
    environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
    try:
        done = subprocess.run(
            ["systemctl", *words], capture_output=True, text=True, timeout=READ_SECONDS, check=False, env=environment
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def is_active(unit: str) -> bool:
    """Whether a unit runs; a socket, whether systemd listens on it."""
    try:
        argv = ["systemctl", "is-active", "--quiet", unit]
        done = subprocess.run(argv, capture_output=True, timeout=READ_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def call(*words: str, seconds: float | None = SECONDS) -> None:
    """Call systemctl. Raises SystemdError."""
    try:
        done = subprocess.run(
            ["systemctl", *words],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise SystemdError(f"systemctl {' '.join(words)}: {error}") from error
    if done.returncode:
        raise SystemdError(f"systemctl {' '.join(words)}: {done.stderr.strip()}")


def daemon_reload() -> None:
    """Let systemd read the files of its units. Raises SystemdError."""
    call("daemon-reload")
