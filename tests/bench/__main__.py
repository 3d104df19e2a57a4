"""Measure what the project promises about speed, as ratios; bin/bench calls it against a provisioned sandbox.

noop_over_naive   a run that changes nothing, against the same work written the usual way (smaller is better)
noop_over_empty   the same run, against an empty play on the same server
tasks_on_host     tasks of that run that reach the server
resolve_ms        choices of 50 instances to compose files, milliseconds
help_ms           mediastack-provision --help, milliseconds
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from tests.bench import naive, resolving
from tests.integration import playbook

SLICE = "playbooks/apply.yml"
PROMISES = {
    "noop_over_naive": 1 / 8,
    "noop_over_empty": 6.0,
    "tasks_on_host": 35,
    "resolve_ms": 100,
    "help_ms": 300,
}


def median(measure: Callable[[], float], rounds: int) -> float:
    """The median of some rounds, in seconds."""
    return statistics.median(measure() for _ in range(rounds))


def seconds(action: Callable[[], Any]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def quiet(name: str, inventory: Path) -> playbook.Result:
    """One run that must succeed and change nothing."""
    result = playbook.run(name, inventory)
    if result.returncode or result.changed:
        sys.exit(f"{name}: exit {result.returncode}, changed {result.changed}\n{result.output[-2000:]}")
    return result


def applied_stack(inventory: Path) -> dict[str, Any]:
    """The stack that the server says is applied."""
    command = [
        str(playbook.ANSIBLE_PLAYBOOK.with_name("ansible")),
        "mediastack",
        "-i",
        str(inventory),
        "-b",
        "-m",
        "ansible.builtin.slurp",
    ]
    command += ["-a", "src=/var/lib/mediastack/generations/current"]
    answer = subprocess.run(
        [*command], cwd=playbook.ROOT, capture_output=True, text=True, check=True, env=_json_environment()
    )
    content = json.loads(answer.stdout[answer.stdout.index("{") :])["content"]
    stack: dict[str, Any] = json.loads(base64.b64decode(content))["stack"]
    return stack


def _json_environment() -> dict[str, str]:
    return {**os.environ, "ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "ANSIBLE_NOCOLOR": "1"}


def measure_runs(inventory: Path, rounds: int) -> dict[str, float]:
    """The three plays, taken in turn so that noise meets them alike."""
    with tempfile.TemporaryDirectory() as scratch:
        empty, usual = Path(scratch) / "empty.yml", Path(scratch) / "naive.yml"
        empty.write_text(
            "- hosts: mediastack\n  gather_facts: false\n  tasks: [{ansible.builtin.ping: }]\n",
            encoding="utf-8",
        )
        usual.write_text(yaml.safe_dump(naive.play(applied_stack(inventory), Path(scratch)), sort_keys=False))
        warm = playbook.run(str(usual), inventory)
        if warm.returncode:
            sys.exit(f"the baseline fails:\n{warm.output[-3000:]}")
        tasks = len(quiet(SLICE, inventory).on_host)
        times: dict[str, list[float]] = {SLICE: [], str(empty): [], str(usual): []}
        for _ in range(rounds):
            for name, taken in times.items():
                taken.append(seconds(lambda name=name: quiet(name, inventory)))  # type: ignore[misc]
        noop, nothing, baseline = (statistics.median(taken) for taken in times.values())
    return {
        "noop_over_naive": noop / baseline,
        "noop_over_empty": noop / nothing,
        "tasks_on_host": tasks,
    }


def measure_help(rounds: int) -> float:
    """Milliseconds of `mediastack-provision --help`."""
    command = [sys.executable, "-m", "mediastack_provision", "--help"]
    once = lambda: subprocess.run(command, cwd=playbook.ROOT, capture_output=True, check=True)  # noqa: E731
    return median(lambda: seconds(once), rounds) * 1000


def main() -> int:
    """Measure, print, and fail when a promise about ratios or counts is broken."""
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("-i", "--inventory", type=Path, default=playbook.ROOT / "inventories/sandbox")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = {
        **measure_runs(options.inventory, options.rounds),
        "resolve_ms": median(lambda: seconds(resolving.fifty_instances), options.rounds) * 1000,
        "help_ms": measure_help(options.rounds),
    }
    if options.json:
        print(json.dumps({name: round(value, 4) for name, value in figures.items()}))
        return 0
    for name, value in figures.items():
        state = "ok  " if value <= PROMISES[name] else "OVER"
        print(f"{state} {name:<18}{value:10.3f}   promised at most {PROMISES[name]:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
