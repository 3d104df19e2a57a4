"""One role in a play of its own on this machine, with the facts that it would have been given."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from tests.unit.ansible_program import ROOT, program


def play_role(
    folder: Path, role: str, facts: dict[str, Any], *words: str, **play: Any
) -> subprocess.CompletedProcess[str]:
    """Run `role` in `folder`; `words` go to ansible-playbook, `play` holds further keywords of the play."""
    tasks = [
        {"name": "Know", "ansible.builtin.set_fact": {**facts, "cacheable": True}, "tags": ["always"]},
        {"name": f"Run {role}", "ansible.builtin.import_role": {"name": role}},
    ]
    whole = {"hosts": "all", "gather_facts": False, **play, "tasks": tasks}
    (folder / "play.yml").write_text(yaml.safe_dump([whole]))
    hosts = {"all": {"hosts": {"nas": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(hosts))
    return program(
        "ansible-playbook",
        folder,
        *("-i", "hosts.yml", "play.yml", *words),
        ANSIBLE_ROLES_PATH=str(ROOT / "roles"),
        COLUMNS="500",
    )
