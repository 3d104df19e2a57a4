"""The gate ends with what security tests measured, and fails a test that no longer measures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.gate import __main__ as gate
from tests.gate import catalogue, figures
from tests.gate.job import ROOT, Job, Outcome

LEAK = Job("integration", "leak", ("true",), junit=True)
FAULT = "fault tunnel-killed v4={} v6=0 control_v4={} control_v6=40 recovered={}s"


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(figures, "LOGS", tmp_path)
    return tmp_path


def outcome(job: Job, passed: int = 1, failed: int = 0) -> Outcome:
    return Outcome(job, passed, failed, 0, 0.1)


def test_lines_are_found_behind_pytests_progress() -> None:
    text = "\n".join(
        [
            "lockout reboot back=3.1s",
            "..Flockout wrong-port back=0.0s (between two probes)",
            "s.audit lynis debian12 before=55 after=86 required=85",
            FAULT.format(0, 300, 1.5),
            "no lockout here",
            "lockout without-a-figure",
            "E   assert 'lockout x back=1s' in y",
        ]
    )
    assert [str(figure) for figure in figures.read(text)] == [
        "lockout reboot back=3.1s",
        "lockout wrong-port back=0.0s",
        "audit lynis debian12 before=55 after=86 required=85",
        FAULT.format(0, 300, 1.5),
    ]


def test_what_is_measured_again_is_one_line_with_the_worst() -> None:
    text = "\n".join(
        [
            "lockout reboot back=3.1s",
            "lockout reboot back=12.0s",
            "lockout reboot back=9.5s",
            FAULT.format(0, 300, 1.5),
            FAULT.format(2, 250, 0.5),
            "audit lynis debian12 before=55 after=86 required=85",
            "audit lynis debian13 before=56 after=87 required=85",
        ]
    )
    assert [str(figure) for figure in figures.merge(figures.read(text))] == [
        "audit lynis debian12 before=55 after=86 required=85",
        "audit lynis debian13 before=56 after=87 required=85",
        f"{FAULT.format(2, 250, 1.5)} runs=2",
        "lockout reboot back=12.0s runs=3",
    ]


def test_the_gate_ends_with_the_figures(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (logs / "integration-leak.log").write_text(FAULT.format(0, 300, 1.5) + "\n.\n1 passed\n")
    assert gate.summarise([outcome(LEAK)], 0.0, {}) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [FAULT.format(0, 300, 1.5), "1 passed, 0 failed, 0 skipped"]


def test_a_test_that_passes_without_measuring_fails(logs: Path) -> None:
    log = logs / "integration-leak.log"
    for text in ("", "lockout reboot back=3.1s\n"):
        log.write_text(text)
        found = gate.judged(outcome(LEAK))
        assert (found.passed, found.failed) == (1, 1)
        assert found.problems == ("no line `fault …` in its output",)
    log.write_text(FAULT.format(0, 300, 1.5))
    assert gate.judged(outcome(LEAK)).failed == 0


def test_others_owe_nothing(logs: Path) -> None:
    for job in (Job("integration", "packets", ()), Job("integration", "kill", ()), Job("molecule", "leak", ())):
        assert gate.judged(outcome(job)).failed == 0
    assert gate.judged(outcome(LEAK, passed=0, failed=2)).failed == 2


def test_security_selects_what_measures_and_lets_it_print(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [ROOT / f"tests/integration/test_{name}.py" for name in ("kill", "leak", "lockout", "packets")]
    monkeypatch.setattr(catalogue, "integration_groups", lambda: paths)
    jobs = catalogue.selected("security", soak=False)
    assert [(job.kind, job.name) for job in jobs] == [(("integration"), n) for n in ("leak", "lockout", "packets")]
    assert all("-s" in job.argv for job in jobs)
    everything = catalogue.selected(None, soak=False)
    assert set(jobs) <= set(everything)
    assert [job.name for job in everything if "-s" in job.argv and job.junit] == ["leak", "lockout", "packets"]
    assert {job.kind for job in catalogue.selected("unit", soak=False)} == {"unit"}
    assert all("--soak" in job.argv for job in catalogue.selected("security", soak=True))


def test_what_takes_long_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "integration_groups", lambda: [ROOT / "tests/integration/test_audits.py"])

    def runs(word: str | None, *, soak: bool) -> bool:
        return "audits" in {job.name for job in catalogue.selected(word, soak=soak)}

    assert not runs(None, soak=False)
    assert "audits" in catalogue.left_out(None, soak=False)
    for word, soak in ((None, True), ("integration", False), ("security", False)):
        assert runs(word, soak=soak)
        assert "audits" not in catalogue.left_out(word, soak=soak)


def sources(path: Path) -> list[Path]:
    """The files of a group."""
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def test_every_file_that_prints_a_figure_is_collected() -> None:
    printing = re.compile(r'f"(audit|fault|lockout) [^"]*=')
    found = {
        catalogue.group_name(path): set(printing.findall("".join(source.read_text() for source in sources(path))))
        for path in catalogue.integration_groups()
    }
    assert found["leak"] == {"fault"}
    for name, kinds in found.items():
        assert kinds <= {figures.SECURITY.get(name)}, name
