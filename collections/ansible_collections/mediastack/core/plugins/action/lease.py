"""The controller's half of the lease: who we are, and whether the holder still lives."""

from __future__ import annotations

import getpass
import hashlib
import json
import multiprocessing
import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.mediastack.core.plugins.module_utils.lease_file import DIRECTORY, describe

PLAYBOOK_SUFFIXES = (".yml", ".yaml")
# Python's start costs more than all of this. The lock is the one that the module takes, too.
GIVE_BACK = "cd {directory} && flock -w 10 lease.lock sh -c {check_and_remove}"
CHECK_AND_REMOVE = "grep -qF {mark} lease.json && rm lease.json"


def main_pid() -> int:
    """Process of the playbook: action plugins run in a fork of it.

    The parent is asked of multiprocessing, not of the kernel, which names another once the parent is dead.
    """
    parent = multiprocessing.parent_process()
    return parent.pid if parent is not None and parent.pid is not None else os.getpid()


def start_of(pid: int) -> str:
    """When a process started, which tells it from a later one of the same number; empty when it is dead."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return "" if Path("/proc/self/stat").exists() else _start_by_ps(pid)
    return "" if fields[0] in "ZX" else fields[19]


def _start_by_ps(pid: int) -> str:
    try:
        done = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def controller_id() -> str:
    """Name of this controller: machine, boot and process namespace. Only there a pid means anything."""
    parts = [socket.gethostname()]
    for path in ("/etc/machine-id", "/proc/sys/kernel/random/boot_id"):
        try:
            parts.append(Path(path).read_text(encoding="ascii").strip())
        except OSError:
            parts.append("")
    try:
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    except OSError:
        parts.append("")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def command_of(argv: list[str]) -> str:
    """The program and its playbooks; never other words, which may hold passwords."""
    playbooks = [
        Path(word).name for word in argv[1:] if word.endswith(PLAYBOOK_SUFFIXES) and not word.startswith(("-", "@"))
    ]
    return " ".join([Path(argv[0]).name, *playbooks])


def claim() -> dict[str, Any]:
    """What this run writes into the lease."""
    pid = main_pid()
    start, controller = start_of(pid), controller_id()
    run = hashlib.sha256(f"{controller}\n{pid}\n{start}".encode()).hexdigest()[:16]
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return {
        "who": f"{user}@{socket.gethostname()}",
        "controller": controller,
        "pid": pid,
        "start": start,
        "run": run,
        "command": command_of(sys.argv),
    }


def is_dead(holder: dict[str, Any], ours: dict[str, Any]) -> bool:
    """Whether the holder ran on this controller and does not any more."""
    if holder.get("controller") != ours["controller"] or not isinstance(holder.get("pid"), int):
        return False
    return start_of(holder["pid"]) != str(holder.get("start", ""))


def refusal(holder: dict[str, Any], host: str) -> str:
    """The error of a second run: who, since when, until when, and what to do."""
    return (
        f"another run is changing {host}: {describe(holder)}. Nothing was changed. "
        "Wait for it, or stop it there; if its controller died, the lease runs out by itself at the time named"
    )


def give_back(run: str, directory: str) -> str:
    """The command that removes the lease of `run` under the lock, and fails where there is none of it."""
    inner = CHECK_AND_REMOVE.format(mark=shlex.quote(f'"run": {json.dumps(run)}'))
    return GIVE_BACK.format(directory=shlex.quote(directory), check_and_remove=shlex.quote(inner))


class ActionModule(ActionBase):  # type: ignore[misc]
    """Take, give back or read the lease of a server."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call the module with what only the controller knows; again when the holder turns out to be dead."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        ours = claim()
        if self._task.args.get("state") == "released" and not self._task.check_mode and self._given_back(ours):
            return {**result, "changed": False, "state": "released", "holder": None}
        arguments = {**self._task.args, "claim": ours}
        answer = self._module(arguments, task_vars)
        holder = answer.get("holder")
        if holder and answer.get("state") == "held" and is_dead(holder, ours):
            answer = self._module({**arguments, "replace": holder["run"]}, task_vars)
            answer["replaced"] = holder.get("who")
        result.update(answer)
        if answer.get("failed") or answer.get("state") != "held":
            return result
        host = str((task_vars or {}).get("inventory_hostname", "this server"))
        if self._task.check_mode or self._task.args.get("state") == "read":
            result["warnings"] = [
                *result.get("warnings", []),
                f"another run is changing {host}: {describe(answer['holder'])}",
            ]
            return result
        return {**result, "failed": True, "msg": refusal(answer["holder"], host)}

    def _given_back(self, ours: dict[str, Any]) -> bool:
        """Whether a shell could give back this run's own lease; the module says why it could not."""
        command = give_back(ours["run"], str(self._task.args.get("lease_directory") or DIRECTORY))
        return bool(self._low_level_execute_command(command).get("rc") == 0)

    def _module(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        answer: dict[str, Any] = self._execute_module(
            module_name="mediastack.core.lease", module_args=arguments, task_vars=task_vars
        )
        return answer
