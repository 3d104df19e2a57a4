"""Where the role comes in anew: at the port that it knows, else where ssh itself finds the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.ansible_program import ROOT, program

ROLE = ROOT / "roles/ssh"
SSH = '#!/bin/sh\nprintf "%s\\n" "$@" >"$ARGUMENTS"\nexit 255\n'


def words(folder: Path, host: dict[str, Any], choices: dict[str, Any]) -> list[str]:
    """What ssh is called with to confirm a change."""
    (folder / "ssh").write_text(SSH)
    (folder / "ssh").chmod(0o755)
    learned = next(one for one in yaml.safe_load((ROLE / "tasks/main.yml").read_text()) if one["name"] == "Compare")
    facts = {name: text for name, text in learned["ansible.builtin.set_fact"].items() if name != "__ssh_plan"}
    block = next(one["block"] for one in yaml.safe_load((ROLE / "tasks/change.yml").read_text()) if "block" in one)
    confirm = next(one for one in block if one["name"].endswith("and confirm"))
    tasks = [{"ansible.builtin.set_fact": facts}, {"ansible.builtin.raw": "true", "vars": confirm["vars"]}]
    (folder / "choices.yml").write_text(yaml.safe_dump(choices))
    files = [*(str(ROLE / f"{part}/main.yml") for part in ("defaults", "vars")), "choices.yml"]
    play = {"hosts": "all", "gather_facts": False, "vars_files": files, "tasks": tasks}
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    known = {"ansible_ssh_executable": str(folder / "ssh"), **host}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"nas": known}}}))
    arguments = folder / "arguments"
    done = program(
        "ansible-playbook", folder, "-i", str(folder / "hosts.yml"), str(folder / "play.yml"), ARGUMENTS=str(arguments)
    )
    assert arguments.exists(), done.stdout + done.stderr
    return arguments.read_text().splitlines()


@pytest.mark.parametrize(
    ("host", "choices", "ports"),
    [
        ({}, {}, []),  # ~/.ssh/config may say which
        ({"ansible_port": 2222}, {}, ["Port=2222"]),
        ({}, {"ssh_port": 2200}, ["Port=2200"]),
        ({"ansible_port": 2222}, {"ssh_port": 2200, "ssh_port_outside": 4022}, ["Port=4022"]),
    ],
)
def test_the_port_of_a_new_connection(
    tmp_path: Path, host: dict[str, Any], choices: dict[str, Any], ports: list[str]
) -> None:
    assert [word for word in words(tmp_path, host, choices) if word.startswith("Port=")] == ports
