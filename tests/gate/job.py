"""One check of the gate: a command, how its outcome is counted, and where its output goes."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import time
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "build" / "logs"

# A skip is accepted only with one of these reasons; any other counts as a failure.
ACCEPTED_SKIPS = (
    "no API documents",
    "soak only",
)
ERROR = re.compile(r"\[ERROR\]: |^fatal: ")


@dataclasses.dataclass(frozen=True)
class Job:
    """A command of the gate. `junit`: it is pytest, and its own counts are taken from a report."""

    kind: str
    name: str
    argv: tuple[str, ...]
    timeout: int = 1500
    junit: bool = False
    env: tuple[tuple[str, str], ...] = ()

    @property
    def slug(self) -> str:
        """A file name for the job's log and report."""
        return f"{self.kind}-{self.name}".replace("/", "-").replace(" ", "-")

    @property
    def report(self) -> Path:
        """Where pytest writes its counts."""
        return LOGS / f"{self.slug}.xml"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Counts of one job; `problems` are the lines that a reader needs first."""

    job: Job
    passed: int
    failed: int
    skipped: int
    seconds: float
    problems: tuple[str, ...] = ()


def run(job: Job, environment: dict[str, str]) -> Outcome:
    """Run one job to its end or its time limit, its output going to build/logs/<job>.log."""
    LOGS.mkdir(parents=True, exist_ok=True)
    job.report.unlink(missing_ok=True)
    argv = [*job.argv, f"--junitxml={job.report}"] if job.junit else list(job.argv)
    started = time.monotonic()
    log = LOGS / f"{job.slug}.log"
    with log.open("wb") as output:
        try:
            code = subprocess.run(
                argv,
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                timeout=job.timeout,
                check=False,
                env={**environment, **dict(job.env)},
            ).returncode
        except subprocess.TimeoutExpired:
            output.write(f"\nstopped after {job.timeout} s\n".encode())
            code = 124
        except FileNotFoundError as missing:
            output.write(f"{missing}\n".encode())
            code = 127
    seconds = time.monotonic() - started
    if job.junit and job.report.exists():
        return count_junit(job, job.report, code, seconds)
    return Outcome(job, int(code == 0), int(code != 0), 0, seconds)


def reason(message: str) -> str:
    """The line of a failure's message that says most: Ansible's error, where a run's output was printed."""
    lines = [line.strip() for line in message.splitlines() if line.strip(' "')]
    told = [line for line in lines if ERROR.search(line)] or lines or ["no message"]
    return told[0][:300]


def count_junit(job: Job, report: Path, code: int, seconds: float) -> Outcome:
    """Counts of a pytest report. A skip without an accepted reason is a failure; so is a run of no test."""
    passed = failed = skipped = 0
    problems: list[str] = []
    for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314  # our own pytest wrote it
        name = f"{case.get('classname')}::{case.get('name')}"
        skip = case.find("skipped")
        broken = case.find("failure")
        if broken is None:
            broken = case.find("error")
        if broken is not None:
            failed += 1
            problems.append(f"{name}: {reason(broken.get('message') or '')}")
        elif skip is None:
            passed += 1
        elif any(reason in (skip.get("message") or "") for reason in ACCEPTED_SKIPS):
            skipped += 1
        else:
            failed += 1
            problems.append(f"{name} was skipped: {skip.get('message')}")
    if code != 0 and not failed:
        failed += 1
        problems.append(f"pytest ended with {code}")
    return Outcome(job, passed, failed, skipped, seconds, tuple(problems))
