"""The gate must not call a run green in which something failed, was skipped in silence, or nothing ran."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.gate.__main__ import summarise
from tests.gate.job import Job, Outcome, count_junit, reason

JOB = Job("unit", "sample", ("true",), junit=True)


def report(tmp_path: Path, *cases: str) -> Path:
    path = tmp_path / "report.xml"
    path.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
    return path


def test_counts_each_outcome(tmp_path: Path) -> None:
    path = report(
        tmp_path,
        '<testcase classname="a" name="good"/>',
        '<testcase classname="a" name="bad"><failure message="AssertionError: late&#10;assert 1"/></testcase>',
        '<testcase classname="a" name="broken"><error message="no"/></testcase>',
        '<testcase classname="a" name="later"><skipped message="soak only: run with --soak"/></testcase>',
    )
    outcome = count_junit(JOB, path, 1, 0.1)
    assert (outcome.passed, outcome.failed, outcome.skipped) == (1, 2, 1)
    assert outcome.problems == ("a::bad: AssertionError: late", "a::broken: no")


def test_the_error_of_a_run_is_told_rather_than_the_beginning_of_its_output() -> None:
    assert (
        reason("AssertionError: \n  PLAY [Harden]\n  [ERROR]: Task failed: no\nassert 4 == 0")
        == "[ERROR]: Task failed: no"
    )
    assert reason('failed on teardown with "AssertionError: x\nassert"') == 'failed on teardown with "AssertionError: x'
    assert reason("") == "no message"


def test_a_skip_without_an_accepted_reason_fails(tmp_path: Path) -> None:
    path = report(tmp_path, '<testcase classname="a" name="x"><skipped message="no docker"/></testcase>')
    assert count_junit(JOB, path, 0, 0.1).failed == 1


def test_a_crash_after_the_last_test_fails(tmp_path: Path) -> None:
    path = report(tmp_path, '<testcase classname="a" name="good"/>')
    assert count_junit(JOB, path, 3, 0.1).failed == 1


def test_a_run_of_nothing_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert summarise([], 0.0, {}) == 1
    assert "0 passed, 0 failed, 0 skipped" in capsys.readouterr().out


def test_a_green_run_is_green(capsys: pytest.CaptureFixture[str]) -> None:
    assert summarise([Outcome(JOB, 3, 0, 1, 0.1)], 0.0, {}) == 0
    assert capsys.readouterr().out.endswith("3 passed, 0 failed, 1 skipped\n")
