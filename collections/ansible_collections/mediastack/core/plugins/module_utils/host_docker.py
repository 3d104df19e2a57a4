"""How the engine was set up: what tells a role its work. Reads only."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils import systemd

if TYPE_CHECKING:
    from collections.abc import Iterable

DAEMON_FILE = "/etc/docker/daemon.json"
# What `systemctl enable docker` makes; reading it is cheaper than asking systemd.
ENABLED_LINK = "/etc/systemd/system/multi-user.target.wants/docker.service"
UNIT_FILE = "/etc/systemd/system/docker.service.d/mediastack.conf"
SOCKET = "/run/docker.sock"
PROGRAMS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MARK = "MEDIASTACK_"
QUERY_SECONDS = 30


def daemon_file(path: str = DAEMON_FILE) -> tuple[dict[str, Any] | None, str | None]:
    """The engine's configuration, or None and the reason why it cannot be read (None: there is no file)."""
    try:
        # As the engine reads it: a byte order mark is skipped, blanks alone are an empty object.
        value = json.loads(Path(path).read_text(encoding="utf-8-sig").strip() or "{}")
    except FileNotFoundError:
        return None, None
    except OSError as error:
        return None, f"it cannot be read: {error.strerror}"
    except ValueError as error:
        return None, f"it is not valid JSON: {error}"
    return (value, None) if isinstance(value, dict) else (None, "it is not a JSON object")


def marks(environment: bytes) -> dict[str, str]:
    """Our own variables in a process's environment."""
    pairs = (item.partition("=") for item in environment.decode("utf-8", "replace").split("\0"))
    return {name: value for name, _, value in pairs if name.startswith(MARK)}


def has_engine() -> bool:
    """Whether an engine is installed, whether it runs or not."""
    return shutil.which("dockerd", path=PROGRAMS) is not None


def installed_version() -> str | None:
    """Version of the installed engine, which need not run; None without one."""
    program = shutil.which("dockerd", path=PROGRAMS)
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, timeout=QUERY_SECONDS, check=False, text=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_version(done.stdout)


def parse_version(said: str) -> str | None:
    """The version in `Docker version 26.1.5+dfsg1, build 411e817`."""
    found = re.search(r"\bversion (\d[^\s,]*)", said)
    return found[1] if found else None


def running_engine(processes: str = "/proc") -> Path | None:
    """The process of the running dockerd; None where there is none.

    A container's own dockerd (in another process namespace) is not the host's: only one in ours counts.
    """
    root = Path(processes)
    ours = _namespace(root / "self")
    for directory in root.glob("[0-9]*"):
        try:
            name = (directory / "comm").read_text(encoding="ascii", errors="replace").strip()
        except OSError:
            continue
        if name == "dockerd" and _namespace(directory) == ours:
            return directory
    return None


def asleep(socket: str = SOCKET, processes: str = "/proc") -> bool:
    """Whether a question would start the engine: systemd listens in its place. Who only looks must not ask then."""
    if os.environ.get("DOCKER_HOST") or not Path(socket).is_socket() or running_engine(processes) is not None:
        return False
    return systemd.is_active("docker.socket")


def environment_of(process: Path | None) -> dict[str, str]:
    """Our variables in a process's environment."""
    try:
        return marks((process / "environ").read_bytes()) if process else {}
    except OSError:
        return {}


def started(process: Path) -> float:
    """When a process started, in seconds since the epoch; 0 when that cannot be known."""
    try:
        fields = (process / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        uptime = float((process.parent / "uptime").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return 0.0
    return time.time() - uptime + int(fields[19]) / os.sysconf("SC_CLK_TCK")


def stale(process: Path | None, files: Iterable[str] = (DAEMON_FILE, UNIT_FILE)) -> bool:
    """Whether a file that a daemon reads at its start has changed since."""
    if process is None:
        return False
    since = started(process)
    return any(Path(path).stat().st_mtime > since for path in files if Path(path).exists())


def _namespace(process: Path) -> str:
    try:
        return str((process / "ns/pid").readlink())
    except OSError:
        return ""


def configured_environment(path: str = UNIT_FILE) -> dict[str, str]:
    """Our variables as the engine's unit sets them: what the next start will have."""
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=")[2].strip('"').partition("=") for line in lines if line.startswith("Environment="))
    return {name: value for name, _, value in pairs if name.startswith(MARK)}


def engine_setup() -> dict[str, Any]:
    """``{installed, enabled, running, stale, daemon, daemon_error, environment, configured}``."""
    daemon, error = daemon_file()
    process = running_engine()
    return {
        "installed": has_engine(),
        "enabled": Path(ENABLED_LINK).exists(),
        "running": process is not None,
        "stale": stale(process),
        "daemon": daemon,
        "daemon_error": error,
        "environment": environment_of(process),
        "configured": configured_environment(),
    }
