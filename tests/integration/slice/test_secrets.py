"""No secret leaves its place: not in argv, compose text, logs, journal, diffs, inspect, or files others can read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration import playbook
from tests.integration.servers import Server

# Watches the command lines of every process on the server while a run is going on.
WATCHER = """
systemd-run --quiet --unit argv-watch sh -c '
  while :; do
    cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " " >> /run/argv.log
    echo >> /run/argv.log
    sleep 0.05
  done'
"""


@pytest.fixture(scope="module")
def secrets(applied: Server) -> dict[str, str]:
    """{place: value}; every generated and given secret is a sentinel, for each is random."""
    return {f"{instance}.{name}": value for instance, own in applied.secrets().items() for name, value in own.items()}


@pytest.fixture(scope="module")
def noisy_run(applied: Server) -> playbook.Result:
    """A run that shows as much as Ansible can show, and that writes every file and container again."""
    applied.root(WATCHER)
    applied.root("rm -rf /opt/mediastack/secrets /opt/mediastack/compose; docker rm -f $(docker ps -aq)")
    result = applied.play("playbooks/apply.yml", "-vvv", "--diff")
    applied.root("systemctl stop argv-watch")
    assert result.returncode == 0, result.output[-4000:]
    return result


def leaked(text: str, secrets: dict[str, str]) -> list[str]:
    """The secrets that stand in a text."""
    return sorted(place for place, value in secrets.items() if value in text)


def test_there_are_secrets_of_every_kind(secrets: dict[str, str]) -> None:
    assert {"gluetun.wireguard_private_key", "radarr.api_key", "jellyfin.admin_password"} <= set(secrets)
    assert all(len(value) >= 16 for value in secrets.values())


def test_not_in_the_output_of_the_loudest_run(noisy_run: playbook.Result, secrets: dict[str, str]) -> None:
    assert leaked(noisy_run.output, secrets) == []


def test_not_in_any_command_line(applied: Server, noisy_run: playbook.Result, secrets: dict[str, str]) -> None:
    seen = applied.root("cat /run/argv.log")
    assert "python3" in seen, "the watcher saw nothing"
    assert leaked(seen, secrets) == []


def test_not_in_the_journal(applied: Server, noisy_run: playbook.Result, secrets: dict[str, str]) -> None:
    assert leaked(applied.root("journalctl --no-pager -o export"), secrets) == []


def test_not_in_what_the_engine_shows(applied: Server, noisy_run: playbook.Result, secrets: dict[str, str]) -> None:
    shown = applied.root(
        "docker inspect $(docker ps -aq) $(docker network ls -q); docker image inspect $(docker images -q)"
    )
    assert leaked(shown, secrets) == []


def test_not_in_container_logs(applied: Server, noisy_run: playbook.Result, secrets: dict[str, str]) -> None:
    logs = applied.root("for c in $(docker ps -aq); do docker logs $c 2>&1; done")
    assert leaked(logs, secrets) == []


def test_not_in_compose_files_or_records(applied: Server, noisy_run: playbook.Result, secrets: dict[str, str]) -> None:
    text = applied.root("cat /opt/mediastack/compose/*/* /var/lib/mediastack/generations/*")
    assert leaked(text, secrets) == []


def test_not_in_a_file_that_others_can_read(
    applied: Server, noisy_run: playbook.Result, secrets: dict[str, str]
) -> None:
    """As nobody, over everything that nobody can reach."""
    patterns = "\n".join(secrets.values())
    applied.root(f"umask 077; cat > /run/patterns <<'END'\n{patterns}\nEND\nchmod 644 /run/patterns")
    found = applied.root(
        "setpriv --reuid=65534 --regid=65534 --clear-groups "
        "grep -rlF -f /run/patterns --exclude=patterns "
        "/opt /etc /srv /var/lib/mediastack /var/log /tmp /run 2>/dev/null || true"
    )
    assert found.split() == []


def test_not_in_the_run_records_of_the_wrapper(applied: Server, secrets: dict[str, str], tmp_path: Path) -> None:
    """One loud run that changes something, recorded in a place of its own."""
    applied.root("docker rm -f sonarr")
    command = [sys.executable, "-m", "mediastack_provision", "apply", "-i", str(applied.sandbox.inventory), "-vvv"]
    environment = {**os.environ, **applied.environment, "XDG_STATE_HOME": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    records = [path.read_text(encoding="utf-8") for path in tmp_path.glob("mediastack/history/*/*.json")]
    assert [json.loads(text)["verb"] for text in records] == ["apply"]
    assert json.loads(records[0])["changed"], "the run changed nothing, so there was little to record"
    assert leaked(records[0] + done.stdout + done.stderr, secrets) == []
