"""Events for the tests, recorded ones and made ones, and what plays them in Ansible's place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from mediastack_provision.cli import app
from mediastack_provision.runner import Job, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

FIXTURES = Path(__file__).parent / "fixtures"
ROOT = Path(__file__).resolve().parents[3]
CORE = "mediastack.core."


def recorded(name: str) -> list[dict[str, Any]]:
    """Events that ansible-runner emitted in a real run."""
    return [json.loads(line) for line in (FIXTURES / name).read_text(encoding="utf-8").splitlines()]


class Script:
    """Makes events as ansible-runner does, one second apart."""

    def __init__(self) -> None:
        self.second = 0
        self.role = ""
        self.name = ""
        self.events: list[dict[str, Any]] = []

    def _add(self, event: str, **data: Any) -> Script:
        created = f"2026-11-21T09:{self.second // 60:02}:{self.second % 60:02}.000000+00:00"
        self.second += 1
        data = {"play": "Apply", "role": self.role, "task": self.name, **data}
        self.events.append({"event": event, "created": created, "pid": 1, "stdout": "", "event_data": data})
        return self

    def task(self, role: str, name: str) -> Script:
        self.role, self.name = role, name
        return self._add("playbook_on_task_start")

    def ok(self, res: dict[str, Any], host: str = "nas", action: str = "ansible.builtin.copy") -> Script:
        return self._add("runner_on_ok", host=host, res=res, resolved_action=action, duration=1.0)

    def failed(self, res: dict[str, Any], host: str = "nas", action: str = "ansible.builtin.copy") -> Script:
        return self._add("runner_on_failed", host=host, res=res, resolved_action=action)

    def stats(self, **hosts: dict[str, int]) -> Script:
        names = {"ok": "ok", "changed": "changed", "failed": "failures", "unreachable": "dark"}
        data: dict[str, Any] = {"processed": dict.fromkeys(hosts, 1), "skipped": {}}
        for ours, theirs in names.items():
            data[theirs] = {host: counts[ours] for host, counts in hosts.items() if counts.get(ours)}
        return self._add("playbook_on_stats", **data)


class Ansible:
    """Stands where runner.run does: keeps the job and plays events."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.events: list[dict[str, Any]] = []
        self.outcome = Outcome("successful", 0)

    def run(self, job: Job, _project: Any, on_event: Callable[[dict[str, Any]], None], _interrupt: Any) -> Outcome:
        self.jobs.append(job)
        for event in self.events:
            on_event(event)
        return self.outcome

    @property
    def job(self) -> Job:
        [job] = self.jobs
        return job


def call(*words: str, **options: Any) -> Any:
    """The command with these words; its result has `exit_code`, `output` and `stdout`."""
    return CliRunner().invoke(app, list(words), **options)
