"""Run playbooks as a user would, and learn what happened task by task."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ANSIBLE_PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")

# Actions that run on the controller only, and so cost no round trip.
CONTROLLER_ACTIONS = frozenset(
    {
        *(f"ansible.builtin.{name}" for name in ("assert", "debug", "fail", "meta", "set_fact", "include_tasks")),
        *(f"ansible.builtin.{name}" for name in ("include_role", "include_vars", "validate_argument_spec")),
        *(f"mediastack.core.{name}" for name in ("preflight", "render", "resolve", "role_variables")),
        *(f"mediastack.core.{name}" for name in ("secrets", "verify_plan")),
    }
)


@dataclasses.dataclass(frozen=True)
class Result:
    """What one run of a playbook did."""

    returncode: int
    output: str
    events: tuple[dict[str, Any], ...]

    @property
    def changed(self) -> list[str]:
        """Names of the tasks that changed something, in order."""
        return [event["task"] for event in self.events if event["event"] == "ok" and event["changed"]]

    @property
    def on_host(self) -> list[str]:
        """Names of the tasks that reached a host."""
        reached = ("ok", "failed", "ignored")
        return [e["task"] for e in self.events if e["event"] in reached and e["action"] not in CONTROLLER_ACTIONS]

    @property
    def failure(self) -> str:
        """The message of the task that failed, or what the program printed when none did."""
        messages = [e["message"] for e in self.events if e["event"] in ("failed", "unreachable")]
        return messages[-1] if messages else self.output


def read_events(path: Path) -> tuple[dict[str, Any], ...]:
    """The complete lines that the callback has written so far."""
    if not path.exists():
        return ()
    text = path.read_text(encoding="utf-8")
    return tuple(json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines())


def environment(events: Path, extra: dict[str, str] | None) -> dict[str, str]:
    """The user's environment, with the event callback switched on."""
    return {
        **os.environ,
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/integration/callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "mediastack.core.inventory_problems,events",
        "ANSIBLE_NOCOLOR": "1",
        "MEDIASTACK_EVENTS": str(events),
        **(extra or {}),
    }


def run(
    playbook: str,
    inventory: Path,
    *words: str,
    env: dict[str, str] | None = None,
    timeout: int = 900,
    kill_at: int | Callable[[], bool] | None = None,
) -> Result:
    """Run a playbook to its end, or kill the controller (SIGKILL): after so many changed tasks, or when that is true.

    A task that cuts the controller's own connection may change something and never be heard of.
    """
    with tempfile.TemporaryDirectory() as scratch:
        events = Path(scratch) / "events"
        with (Path(scratch) / "output").open("w+", encoding="utf-8") as output:
            process = subprocess.Popen(
                [str(ANSIBLE_PLAYBOOK), playbook, "-i", str(inventory), *words],
                cwd=ROOT,
                env=environment(events, env),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
            _watch(process, partial(_changed, events, kill_at) if isinstance(kill_at, int) else kill_at, timeout)
            output.seek(0)
            return Result(process.returncode, output.read(), read_events(events))


def _changed(events: Path, count: int) -> bool:
    """Whether so many tasks have changed something."""
    return sum(1 for e in read_events(events) if e["event"] == "ok" and e["changed"]) >= count


def _watch(process: subprocess.Popen[bytes], kill_when: Callable[[], bool] | None, timeout: int) -> None:
    """Wait for the process; kill its whole group when it is time, at the time limit, and when nobody can tell."""
    deadline = time.monotonic() + timeout
    try:
        while process.poll() is None and time.monotonic() < deadline and not (kill_when and kill_when()):
            time.sleep(0.02 if kill_when else 0.2)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
