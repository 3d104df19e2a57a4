"""How a run is shown while it runs: on a terminal, in a log, or as one JSON object per line."""

from __future__ import annotations

import json
import sys
import textwrap
import time
from typing import TYPE_CHECKING, Any, Protocol

from mediastack_provision.events import OURS
from mediastack_provision.words import clip, seconds

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

    from mediastack_provision.events import Failure, Phase, Step
    from mediastack_provision.redact import Redactor

NAME_WIDTH = 17
RESULT_WIDTH = 14
TIME_WIDTH = 10
WIDTH = 80
DOING = {  # what to say of a running task instead of its name
    OURS + "images": "pulling what is missing",
    OURS + "compose": "starting, then until all are healthy",
    "ansible.builtin.validate_argument_spec": "",
}


class Reporter(Protocol):
    """Shows a run."""

    def step(self, step: Step) -> None:
        """Show one step."""

    def say(self, text: str) -> None:
        """Show a line of the wrapper's own."""

    def close(self) -> None:
        """Leave the terminal as it was."""


def phase_line(phase: Phase, *, check: bool) -> str:
    """`stack ........... 3 changed       21.7 s`."""
    name = clip(phase.name, NAME_WIDTH - 2)
    dots = "." * max(2, NAME_WIDTH - len(name) - 1)
    result = phase_result(phase, check=check)
    return f"{name} {dots} {result:<{RESULT_WIDTH}}{phase_seconds(phase):>{TIME_WIDTH}}"


def phase_result(phase: Phase, *, check: bool) -> str:
    """The worst that happened in a phase."""
    if phase.failed:
        return "FAILED"
    if phase.changed:
        return f"{phase.changed} to change" if check else f"{phase.changed} changed"
    return "ok" if phase.ok else "skipped"


def phase_seconds(phase: Phase) -> str:
    """Its duration, with a tenth below a minute so that columns line up."""
    return f"{phase.seconds:.1f} s" if phase.seconds < 60 else seconds(phase.seconds)  # noqa: PLR2004


def failure_lines(failure: Failure, redactor: Redactor) -> list[str]:
    """A failure for people: where, then what our plugin said, unchanged, remedy and all."""
    where = failure.where
    if failure.unreachable:
        remedy = "Remedy: check that it is on, and what hosts.yml says of it: ansible_host, ansible_port, ansible_user."
        return [f"UNREACHABLE {where}", *_indent(f"{redactor.text(failure.message)}\n{remedy}")]
    return [f"FAILED {where}", *_indent(redactor.text(failure.message))]


def _indent(text: str) -> list[str]:
    """Lines of at most 80 columns, each part as deep as it was, and two deeper."""
    shown = []
    for line in text.splitlines():
        depth = " " * (len(line) - len(line.lstrip()) + 2)
        shown += textwrap.wrap(
            line.strip(),
            WIDTH,
            initial_indent=depth,
            subsequent_indent=depth,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return shown


class LineReporter:
    """Plain lines, as each phase ends: for logs and pipes. With -v every task and what Ansible says."""

    def __init__(self, console: Console, redactor: Redactor, *, check: bool, verbosity: int) -> None:
        """Print to `console`; `check`: changes are predictions."""
        self._console = console
        self._redactor = redactor
        self._check = check
        self._verbosity = verbosity

    def step(self, step: Step) -> None:
        """One line per phase; with -v one per result and note."""
        if step.kind == "phase_end" and step.phase is not None and worth_showing(step.phase):
            self._print(phase_line(step.phase, check=self._check))
        elif self._verbosity and step.kind == "result":
            self._print(f"  {step.state:<11} {step.host}  {step.task} ({seconds(step.duration)})")
        elif self._verbosity and step.kind == "note":
            self._print("  " + self._redactor.text(step.text))

    def say(self, text: str) -> None:
        """A line of the wrapper's own."""
        self._print(text)

    def close(self) -> None:
        """Nothing to undo."""

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class LiveReporter(LineReporter):
    """Finished phases as lines, the running one below them, redrawn."""

    def __init__(self, console: Console, redactor: Redactor, *, check: bool, verbosity: int) -> None:
        """Draw on `console` from the first step on."""
        super().__init__(console, redactor, check=check, verbosity=verbosity)
        self._running = _Running(check=check)
        self._live: Live | None = None

    def step(self, step: Step) -> None:
        """Redraw the running phase; print it when it is over."""
        if self._live is None:
            from rich.live import Live

            self._live = Live(self._running, console=self._console, refresh_per_second=8, transient=True)
            self._live.start()
        if step.kind == "phase_end":
            self._running.phase = None
        elif step.phase is not None:
            self._running.follow(step.phase, step.at)
        super().step(step)

    def close(self) -> None:
        """Stop redrawing."""
        if self._live is not None:
            self._live.stop()
            self._live = None


class _Running:
    """The running phase, as rich draws it: its clock goes on between events."""

    def __init__(self, *, check: bool) -> None:
        """Begin without a phase."""
        self.phase: Phase | None = None
        self._check = check
        self._at = 0.0
        self._heard = 0.0

    def follow(self, phase: Phase, at: float) -> None:
        """A task of this phase was heard of at this moment (wall clock)."""
        self.phase, self._at, self._heard = phase, at, time.monotonic()

    def __rich__(self) -> str:
        from rich.markup import escape

        phase = self.phase
        if phase is None:
            return ""
        passed = self._at - phase.started + time.monotonic() - self._heard
        name = clip(phase.name, NAME_WIDTH - 2)
        dots = "." * max(2, NAME_WIDTH - len(name) - 1)
        result = f"{phase.changed} changed" if phase.changed else "…"
        head = f"{name} {dots} {result:<{RESULT_WIDTH}}{f'{passed:.1f} s':>{TIME_WIDTH}}"
        return f"{escape(head)}  [dim]{escape(clip(DOING.get(phase.action, phase.task), 80 - len(head) - 3))}[/dim]"


class JsonReporter:
    """One JSON object per line on stdout. What tasks return is not in it: it may hold secrets."""

    def __init__(self, redactor: Redactor) -> None:
        """Write to stdout, without secrets."""
        self._redactor = redactor

    def step(self, step: Step) -> None:
        """Every step, under its own name."""
        fields: dict[str, Any] = {"event": step.kind, "at": round(step.at, 3)}
        for name in ("host", "role", "task", "action", "state", "text"):
            if value := getattr(step, name):
                fields[name] = value
        if step.phase is not None and step.kind.startswith("phase"):
            fields["phase"] = step.phase.name
        if step.kind == "phase_end" and step.phase is not None:
            phase = step.phase
            fields |= {
                "ok": phase.ok,
                "changed": phase.changed,
                "failed": phase.failed,
                "skipped": phase.skipped,
            }
            fields["seconds"] = round(phase.seconds, 3)
        if step.kind == "result":
            fields["seconds"] = round(step.duration, 3)
        write_json(fields, self._redactor)

    def say(self, text: str) -> None:
        """A line of the wrapper's own."""
        write_json({"event": "message", "text": text}, self._redactor)

    def close(self) -> None:
        """Nothing to undo."""


def write_json(fields: dict[str, Any], redactor: Redactor) -> None:
    """One object on a line of stdout, without secrets."""
    sys.stdout.write(json.dumps(redactor.tree(fields), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def worth_showing(phase: Phase) -> bool:
    """Nothing applied to this server: no news. Nor are a play's own tasks that only read."""
    return bool(phase.changed or phase.failed or (phase.ok and phase.role))


def make(console: Console, redactor: Redactor, *, check: bool, verbosity: int, as_json: bool) -> Reporter:
    """The reporter that fits where the output goes."""
    if as_json:
        return JsonReporter(redactor)
    kind = LiveReporter if console.is_terminal and not verbosity else LineReporter
    return kind(console, redactor, check=check, verbosity=verbosity)
