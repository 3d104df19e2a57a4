"""The role `docker` alone, where no preflight came before it; always in check mode."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
PROGRAMS = Path(sys.executable).parent


def server(**docker: Any) -> dict[str, Any]:
    """The facts of a Debian 13 without an engine."""
    engine = {"installed": False, "running": False, "enabled": False, "stale": False, "daemon": None}
    return {
        "os": {"id": "debian", "version_id": "13", "codename": "trixie", "family": "debian"},
        "engine": None,
        "packages": {"docker-ce": False},
        "paths": {"/etc/apt/keyrings/mediastack-docker.asc": {"exists": False}},
        "docker": {**engine, "daemon_error": None, "environment": {}, "configured": {}, **docker},
    }


def play(folder: Path, facts: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    tasks = [
        {"name": "Know", "ansible.builtin.set_fact": {"mediastack_host": facts, "cacheable": True}, "tags": ["always"]},
        {"name": "Run docker", "ansible.builtin.import_role": {"name": "docker"}},
    ]
    (folder / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    hosts = {"all": {"hosts": {"nas": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(hosts))
    return subprocess.run(
        [
            PROGRAMS / "ansible-playbook",
            "--check",
            "--tags",
            "configure",
            "-i",
            folder / "hosts.yml",
            folder / "play.yml",
        ],
        env={
            "HOME": str(folder),
            "PATH": f"{PROGRAMS}:/usr/bin:/bin",
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_ROLES_PATH": str(ROOT / "roles"),
            "LC_ALL": "C.UTF-8",
        },
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_configuration_that_cannot_be_read_is_not_replaced(tmp_path: Path) -> None:
    done = play(tmp_path, server(daemon_error="it is not valid JSON: Expecting value: line 1 column 1"))
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "/etc/docker/daemon.json: it is not valid JSON: Expecting value: line 1 column 1." in said
    assert "Remedy: mend it (python3 -m json.tool /etc/docker/daemon.json shows the mistake)" in said
    assert "TASK [docker : Write the engine's configuration" not in said


def test_no_configuration_is_none_that_is_lost(tmp_path: Path) -> None:
    done = play(tmp_path, server())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "TASK [docker : Write the engine's configuration" in done.stdout
