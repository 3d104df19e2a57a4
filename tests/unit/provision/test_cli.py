"""The command line: what it takes, what it says, and its exit codes, with Ansible's part played by events."""

from __future__ import annotations

import importlib.resources
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.provision.support import CORE, ROOT, Ansible, Script, call

from mediastack_provision.cli import split_arguments
from mediastack_provision.exits import MEANINGS, Exit
from mediastack_provision.runner import Outcome


@pytest.mark.parametrize(
    ("action", "code", "said"),
    [
        (CORE + "lease", Exit.BUSY, "another run"),
        (CORE + "resolve", Exit.INVALID, "another run"),
        (CORE + "preflight", Exit.INVALID, "another run"),
        ("ansible.builtin.apt", Exit.FAILED, "FAILED nas · base · Do"),
    ],
)
def test_the_failed_task_decides_the_exit_code(
    ansible: Ansible, script: Script, action: str, code: Exit, said: str
) -> None:
    ansible.events = (
        script.task("base", "Do").failed({"msg": "another run"}, action=action).stats(nas={"failed": 1}).events
    )
    ansible.outcome = Outcome("failed", 2)
    result = call("apply")
    assert result.exit_code == code
    assert said in result.output


def test_the_same_input_problem_of_two_servers_is_said_once(ansible: Ansible, script: Script) -> None:
    for host in ("nas", "cellar"):
        script.task("", "Resolve").failed({"msg": "x.yml:1:2\n  zone: bad"}, host=host, action=CORE + "resolve")
    ansible.events, ansible.outcome = script.events, Outcome("failed", 2)
    assert call("apply").output.count("x.yml:1:2") == 1


def test_ansibles_own_error_before_any_task_is_shown(ansible: Ansible) -> None:
    said = {"event": "verbose", "stdout": "[ERROR]: no vault secrets were found", "created": "2026-11-21T09:00:00"}
    ansible.events, ansible.outcome = [said], Outcome("failed", 1)
    result = call("apply")
    assert result.exit_code == Exit.INVALID
    assert "no vault secrets were found" in result.output


def test_an_inventory_without_our_group_is_not_a_success(ansible: Ansible) -> None:
    result = call("apply")
    assert result.exit_code == Exit.INVALID
    assert "No server was reached" in result.output


def test_passwords_are_asked_for_at_a_terminal_only(
    ansible: Ansible, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    ansible.events = script.task("", "A").failed({"msg": "sudo said hunter22"}).stats(nas={"failed": 1}).events
    ansible.outcome = Outcome("failed", 2)
    assert call("apply", "-K").exit_code == Exit.INVALID
    monkeypatch.setattr("mediastack_provision.execute.can_ask", lambda: True)
    result = call("apply", "-K", input="hunter22\n")
    assert ansible.job.become_password == "hunter22"
    assert "hunter22" not in result.output
    assert "***" in result.output


def test_completion() -> None:
    assert "_MEDIASTACK_PROVISION_COMPLETE" in call("completion", "zsh").stdout
    assert call("completion", "csh").exit_code == Exit.INVALID


@pytest.mark.parametrize(
    "words", [["nonsense"], ["plan", "--nonsense"], ["apply", "unexpected"], ["apply", "-i", "nowhere"]]
)
def test_bad_usage_is_invalid_input(ansible: Ansible, words: list[str]) -> None:
    assert call(*words).exit_code == Exit.INVALID
    assert ansible.jobs == []


def test_unreadable_files_are_refused_before_ansible_starts(ansible: Ansible, inventory: Path) -> None:
    (inventory / "group_vars/mediastack/a.yml").write_text("a: [\n")
    (inventory / "group_vars/mediastack/b.yml").write_bytes(b"a: \xff\n")
    for verb in ("validate", "plan", "apply"):
        result = call(verb)
        assert result.exit_code == Exit.INVALID
        assert "group_vars/mediastack/a.yml:2:1" in result.output
        assert "b.yml:1:4" in result.output
    assert ansible.jobs == []


@pytest.mark.parametrize(
    ("args", "own", "rest"),
    [
        (["apply"], ["apply"], []),
        (["apply", "--", "-v"], ["apply"], ["-v"]),
        (["start", "a", "--", "--", "x"], ["start", "a"], ["--", "x"]),
    ],
)
def test_what_follows_two_dashes_is_ansibles(args: list[str], own: list[str], rest: list[str]) -> None:
    assert split_arguments(args) == (own, rest)


def test_help_teaches(ansible: Ansible) -> None:
    text = call("--help").stdout
    verbs = "init validate plan apply harden verify audit status start stop restart logs uninstall"
    for verb in f"{verbs} sandbox history completion".split():
        assert f" {verb} " in text
        assert call(verb, "--help").exit_code == 0
    for code, meaning in MEANINGS.items():
        assert f"{int(code):>4}  {meaning}" in text
        assert f"| {int(code)} | {meaning} |" in (ROOT / "docs/cli.md").read_text()
    assert max(map(len, text.splitlines())) <= 80


def test_help_loads_no_ansible() -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}

    command = ("-m", "mediastack_provision", "--help")
    traced = subprocess.run(
        [sys.executable, "-X", "importtime", *command], env=env, check=True, capture_output=True, text=True
    )
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in traced.stderr.splitlines() if "|" in line}
    assert not loaded & {"ansible", "ansible_runner", "yaml", "jinja2", "pexpect", "asyncio"}


def test_the_package_says_that_it_is_typed() -> None:
    assert importlib.resources.files("mediastack_provision").joinpath("py.typed").is_file()


def test_problems_as_data(ansible: Ansible, script: Script) -> None:
    said = "x.yml:1:2\n  radarr.zone: 'vpm' is not a zone.\n  Zones: vpn.\ny.yml\n  a.api_key: missing.\n2 problems."
    script.task("", "Resolve").failed({"msg": said}, action=CORE + "resolve").stats(nas={"failed": 1})
    ansible.events, ansible.outcome = script.events, Outcome("failed", 2)
    result = call("validate", "--json")
    assert result.exit_code == Exit.INVALID
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(line["place"], line["text"]) for line in lines if line["event"] == "problem"] == [
        ("x.yml:1:2", "radarr.zone: 'vpm' is not a zone. Zones: vpn."),
        ("y.yml", "a.api_key: missing."),
    ]
