"""Command line of the gate; bin/test calls it after its set-up."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

from tests.gate import catalogue, figures
from tests.gate.job import LOGS, ROOT, Job, Outcome, run

# Lint and unit tests use all cores; servers mostly wait, so several of them run at once.
WIDTH = {"lint": 2, "unit": 1, "servers": 3}


def arguments() -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(prog="bin/test", description="Run the project's checks.")
    kinds = (*catalogue.KINDS, *catalogue.SELECTIONS)
    parser.add_argument("kind", nargs="?", choices=kinds, help="only this kind, or what measures security")
    parser.add_argument("names", nargs="*", help="only these checks of the kind")
    parser.add_argument("--soak", action="store_true", help="more repetitions")
    parser.add_argument("--list", action="store_true", help="print the checks and stop")
    return parser.parse_args()


def chosen(options: argparse.Namespace) -> list[Job]:
    """The jobs that the words select; a word that selects nothing is an error."""
    jobs = catalogue.selected(options.kind, soak=options.soak)
    unknown = [name for name in options.names if name not in {job.name for job in jobs}]
    if unknown:
        sys.exit(f"bin/test: no such check: {' '.join(unknown)} (see bin/test --list)")
    return [job for job in jobs if not options.names or job.name in options.names]


def show(outcome: Outcome) -> None:
    """One line as each job ends, with what failed under it."""
    state = "FAIL" if outcome.failed else "ok  "
    counts = f"{outcome.passed} passed" + (f", {outcome.failed} failed" if outcome.failed else "")
    counts += f", {outcome.skipped} skipped" if outcome.skipped else ""
    print(f"{state} {outcome.job.kind:<12}{outcome.job.name:<24}{outcome.seconds:7.1f} s  {counts}", flush=True)
    for problem in outcome.problems[:20]:
        print(f"       {problem}", flush=True)
    if outcome.failed:
        log = LOGS / f"{outcome.job.slug}.log"
        print(f"       log: {log.relative_to(ROOT)}, its end:", flush=True)
        for line in log.read_text(errors="replace").splitlines()[-25:]:
            print(f"       | {line[:200]}", flush=True)


def judged(outcome: Outcome) -> Outcome:
    """An outcome, failed when it passed without measuring what it is there to measure."""
    problem = figures.missing(outcome)
    if not problem:
        return outcome
    return dataclasses.replace(outcome, failed=1, problems=(*outcome.problems, problem))


def run_all(jobs: list[Job]) -> list[Outcome]:
    """Run the jobs by lanes: static checks, unit tests, then everything that needs servers side by side."""
    lanes = {
        "lint": [job for job in jobs if job.kind == "lint"],
        "unit": [job for job in jobs if job.kind == "unit"],
        "servers": [job for job in jobs if job.kind in ("molecule", "integration")],
    }
    outcomes: list[Outcome] = []
    environment = {**os.environ, "ANSIBLE_FORCE_COLOR": "0", "NO_COLOR": "1"}
    for lane, members in lanes.items():
        with ThreadPoolExecutor(WIDTH[lane]) as pool:
            for future in as_completed([pool.submit(run, job, environment) for job in members]):
                outcomes.append(judged(future.result()))
                show(outcomes[-1])
    return outcomes


def summarise(outcomes: list[Outcome], seconds: float, left_out: dict[str, str]) -> int:
    """Counts by kind and in all; 1 when anything failed or nothing ran."""
    print()
    for kind in catalogue.KINDS:
        mine = [outcome for outcome in outcomes if outcome.job.kind == kind]
        if mine:
            passed, failed, skipped = (sum(getattr(o, what) for o in mine) for what in ("passed", "failed", "skipped"))
            print(f"{kind:<12}{passed:5} passed {failed:4} failed {skipped:4} skipped")
    passed, failed, skipped = (sum(getattr(o, what) for o in outcomes) for what in ("passed", "failed", "skipped"))
    for name, reason in left_out.items():
        print(f"left out: {name}: {reason}")
    print(f"in {seconds:.0f} s; logs in build/logs")
    for figure in figures.collect(outcomes):
        print(figure)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return int(failed > 0 or passed == 0)


def main() -> int:
    """Run what was chosen."""
    options = arguments()
    jobs = chosen(options)
    if options.list:
        for job in jobs:
            print(f"{job.kind:<12} {job.name}")
        return 0
    started = time.monotonic()
    outcomes = run_all(jobs)
    left_out = catalogue.left_out(options.kind, soak=options.soak)
    return summarise(outcomes, time.monotonic() - started, left_out)


if __name__ == "__main__":
    sys.exit(main())
