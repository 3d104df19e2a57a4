"""Each verb from its command line to its exit code, with Ansible's part played by events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.provision.support import CORE, ROOT, Ansible, Script, call

from mediastack_provision import history
from mediastack_provision.exits import Exit
from mediastack_provision.runner import Job

STACK = {
    "paths": {"config": "/c", "secrets": "/s"},
    "instances": {"radarr": {"zone": "apps", "url": None}},
    "notices": [],
}


def test_apply(ansible: Ansible, script: Script, inventory: Path) -> None:
    script.task("stack", "Write").ok({"changed": True}).stats(nas={"ok": 1, "changed": 1})
    ansible.events = script.events
    result = call("apply", "--limit", "nas", "--tags", "stack,apply", "-t", "base", "--", "--forks", "5")
    assert result.exit_code == 0, result.output
    assert ansible.job == Job(
        playbook=ROOT / "playbooks/apply.yml",
        inventory=inventory,
        limit="nas",
        tags=("stack", "apply", "base"),
        passthrough=("--forks", "5"),
    )
    assert "stack ........... 1 changed" in result.output
    assert "Done in 2.0 s: 1 changed, 0 failed." in result.output
    [record] = history.load_all(inventory)
    assert record["options"] == ["--limit=nas", "--tags=stack,apply,base", "--forks"]
    assert record["result"] == "ok"


def test_apply_as_json_is_one_object_per_line(ansible: Ansible, script: Script) -> None:
    ansible.events = script.task("stack", "Write").ok({"changed": True}).stats(nas={"ok": 1}).events
    lines = [json.loads(line) for line in call("apply", "--json").stdout.splitlines()]
    assert [line["event"] for line in lines] == ["phase", "task", "result", "phase_end", "stats", "done"]
    assert lines[-1]["changed"] == 1
    assert lines[-1]["exit"] == 0


def test_plan_is_check_and_diff_and_two_means_changes(ansible: Ansible, script: Script) -> None:
    facts = {"ansible_facts": {"mediastack_stack": STACK}}
    change = {"instance": "radarr", "network": None, "action": "create", "reason": "new"}
    script.task("", "Resolve").ok(facts, action=CORE + "resolve")
    script.task("stack", "Compose").ok({"changed": True, "changes": [change]}, action=CORE + "compose")
    ansible.events = script.stats(nas={"ok": 2}).events
    result = call("plan")
    assert result.exit_code == Exit.CHANGES, result.output
    assert ansible.job.check
    assert ansible.job.diff
    assert "+ radarr" in result.stdout
    assert "Nothing was touched." in result.stdout
    ansible.jobs.clear()
    lines = [json.loads(line) for line in call("plan", "--json").stdout.splitlines()]
    assert lines[-2]["changes"][0]["name"] == "radarr"
    assert lines[-1] == {"event": "done", "verb": "plan", "exit": 2, "changes": 1}


def test_plan_without_changes_is_zero(ansible: Ansible, script: Script) -> None:
    ansible.events = script.task("base", "A").ok({}).stats(nas={"ok": 1}).events
    result = call("plan")
    assert result.exit_code == 0
    assert "Nothing would change." in result.stdout


def test_plan_shows_every_line_without_secrets(ansible: Ansible, script: Script) -> None:
    key = "5e1f1e1d" * 4
    diff = {"before": "", "after": f"api_key: {key}\nport: 7878\n"}
    ansible.events = script.task("a", "F").ok({"changed": True, "diff": diff}).stats(nas={"ok": 1}).events
    result = call("plan", "--diff")
    assert "+port: 7878" in result.stdout
    assert key not in result.output


def test_harden_runs_its_own_playbook_and_is_recorded(ansible: Ansible, script: Script, inventory: Path) -> None:
    script.task("hardening", "Set").ok(
        {"changed": True, "notices": ["kernel.kptr_restrict: refused here"]}, action=CORE + "x"
    )
    ansible.events = script.stats(nas={"ok": 1, "changed": 1}).events
    result = call("harden", "--limit", "nas", "--tags", "ssh")
    assert result.exit_code == 0, result.output
    assert ansible.job == Job(playbook=ROOT / "playbooks/harden.yml", inventory=inventory, limit="nas", tags=("ssh",))
    assert "hardening ....... 1 changed" in result.output
    assert "  ! kernel.kptr_restrict: refused here" in result.output
    [record] = history.load_all(inventory)
    assert (record["verb"], record["result"]) == ("harden", "ok")
    ansible.jobs.clear()
    lines = [json.loads(line) for line in call("harden", "--json").stdout.splitlines()]
    assert (lines[-1]["event"], lines[-1]["verb"], lines[-1]["changed"]) == ("done", "harden", 1)


@pytest.mark.parametrize("words", [["--check"], ["--diff"], ["--check", "--diff"]])
def test_harden_can_be_predicted(ansible: Ansible, script: Script, inventory: Path, words: list[str]) -> None:
    script.task("", "Resolve").ok({"notices": ["about the stack"]}, action=CORE + "resolve")
    diff = {"before": "", "after": "Port 22\n"}
    change = {"changed": True, "changes": [{"path": "/etc/ssh/x.conf", "action": "write"}], "diff": diff}
    script.task("ssh", "Write the configuration").ok(change, action=CORE + "files")
    script.task("hardening", "Set").ok({"changed": True})
    ansible.events = script.stats(nas={"ok": 3}).events
    result = call("harden", *words)
    assert result.exit_code == Exit.CHANGES, result.output
    assert (ansible.job.check, ansible.job.diff) == (True, True)
    assert "  ~ ssh         /etc/ssh/x.conf" in result.stdout
    assert "  ~ hardening   Set" in result.stdout
    assert ("+Port 22" in result.stdout) is ("--diff" in words)
    assert "about the stack" not in result.stdout
    assert "2 things would change. Nothing was touched." in result.stdout
    assert result.stdout.endswith("Do it: harden\n")
    assert history.load_all(inventory) == []
    ansible.jobs.clear()
    lines = [json.loads(line) for line in call("harden", "--json", *words).stdout.splitlines()]
    assert lines[-1] == {"event": "done", "verb": "harden", "exit": 2, "changes": 2}


def test_a_hardened_server_has_nothing_to_change(ansible: Ansible, script: Script) -> None:
    ansible.events = script.task("ssh", "A").ok({}).stats(nas={"ok": 1}).events
    result = call("harden", "--check")
    assert result.exit_code == 0
    assert "Nothing would change." in result.stdout


def test_verify(ansible: Ansible, script: Script) -> None:
    checks = [
        {"id": "a", "group": "vpn", "title": "t", "status": "pass", "evidence": "e", "remedy": "r"},
        {"id": "b", "group": "api", "title": "u", "status": "fail", "evidence": "f", "remedy": "mend it"},
    ]
    ansible.events = script.task("", "Prove").ok({"checks": checks}, action=CORE + "verify").stats(nas={"ok": 1}).events
    result = call("verify")
    assert result.exit_code == Exit.VERIFY_FAILED
    assert "FAIL api" in result.stdout
    assert "Remedy: mend it" in result.stdout
    assert "1 of 2 checks pass" in result.stdout
    assert ansible.job.extra_vars == {"verify_fail": False}
    lines = [json.loads(line) for line in call("verify", "--json").stdout.splitlines()]
    assert [(line["id"], line["status"]) for line in lines if line["event"] == "check"] == [
        ("a", "pass"),
        ("b", "fail"),
    ]
    assert lines[-1]["exit"] == 3


AUDIT: dict[str, Any] = {
    "tool": "lynis",
    "before": "55",
    "after": "86",
    "required": "85",
    "good": True,
    "note": "",
    "findings": [{"id": "KRNL-6000", "text": "Differs", "reason": "cannot be written here"}],
}
MISSING: dict[str, Any] = {
    **AUDIT,
    "tool": "oscap",
    "before": None,
    "after": None,
    "good": None,
    "note": "not installed",
    "findings": [],
}


@pytest.mark.parametrize(
    ("audits", "code"),
    [
        ([AUDIT, MISSING], Exit.OK),
        ([AUDIT, {**AUDIT, "after": "84", "good": False}], Exit.VERIFY_FAILED),
        ([MISSING], Exit.FAILED),
    ],
)
def test_audit(ansible: Ansible, script: Script, audits: list[dict[str, Any]], code: Exit) -> None:
    outside = [{key: value for key, value in audits[0].items() if key != "before"}]  # it comes again, with the others
    script.task("", "Outside").ok({"audits": outside}, action=CORE + "audit")
    ansible.events = script.task("", "Audit").ok({"audits": audits}, action=CORE + "audit").stats(nas={"ok": 1}).events
    result = call("audit", "--install")
    assert result.exit_code == code, result.output
    assert ansible.job.extra_vars == {"audit_fail": False, "audit_install": True}
    assert "No server was reached" not in result.output
    if AUDIT in audits:
        assert "  lynis      55                 86                 85         ok" in result.stdout
        assert "    KRNL-6000 Differs [cannot be written here]" in result.stdout
    if MISSING in audits:
        assert "  oscap: not installed" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    lines = [json.loads(line) for line in call("audit", "--json").stdout.splitlines()]
    assert [line["tool"] for line in lines if line["event"] == "audit"] == [audit["tool"] for audit in audits]
    assert lines[-1]["exit"] == code


def test_status(ansible: Ansible, script: Script) -> None:
    res = {
        "instances": {
            "radarr": {"state": "running", "health": "healthy", "zone": "apps", "uptime": 60, "note": "12 films"}
        }
    }
    ansible.events = script.task("", "Read").ok(res, action=CORE + "status").stats(nas={"ok": 1}).events
    result = call("status")
    assert result.exit_code == 0
    assert "radarr" in result.stdout
    assert "12 films" in result.stdout
    lines = [json.loads(line) for line in call("status", "--json").stdout.splitlines()]
    [found] = [line for line in lines if line["event"] == "status"]
    assert found["instances"]["radarr"]["note"] == "12 films"


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_verbs_for_instances(ansible: Ansible, script: Script, verb: str) -> None:
    ansible.events = script.task("", "A").ok({"changed": True}).stats(nas={"ok": 1}).events
    result = call(verb, "radarr", "sonarr")
    assert result.exit_code == 0, result.output
    assert ansible.job.playbook.name == f"{verb}.yml"
    assert ansible.job.extra_vars == {"stack_only": ["radarr", "sonarr"]}


def test_uninstall_asks_and_needs_a_terminal_or_yes(
    ansible: Ansible, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    ansible.events = script.task("", "A").ok({"changed": True}).stats(nas={"ok": 1}).events
    assert call("uninstall").exit_code == Exit.INVALID
    monkeypatch.setattr("mediastack_provision.verbs.uninstall.can_ask", lambda: True)
    assert call("uninstall", input="n\n").exit_code == 0
    assert ansible.jobs == []
    assert call("uninstall", input="y\n").exit_code == 0
    assert call("uninstall", "--yes").exit_code == 0
    assert len(ansible.jobs) == 2


def test_history(ansible: Ansible, script: Script) -> None:
    assert "Nothing was run" in call("history").stdout
    ansible.events = script.task("stack", "Write").ok({"changed": True}).stats(nas={"ok": 1}).events
    call("apply")
    listed = call("history", "list").stdout.splitlines()
    assert listed[0].split()[:3] == ["ID", "TIME", "VERB"]
    identity = listed[1].split()[0]
    assert "nas · stack · Write" in call("history", "show", identity).stdout
    assert json.loads(call("history", "--json").stdout)["id"] == identity
    assert call("history", "show", "x").exit_code == Exit.INVALID
