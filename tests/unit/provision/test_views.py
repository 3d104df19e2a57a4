"""Tables: plan, verify, status. What they say, and that it fits 80 columns."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tests.unit.provision.support import Script

from mediastack_provision import plan_view, words
from mediastack_provision.events import Story
from mediastack_provision.execute import Run
from mediastack_provision.exits import Exit
from mediastack_provision.redact import Redactor
from mediastack_provision.verbs import instances, plan, status, verify

CORE = "mediastack.core."
KEPT = {"kept": "/opt/mediastack/config/jackett", "kept_bytes": 14_200_000}
STACK: dict[str, Any] = {
    "paths": {"config": "/opt/mediastack/config", "secrets": "/opt/mediastack/secrets"},
    "instances": {
        "bazarr": {"zone": "apps", "url": "https://bazarr.home.example", "web": {"exposure": "lan"}},
        "radarr": {"zone": "apps", "url": "https://radarr.home.example"},
    },
    "notices": ["radarr has no download client"],
}


def told(script: Script) -> Story:
    story = Story()
    for event in script.stats(nas={"ok": 1}).events:
        story.feed(event)
    return story


def resolved(script: Script) -> Script:
    facts = {"ansible_facts": {"mediastack_stack": STACK}, "notices": STACK["notices"]}
    system = {"ansible_facts": {"mediastack_host": {"os": {"id": "debian", "version_id": "13"}}}}
    script.task("", "Resolve").ok(facts, action=CORE + "resolve")
    return script.task("", "Learn").ok(system, action=CORE + "host_facts")


def test_a_plan_service_by_service(script: Script) -> None:
    changes = [
        {"instance": "bazarr", "network": None, "action": "create", "reason": "new"},
        {"instance": "radarr", "network": None, "action": "recreate", "reason": "image 6.2.1 -> 6.3.0"},
        {"instance": "jackett", "network": None, "action": "remove", "reason": "no longer wanted", **KEPT},
        {"instance": None, "network": "mediastack_zone_apps", "action": "create", "reason": "new"},
    ]
    resolved(script).task("base", "Install packages").ok({"changed": True}, action="ansible.builtin.apt")
    script.task("stack", "Pull").ok(
        {"changed": True, "pulled": ["lscr.io/linuxserver/radarr:6.3.0"]}, action=CORE + "images"
    )
    script.task("stack", "Files").ok(
        {"changed": True, "changes": [{"path": "/opt/mediastack/config/caddy/Caddyfile", "action": "write"}]},
        action=CORE + "files",
    )
    script.task("stack", "Compose").ok({"changed": True, "changes": changes}, action=CORE + "compose")
    script.task("stack", "Record").ok({"changed": True}, action=CORE + "generation")
    story = told(script)
    [found] = plan_view.plans(story)
    assert found.heading == "nas · Debian 13 · 2 services"
    assert [(c.action, c.kind, c.name) for c in found.changes] == [
        ("create", "service", "bazarr"),
        ("remove", "service", "jackett"),
        ("change", "service", "radarr"),
        ("change", "files", "caddy"),
        ("create", "network", "mediastack_zone_apps"),
        ("change", "images", "images"),
        ("change", "server", "base"),
    ]
    lines = plan_view.lines(found, 80)
    assert lines == [
        "  + bazarr      new · zone apps · https://bazarr.home.example (LAN only)",
        "  - jackett     stopped and removed",
        "                its configuration (14 MB) is kept in",
        "                /opt/mediastack/config/jackett",
        "  ~ radarr      image 6.2.1 -> 6.3.0 · recreated, a few seconds down",
        "  ~ caddy       /opt/mediastack/config/caddy/Caddyfile",
        "  + network     mediastack_zone_apps created",
        "  ~ images      1 image to pull: radarr:6.3.0",
        "  ~ base        Install packages",
        "  ! radarr has no download client",
    ]
    assert max(map(len, lines)) <= 80
    assert plan_view.conclusion([found]) == "3 services and 4 other things would change. Nothing was touched."
    assert plan.judge(plan_view.plans(story)) is Exit.CHANGES


def test_a_plan_of_a_bare_server_is_all_of_the_stack(script: Script) -> None:
    resolved(script).task("", "Bootstrap").ok({"changed": True, "bare": True}, action=CORE + "bootstrap")
    [found] = plan_view.plans(told(script))
    assert [(c.action, c.name) for c in found.changes if c.kind == "service"] == [
        ("create", "bazarr"),
        ("create", "radarr"),
    ]


def test_a_plan_without_changes(script: Script) -> None:
    resolved(script).task("base", "A").ok({"changed": False})
    script.task("", "Lease").ok({"changed": True}, action=CORE + "lease")
    story = told(script)
    assert plan.judge(plan_view.plans(story)) is Exit.OK
    assert plan_view.conclusion(plan_view.plans(story)) == "Nothing would change."


def test_what_an_item_of_a_loop_says_is_told(script: Script) -> None:
    items = [{"notices": ["Sign in by hand"]}, {"skipped": True}]
    resolved(script).task("requests", "Sign in").ok({"results": items}, action=CORE + "applications")
    [found] = plan_view.plans(told(script))
    assert found.notices == ("radarr has no download client", "Sign in by hand")
    assert plan_view.lines(found, 80)[-1] == "  ! Sign in by hand"


def test_every_line_of_a_diff(script: Script) -> None:
    diff = [
        {"before": "a\nb\n", "after": "a\nc\n", "before_header": "/x", "after_header": "/x"},
        {"before": "same", "after": "same"},
    ]
    script.task("stack", "Files").ok({"changed": True, "diff": diff}, action=CORE + "files")
    assert plan_view.diff_lines(told(script).results) == [
        *("nas · stack · Files", "--- /x", "+++ /x", "@@ -1,2 +1,2 @@", " a", "-b", "+c", ""),
    ]


def check(**fields: Any) -> dict[str, Any]:
    return {
        "id": "vpn.qbittorrent",
        "group": "vpn",
        "title": "qbittorrent shares gluetun's network namespace",
        "status": "pass",
        "evidence": "net:[4026532841]",
        "remedy": "apply",
        **fields,
    }


def test_checks_that_fit_stand_in_columns() -> None:
    checks = [
        check(group="containers", title="radarr runs and is healthy", evidence="running, healthy"),
        check(group="api", title="flaresolverr answers", evidence="200"),
        check(status="fail", group="stack", title="x", evidence="y", remedy=""),
        check(),  # too long a title: it does not widen the column
    ]
    width = verify.title_column(checks, 80)
    assert [line for one in checks for line in verify.check_lines(one, 80, width)] == [
        "ok   containers radarr runs and is healthy  running, healthy",
        "ok   api        flaresolverr answers        200",
        "FAIL stack      x                           y",
        "ok   vpn        qbittorrent shares gluetun's network namespace",
        "                net:[4026532841]",
    ]


def test_long_evidence_stands_below_the_title_and_is_whole() -> None:
    above, *below = verify.check_lines(check(title="https://x answers", evidence="200, " * 30), 80, 35)
    assert above == "ok   vpn        https://x answers"
    assert all(line.startswith(" " * 16 + "200,") and len(line) <= 80 for line in below)
    assert "".join(below).count("200,") == 30


@given(
    st.lists(
        st.fixed_dictionaries(
            {name: st.text(max_size=120) for name in ("group", "title", "evidence", "remedy")}
            | {"status": st.sampled_from(["pass", "fail", "warn", "skip"])}
        ),
        max_size=4,
    ),
    st.integers(80, 120),
)
def test_no_check_is_wider_than_the_screen(checks: list[dict[str, str]], width: int) -> None:
    titles = verify.title_column(checks, width)
    assert all(len(line) <= width for one in checks for line in verify.check_lines(one, width, titles))


def test_only_the_mark_is_coloured(script: Script) -> None:
    story = told(script.task("", "Prove").ok({"checks": [check(group="stack")]}, action=CORE + "verify"))
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=80, no_color=False, color_system="standard")
    verify.show(Run("verify", story, Exit.OK, Path(), Redactor(), console))
    assert "\x1b[32mok  \x1b[0m stack " in shown.getvalue()


def test_a_failed_check_shows_all_its_evidence_and_the_remedy() -> None:
    evidence = "9117/tcp answers on 192.0.2.10, which nothing declares; the process is jackett, pid 4711"
    lines = verify.check_lines(check(status="fail", evidence=evidence), 80, 35)
    assert lines[0].startswith("FAIL vpn ")
    assert "".join(lines).replace(" ", "").count(evidence.replace(" ", "")) == 1
    assert lines[-1].strip() == "Remedy: apply"
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("states", "code", "line"),
    [
        (["pass", "pass"], Exit.OK, "2 of 2 checks pass."),
        (["pass", "fail", "warn", "skip"], Exit.VERIFY_FAILED, "1 of 4 checks pass, 1 warn, 1 skipped.   exit 3"),
        (["pass", "warn"], Exit.OK, "1 of 2 checks pass, 1 warn."),
    ],
)
def test_counts_and_code(script: Script, states: list[str], code: Exit, line: str) -> None:
    checks = [check(status=state) for state in states]
    story = told(script.task("", "Prove").ok({"checks": checks}, action=CORE + "verify"))
    assert verify.judge(story) is code
    assert verify.counts_line(checks, code) == line


def test_no_check_at_all_proves_nothing(script: Script) -> None:
    assert verify.judge(told(script.task("", "A").ok({}))) is Exit.FAILED


INSTANCES = {
    "gluetun": {
        "state": "running",
        "health": "healthy",
        "zone": "vpn",
        "uptime": 259200,
        "url": None,
        "note": "London, 203.0.113.7, port 41200",
    },
    "qbittorrent": {
        "state": "running",
        "health": None,
        "zone": "vpn",
        "uptime": 40,
        "url": "https://qbittorrent.home.example",
        "note": "",
    },
    "jackett": {"state": "missing", "health": None, "zone": None, "uptime": None, "url": None, "note": ""},
}


def test_the_status_table_in_eighty_columns() -> None:
    lines = status.table(INSTANCES, 80)
    assert lines[0].split() == ["SERVICE", "STATE", "ZONE", "UP", "ADDRESS"]
    assert lines[1].split() == ["gluetun", "healthy", "vpn", "3", "d", "-"]
    assert lines[2] == "    London, 203.0.113.7, port 41200"
    assert "running" in lines[3]
    assert lines[-1].split() == ["jackett", "missing", "-", "-", "-"]
    assert max(map(len, lines)) <= 80


def test_an_address_that_does_not_fit_stands_below_its_service() -> None:
    url = "https://qbittorrent.a-very-long-name-of-a-home.example.org:34483"
    lines = status.table({**INSTANCES, "qbittorrent": {**INSTANCES["qbittorrent"], "url": url, "note": "busy"}}, 80)
    at = next(number for number, line in enumerate(lines) if line.startswith("qbittorrent"))
    assert lines[at].endswith("busy")
    assert lines[at + 1] == f"    {url}"
    assert max(map(len, lines)) <= 80


def test_the_status_table_on_a_wide_terminal() -> None:
    lines = status.table(INSTANCES, 120)
    assert lines[0].endswith("NOTE")
    assert lines[1].endswith("London, 203.0.113.7, port 41200")
    assert len(lines) == 4


@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True),
        st.fixed_dictionaries(
            {
                "state": st.sampled_from(["running", "exited", "missing"]),
                "health": st.sampled_from([None, "healthy", "unhealthy"]),
                "zone": st.sampled_from([None, "apps", "proxied"]),
                "uptime": st.none() | st.integers(0, 10**9),
                "url": st.none() | st.just("https://x.home.example"),
                "note": st.text(max_size=200),
            }
        ),
        max_size=5,
    )
)
def test_no_note_breaks_the_table(instances: dict[str, dict[str, Any]]) -> None:
    lines = status.table(instances, 80)
    assert max(map(len, lines)) <= 80
    assert not any("\n" in line for line in lines)


def test_disks_and_certificates() -> None:
    disks = [
        {"name": "media", "path": "/srv/media", "total": 4e12, "free": 2e11, "percent": 95, "error": None},
        {"name": "config", "path": "/opt", "error": "no such directory"},
    ]
    assert status.disk_lines(disks) == [
        "",
        "disk media (/srv/media): 200 GB of 4.0 TB free  almost full",
        "disk config: no such directory",
    ]
    certificates = {
        "a.home.example": {"issuer": "mediastack", "hours": 1711.5, "lifetime": 2160.0, "error": None},
        "b.home.example": {"issuer": None, "hours": None, "lifetime": None, "error": "it names somebody else"},
    }
    assert status.certificate_lines(certificates, "caddy") == [
        "certificate b.home.example: it names somebody else",
        "certificates: 1 valid; the first expires in 71 days, caddy renews it",
    ]


def test_one_cause_is_told_once_for_all_certificates() -> None:
    certificates = {name: {"error": f"{name} at 127.0.0.1:443: connection refused"} for name in ("a", "b", "c")}
    assert status.certificate_lines(certificates, "caddy") == [
        "3 certificates not read: 127.0.0.1:443: connection refused",
    ]


def test_what_does_not_run_is_not_up() -> None:
    assert status.row("radarr", {"state": "exited", "uptime": 0})[3] == "-"


def test_stopping_says_what_was_stopped(script: Script) -> None:
    changes = [{"instance": f"instance-{number}", "action": "stop"} for number in range(12)]
    script.task("", "Stop").ok({"changed": True, "changes": changes}, action=CORE + "compose")
    lines = instances.told(told(script).results)
    assert lines[0].startswith("stopped: instance-0, instance-1,")
    assert len(lines) > 1
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("hours", "lifetime", "said", "late"),
    [
        (11.4, 12.0, "11 hours", False),  # of the proxy's own authority: twelve hours are all it gets
        (4.1, 12.0, "4 hours", False),
        (1.9, 12.0, "1 hour", True),
        (47.9, 144.0, "47 hours", False),
        (700.0, 2160.0, "29 days", False),
        (240.0, 2160.0, "10 days", True),
    ],
)
def test_a_certificate_is_late_for_its_kind(hours: float, lifetime: float, said: str, late: bool) -> None:
    first, *warnings = status.certificate_lines({"a": {"hours": hours, "lifetime": lifetime, "error": None}}, "caddy")
    assert first == f"certificates: 1 valid; the first expires in {said}, caddy renews it"
    assert bool(warnings) is late
    assert all(line.startswith("certificate a: caddy should have renewed it;") and said in line for line in warnings)


@pytest.mark.parametrize(("value", "text"), [(4.14, "4.1 s"), (38.2, "38 s"), (125, "2 min 5 s"), (3780, "1 h 3 min")])
def test_durations(value: float, text: str) -> None:
    assert words.seconds(value) == text


@given(st.floats(0, 1e7), st.floats(0, 1e7))
def test_ages_are_never_longer_than_eight_columns(first: float, second: float) -> None:
    assert len(words.age(first)) <= 8
    assert len(words.clip(f"{first} {second}", 5)) <= 5
