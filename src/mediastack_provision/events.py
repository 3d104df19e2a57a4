"""What happened in a run, reduced from ansible-runner's events. Pure: the same events give the same story.

An event is, as ansible-runner 2.4 emits it,

    {event, created: iso, pid, stdout,
     event_data: {play, role, task, task_action, resolved_action, host, res, duration, ignore_errors, …}}
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

OURS = "mediastack.core."
STATES = {
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
    "runner_on_skipped": "skipped",
}


@dataclass
class Phase:
    """A stretch of tasks of one role, or of one play outside of roles."""

    name: str
    role: bool
    started: float
    ended: float = 0.0
    ok: int = 0
    changed: int = 0
    failed: int = 0
    skipped: int = 0
    task: str = ""
    action: str = ""

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return max(0.0, self.ended - self.started)


@dataclass(frozen=True)
class Result:
    """A task's result on one host that a verb reads, or that the history names."""

    host: str
    role: str
    task: str
    action: str
    changed: bool
    res: dict[str, Any]

    @property
    def where(self) -> str:
        """Host, role and task, for people."""
        return where(self.host, self.role, self.task)


@dataclass(frozen=True)
class Failure:
    """Why a host's run ended."""

    host: str
    role: str
    task: str
    action: str
    message: str
    unreachable: bool
    res: dict[str, Any]

    @property
    def where(self) -> str:
        """Host, role and task, for people."""
        return where(self.host, self.role, self.task)


@dataclass(frozen=True)
class Step:
    """One thing that just happened, for whoever shows progress: `kind` says which fields matter.

    kinds: play, phase, task, result, phase_end, note, stats
    """

    kind: str
    at: float
    phase: Phase | None = None
    host: str = ""
    role: str = ""
    task: str = ""
    action: str = ""
    state: str = ""
    text: str = ""
    duration: float = 0.0
    res: dict[str, Any] = field(default_factory=dict)


class Story:
    """Follows a run, event by event."""

    def __init__(self, turns: Sequence[str] = ()) -> None:
        """Begin before the first event.

        turns: the roles of the play in their order. A role that comes out of turn was imported by the running one,
        and its tasks count as that one's. Without them every change of roles begins a phase.
        """
        self._turns = {role: number for number, role in enumerate(turns)}
        self.phases: list[Phase] = []
        self.results: list[Result] = []
        self.failures: list[Failure] = []
        self.hosts: dict[str, dict[str, int]] = {}
        self.said: list[str] = []  # by tasks whose only purpose is to say something
        self.output: list[str] = []  # what Ansible said outside of any task: its own errors
        self.started = 0.0
        self.ended = 0.0
        self.finished = False  # Ansible reached its own end and counted
        self.current: Phase | None = None

    def feed(self, event: dict[str, Any]) -> list[Step]:
        """Take in one event; what follows from it for the display."""
        name = event.get("event", "")
        data = event.get("event_data") or {}
        at = _time(event.get("created")) or self.ended
        self.started = self.started or at
        self.ended = max(self.ended, at)
        if self.current is not None:
            self.current.ended = self.ended
        if name == "playbook_on_task_start":
            return self._task(data, at)
        if name in STATES:
            return self._result(event, data, at)
        if name == "playbook_on_play_start":
            return [*self._leave(at), Step("play", at, text=str(data.get("name") or data.get("play") or ""))]
        if name == "playbook_on_stats":
            return self._stats(data, at)
        return self._note(event, at)

    @property
    def changed(self) -> int:
        """How many task results reported a change."""
        return sum(1 for result in self.results if result.changed)

    @property
    def seconds(self) -> float:
        """From the first event to the latest."""
        return self.ended - self.started

    def ours(self, plugin: str) -> list[Result]:
        """The results of one of our plugins, in order."""
        return [result for result in self.results if result.action == OURS + plugin]

    def _task(self, data: dict[str, Any], at: float) -> list[Step]:
        role = str(data.get("role") or "")
        name = role or str(data.get("play") or "")
        steps: list[Step] = []
        if self.current is None or (self.current.name != name and not self._imported(role)):
            steps += self._leave(at)
            self.current = Phase(name=name, role=bool(role), started=at, ended=at)
            self.phases.append(self.current)
            steps.append(Step("phase", at, phase=self.current))
        self.current.task = str(data.get("task") or data.get("name") or "")
        self.current.action = str(data.get("resolved_action") or data.get("task_action") or "")
        return [*steps, Step("task", at, phase=self.current, role=name, task=self.current.task)]

    def _imported(self, role: str) -> bool:
        """Whether a role's tasks are part of the running role's work."""
        if not role or self.current is None or self.current.name not in self._turns:
            return False
        return self._turns.get(role, -1) < self._turns[self.current.name]

    def _result(self, event: dict[str, Any], data: dict[str, Any], at: float) -> list[Step]:
        res = data.get("res") if isinstance(data.get("res"), dict) else {}
        assert isinstance(res, dict)  # noqa: S101  for the type checker
        state = STATES[event["event"]]
        changed = state == "ok" and _changed(res, event)
        forgiven = state == "failed" and bool(data.get("ignore_errors"))
        host, role, task = (str(data.get(key) or "") for key in ("host", "role", "task"))
        action = str(data.get("resolved_action") or data.get("task_action") or "")
        if action == "ansible.builtin.debug" and state == "ok":
            words = res.get("msg")
            self.said += [str(word) for word in (words if isinstance(words, list) else [words]) if word]
        if self.current is not None:
            self._count(self.current, state, changed=changed, forgiven=forgiven)
        if changed or action.startswith(OURS):
            self.results.append(Result(host, role, task, action, changed, res))
        if state in {"failed", "unreachable"} and not forgiven:
            message = failure_text(res)
            self.failures.append(Failure(host, role, task, action, message, state == "unreachable", res))
        shown = "changed" if changed else "ignored" if forgiven else state
        duration = float(data.get("duration") or 0.0)
        return [
            Step("result", at, self.current, host, role, task, action, shown, duration=duration, res=res),
        ]

    @staticmethod
    def _count(phase: Phase, state: str, *, changed: bool, forgiven: bool) -> None:
        if changed:
            phase.changed += 1
        elif state == "skipped":
            phase.skipped += 1
        elif state == "ok" or forgiven:
            phase.ok += 1
        else:
            phase.failed += 1

    def _leave(self, at: float) -> list[Step]:
        phase, self.current = self.current, None
        return [Step("phase_end", at, phase=phase)] if phase is not None else []

    def _stats(self, data: dict[str, Any], at: float) -> list[Step]:
        self.finished = True
        names = {
            "ok": "ok",
            "changed": "changed",
            "failed": "failures",
            "unreachable": "dark",
            "skipped": "skipped",
        }
        for host in data.get("processed") or {}:
            self.hosts[host] = {name: int((data.get(key) or {}).get(host, 0)) for name, key in names.items()}
        return [*self._leave(at), Step("stats", at)]

    def _note(self, event: dict[str, Any], at: float) -> list[Step]:
        text = str(event.get("stdout") or "").strip("\r\n")
        kind = event.get("event", "")
        if not text or kind not in {"verbose", "warning", "deprecated", "error", "system_warning", "debug"}:
            return []
        self.output.append(text)
        return [Step("note", at, state=str(kind), text=text)]


def where(*parts: str) -> str:
    """`nas · stack · Write the files`; a task of no role has none."""
    return " · ".join(part for part in parts if part)


def _changed(res: dict[str, Any], event: dict[str, Any]) -> bool:
    """Whether a result is a change; of a hidden one (`no_log`) only Ansible's own line tells."""
    if "censored" in res:
        return str(event.get("stdout") or "").lstrip().startswith("changed:")
    return bool(res.get("changed"))


def failure_text(res: dict[str, Any]) -> str:
    """The words of a failed result: our plugins' as they are, others' with the program's last words.

    A loop's own message says only that items failed: the items' messages are what matters.
    """
    items = [item for item in res.get("results") or [] if isinstance(item, dict) and item.get("failed")]
    if items:
        return "\n".join(dict.fromkeys(failure_text(item) for item in items))
    if "censored" in res:
        return "It failed, and its output is hidden because it may hold secrets."
    message = str(res.get("msg") or res.get("message") or "").strip()
    last_words = str(res.get("stderr") or res.get("module_stderr") or "").strip()
    if last_words and last_words not in message:
        message += "\n" + "\n".join(last_words.splitlines()[-5:])
    return message.strip() or "It failed without a message; -v shows everything."


def _time(created: object) -> float:
    if not isinstance(created, str):
        return 0.0
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
