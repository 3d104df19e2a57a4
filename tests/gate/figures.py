"""What security tests measure: lines of their output, collected from the logs. Pure but for `collect`.

    audit TOOL HOST before=… after=… required=…
    fault NAME v4=… v6=… control_v4=… control_v6=… recovered=…s
    lockout NAME back=…s

A test prints such a line with `print`; its job runs pytest with `-s`, so that it stands in the job's log. What was
measured several times (on several servers, or with --soak) becomes one line with the worst of each, and `runs=`.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from tests.gate.job import LOGS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.gate.job import Job, Outcome

# The tests that measure, and the kind of line that each owes; empty: it only passes or fails.
SECURITY = {
    "audits": "audit",
    "ssh_audit": "audit",
    "packets": "",
    "leak": "fault",
    "host_mode": "fault",
    "lockout": "lockout",
    "lockout_firewall": "lockout",
    "other_firewalls": "lockout",
    "bans": "fault",
}
KINDS = ("audit", "fault", "lockout")
BEST_IS_HIGH = ("after", "control_v4", "control_v6")
# pytest's progress stands before what the next test prints.
LINE = re.compile(r"^[.FEsxX]*(audit|fault|lockout) ([^=]+?)((?: \w+=\S+)+)")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclasses.dataclass(frozen=True)
class Figure:
    """One measurement: what was measured, and its values as they were printed."""

    kind: str
    name: str
    values: tuple[tuple[str, str], ...]
    runs: int = 1

    def __str__(self) -> str:
        """The line for people and scripts."""
        words = [f"{key}={value}" for key, value in self.values]
        return " ".join([self.kind, self.name, *words, *([f"runs={self.runs}"] if self.runs > 1 else [])])


def read(text: str) -> list[Figure]:
    """Every measurement in the output of a job, in its order."""
    found = []
    for line in text.splitlines():
        match = LINE.match(line)
        if match:
            pairs = tuple((key, value) for key, _, value in (word.partition("=") for word in match[3].split()))
            found.append(Figure(match[1], match[2], pairs))
    return found


def merge(figures: Iterable[Figure]) -> list[Figure]:
    """One figure for each thing that was measured, with the worst that was seen; by kind."""
    merged: dict[tuple[str, str], Figure] = {}
    for figure in figures:
        known = merged.get((figure.kind, figure.name))
        merged[figure.kind, figure.name] = worst(known, figure) if known else figure
    return sorted(merged.values(), key=lambda figure: KINDS.index(figure.kind))


def worst(one: Figure, other: Figure) -> Figure:
    """Both in one; a value that only one has is kept."""
    values = dict(one.values)
    for key, value in other.values:
        choose = min if key in BEST_IS_HIGH else max
        values[key] = choose(values[key], value, key=number) if key in values else value
    return Figure(one.kind, one.name, tuple(values.items()), one.runs + other.runs)


def number(value: str) -> float:
    """The first number in a value such as 3.2s or 0.85; what has none counts as the smallest."""
    found = NUMBER.search(value)
    return float(found[0]) if found else float("-inf")


def owed(job: Job) -> str:
    """The kind of line that a job has to print, empty when it has none to print."""
    return SECURITY.get(job.name, "") if job.kind == "integration" else ""


def collect(outcomes: Iterable[Outcome]) -> list[Figure]:
    """What the jobs that measure wrote into their logs."""
    logs = [LOGS / f"{outcome.job.slug}.log" for outcome in outcomes if owed(outcome.job)]
    return merge(figure for log in logs if log.exists() for figure in read(log.read_text(errors="replace")))


def missing(outcome: Outcome) -> str:
    """What a passed job should have measured and did not say: a test that no longer measures is no success."""
    kind = owed(outcome.job)
    if not kind or outcome.failed or not outcome.passed:
        return ""
    log = LOGS / f"{outcome.job.slug}.log"
    text = log.read_text(errors="replace") if log.exists() else ""
    return "" if any(figure.kind == kind for figure in read(text)) else f"no line `{kind} …` in its output"
