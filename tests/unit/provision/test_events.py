"""Stories: what is told of a run, from real and from made events."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tests.unit.provision.support import Script, recorded

from mediastack_provision.events import Failure, Story, failure_text
from mediastack_provision.progress import JsonReporter, LineReporter, LiveReporter, failure_lines, phase_line
from mediastack_provision.project import turns
from mediastack_provision.redact import Redactor

if TYPE_CHECKING:
    from mediastack_provision.events import Step


def tell(events: list[dict[str, object]], turns: tuple[str, ...] = ()) -> tuple[Story, list[Step]]:
    story = Story(turns)
    return story, [step for event in events for step in story.feed(event)]


def test_a_recorded_run_that_fails_on_one_host_and_does_not_reach_another() -> None:
    story, steps = tell(recorded("failed_and_unreachable.jsonl"))
    assert [(phase.name, phase.ok, phase.changed, phase.failed) for phase in story.phases] == [
        ("base", 2, 1, 1),
        ("stack", 0, 2, 1),
    ]
    assert [(f.host, f.task, f.unreachable) for f in story.failures] == [
        ("cellar", "Touch", True),
        ("nas", "Fail", False),
    ]
    assert story.failures[1].message == "inventories/home/x.yml:5:15\n  key: bad.\n  Remedy: mend it."
    assert story.hosts["nas"] == {"ok": 4, "changed": 3, "failed": 1, "unreachable": 0, "skipped": 0}
    assert story.changed == 3
    assert story.finished
    assert 1 < story.seconds < 10
    assert [step.kind for step in steps if step.kind.startswith("phase")] == ["phase", "phase_end"] * 2


def test_phases_follow_roles_and_take_their_own_time(script: Script) -> None:
    script.task("base", "A").ok({"changed": False}).task("base", "B").ok({"changed": True})
    script.task("stack", "C").ok({"changed": False}).stats(nas={"ok": 3, "changed": 1})
    story, _ = tell(script.events)
    assert [(phase.name, phase.seconds) for phase in story.phases] == [("base", 4.0), ("stack", 2.0)]
    assert phase_line(story.phases[0], check=False) == "base ............ 1 changed          4.0 s"
    assert phase_line(story.phases[0], check=True) == "base ............ 1 to change        4.0 s"
    assert phase_line(story.phases[1], check=False) == "stack ........... ok                 2.0 s"


def test_a_role_that_another_one_imports_has_no_line_of_its_own(script: Script) -> None:
    script.task("base", "A").ok({}).task("docker", "B").ok({}).task("base", "C").ok({"changed": True})
    script.task("docker", "D").ok({}).task("stack", "E").ok({}).task("", "Release").ok({})
    story, steps = tell(script.stats(nas={"ok": 6}).events, ("base", "docker", "stack"))
    assert [(phase.name, phase.ok, phase.changed) for phase in story.phases] == [
        ("base", 1, 0),
        ("docker", 2, 1),
        ("stack", 1, 0),
        ("Apply", 1, 0),
    ]
    assert [step.phase.name for step in steps if step.kind == "phase_end" and step.phase] == [
        *("base", "docker", "stack", "Apply"),
    ]


def test_an_imported_role_has_no_line_of_its_own_when_it_is_not_called_itself(script: Script) -> None:
    script.task("docker", "B").ok({}).task("base", "C").ok({"changed": True}).task("docker", "D").ok({})
    story, _ = tell(script.stats(nas={"ok": 3}).events, ("base", "docker"))
    assert [phase.name for phase in story.phases] == ["docker"]


def test_the_roles_of_our_own_playbook_in_their_order() -> None:
    roles = turns(Path(__file__).parents[3] / "playbooks" / "apply.yml")
    assert roles[:4] == ("base", "docker", "storage", "stack")
    assert roles[-1] == "edge"
    assert len(set(roles)) == len(roles)


def test_a_role_that_comes_twice_has_its_turn_where_it_comes_first() -> None:
    """The firewall's: it closes a port that SSH has left."""
    roles = turns(Path(__file__).parents[3] / "playbooks" / "harden.yml")
    assert roles == ("firewall", "killswitch", "ssh", "fail2ban", "hardening")


def test_a_forgiven_failure_is_none(script: Script) -> None:
    script.task("base", "A").failed({"msg": "x"})
    script.events[-1]["event_data"]["ignore_errors"] = True
    story, steps = tell(script.events)
    assert story.failures == []
    assert story.phases[0].failed == 0
    assert steps[-1].state == "ignored"


def test_a_changed_flag_of_a_failed_task_is_no_change(script: Script) -> None:
    story, _ = tell(script.task("base", "A").failed({"msg": "x", "changed": True}).events)
    assert story.changed == 0


@pytest.mark.parametrize(
    ("res", "text"),
    [
        ({"msg": " plain "}, "plain"),
        ({"msg": "short", "stderr": "1\n2\n3\n4\n5\n6"}, "short\n2\n3\n4\n5\n6"),
        ({"msg": "said: boom", "stderr": "boom"}, "said: boom"),
        ({"censored": "hidden"}, "It failed, and its output is hidden because it may hold secrets."),
        ({}, "It failed without a message; -v shows everything."),
        (
            {
                "msg": "One or more items failed",
                "results": [{"failed": True, "msg": "a"}, {"msg": "fine"}, {"failed": True, "msg": "a"}],
            },
            "a",
        ),
    ],
)
def test_what_a_failure_says(res: dict[str, object], text: str) -> None:
    assert failure_text(res) == text


def test_an_unreachable_server_comes_with_a_remedy() -> None:
    story, _ = tell(recorded("failed_and_unreachable.jsonl"))
    lines = failure_lines(story.failures[0], Redactor())
    assert lines[0] == "UNREACHABLE cellar · base · Touch"
    assert "what hosts.yml says of it" in " ".join(lines)
    assert max(map(len, lines)) <= 80


def test_a_long_failure_is_wrapped_as_deep_as_it_was() -> None:
    text = "top " * 30 + "\n    log: " + "word " * 30 + "\n\nend"
    lines = failure_lines(Failure("nas", "stack", "Up", "a", text, False, {}), Redactor())
    assert max(map(len, lines)) <= 80
    assert all(line.startswith("      ") for line in lines if "word" in line)
    assert lines[-2:] == ["", "  end"]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "event": st.sampled_from(
                ["playbook_on_task_start", "runner_on_ok", "runner_on_failed", "playbook_on_stats", "verbose", "EOF"]
            ),
            "created": st.sampled_from(["2026-11-21T09:00:00+00:00", "2026-11-21T09:00:01", "nonsense", None]),
            "stdout": st.text(max_size=10),
            "event_data": st.none()
            | st.fixed_dictionaries(
                {"host": st.text(max_size=4), "task": st.text(max_size=4), "role": st.text(max_size=2), "res": JUNK}
            ),
        }
    ),
    max_size=12,
)


@given(EVENTS)
def test_no_event_breaks_the_story_or_its_reporters(events: list[dict[str, object]]) -> None:
    story, steps = tell(events)
    console = Console(file=io.StringIO(), width=80)
    line = LineReporter(console, Redactor(), check=False, verbosity=1)
    for step in steps:
        line.step(step)
    assert story.seconds >= 0
    assert all(phase.seconds >= 0 for phase in story.phases)


def test_on_a_terminal_finished_phases_stay_and_all_fits(script: Script) -> None:
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=True, color_system=None)
    reporter = LiveReporter(console, Redactor(), check=False, verbosity=0)
    script.task("base", "A" * 200).ok({"changed": True}).task("stack", "B").ok({}).stats(nas={"ok": 2})
    _, steps = tell(script.events)
    for step in steps:
        reporter.step(step)
    reporter.close()
    shown = out.getvalue()
    assert "base ............ 1 changed" in shown
    assert "stack ........... ok" in shown
    assert max(len(part) for part in shown.replace("\r", "\n").split("\n")) < 100  # escape codes included


def test_machine_events_hold_no_result(script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    _, steps = tell(script.task("base", "A").ok({"changed": True, "content": "SENTINEL"}).events)
    reporter = JsonReporter(Redactor(["hunter22"]))
    for step in steps:
        reporter.step(step)
    reporter.say("password is hunter22")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["phase", "task", "result", "message"]
    assert lines[2]["state"] == "changed"
    assert "SENTINEL" not in json.dumps(lines)
    assert "hunter22" not in json.dumps(lines)


def test_a_recorded_restart_of_one_instance() -> None:
    story, _ = tell(recorded("restart.jsonl"))
    assert story.failures == []
    [result] = [result for result in story.ours("compose") if result.changed]
    assert [(change["instance"], change["action"]) for change in result.res["changes"]] == [("radarr", "restart")]
    assert [result.changed for result in story.ours("lease")]
    assert list(story.hosts) == ["sandbox"]
