"""What fail2ban is on a server: reads it, tries a configuration before it is taken, and lets it be taken."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils import fail2ban_watch as watch
from ansible_collections.mediastack.core.plugins.module_utils import host_system, packages, ssh_session, systemd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SERVICE = "fail2ban.service"
TIMER = "mediastack-fail2ban.timer"
PACKAGES = ("fail2ban", "python3-systemd", "nftables")
DIRECTORY = "/etc/fail2ban"
LOG = "/var/log/fail2ban.log"
SECONDS = 60


def units() -> dict[str, dict[str, bool]]:
    """``{unit: {active, enabled}}``."""
    return {
        unit: {
            "active": state.get("ActiveState") in ("active", "activating", "reloading"),
            "enabled": state.get("UnitFileState") == "enabled",
        }
        for unit, state in systemd.show((SERVICE, TIMER), ("ActiveState", "UnitFileState")).items()
    }


def gather(paths: Iterable[str], prefix6: int) -> dict[str, Any]:
    """Everything, in the shape of the documentation's sample."""
    try:
        jails: dict[str, Any] | None = watch.survey(prefix6)
    except watch.BansError:
        jails = None
    return {
        "packages": packages.installed(PACKAGES),
        "units": units(),
        "jails": jails,
        "states": {path: host_system.describe_state(path) for path in paths},
        "controller": ssh_session.client() or "",
    }


def try_out(files: Iterable[Mapping[str, Any]], absent: Iterable[str]) -> None:
    """Let fail2ban check a copy of its directory with the new files; raises BansError with what it says."""
    with tempfile.TemporaryDirectory(prefix="mediastack-fail2ban-") as scratch:
        copy = Path(scratch, "fail2ban")
        shutil.copytree(DIRECTORY, copy, symlinks=True)
        for path in absent:
            if path.startswith(DIRECTORY + "/"):
                (copy / path[len(DIRECTORY) + 1 :]).unlink(missing_ok=True)
        for file in files:
            if file["path"].startswith(DIRECTORY + "/"):
                target = copy / file["path"][len(DIRECTORY) + 1 :]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(file["content"], encoding="utf-8")
        try:
            watch.run("fail2ban-client", "-c", str(copy), "-t")
        except watch.BansError as error:
            raise watch.BansError(f"fail2ban refuses the new configuration; nothing was changed: {error}") from error


def in_force(wanted: Iterable[str], revision: str) -> bool:
    """Whether all wanted jails run, and every running jail has the wanted configuration."""
    try:
        running = watch.jails()
    except watch.BansError:
        return False
    return set(wanted) <= set(running) and all(jail["revision"] == revision for jail in running.values())


def wait(wanted: Iterable[str], revision: str, seconds: float = SECONDS) -> bool:
    """Whether it comes into force in time."""
    deadline = time.monotonic() + seconds
    wanted = list(wanted)
    while not in_force(wanted, revision):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.3)
    return True


def load(wanted: Iterable[str], revision: str) -> str:
    """Let fail2ban take its files; returns how. A restart is the last resort: until it is over, nobody is banned.

    Raises:
        BansError: it does not take them.
        SystemdError: it does not start.

    """
    wanted = list(wanted)
    if units()[SERVICE]["active"]:
        try:
            watch.run("fail2ban-client", "reload")
        except watch.BansError:
            pass  # it says the same at its start, below
        else:
            if wait(wanted, revision, SECONDS / 4):
                return "reloaded"
    with contextlib.suppress(systemd.SystemdError):
        systemd.call("reset-failed", SERVICE)
    systemd.call("restart", SERVICE)
    if not wait(wanted, revision):
        last = "\n".join(host_system.read(LOG).splitlines()[-15:])
        raise watch.BansError(f"fail2ban does not run with the new configuration. Its log ends with:\n{last}")
    return "started"
