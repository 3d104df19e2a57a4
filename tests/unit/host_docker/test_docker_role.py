"""The role `docker` alone, where no preflight came before it; always in check mode."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from tests.unit.role_play import play_role


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
    return play_role(folder, "docker", {"mediastack_host": facts}, "--check", "--tags", "configure")


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
