"""bin/lib/engine.sh: an engine that answers is left alone; refusals name the remedy."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "bin" / "lib" / "engine.sh"


def run(tmp_path: Path, programs: dict[str, str], code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Source the script with stand-ins for programs, and run some code."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, body in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    # A private engine of this machine must not be seen.
    text = SCRIPT.read_text(encoding="utf-8").replace("ENGINE_RUN=/run/mediastack-engine", f"ENGINE_RUN={tmp_path}/run")
    copy = tmp_path / "engine.sh"
    copy.write_text(text)
    base = {key: value for key, value in os.environ.items() if key not in {"DOCKER_HOST", "MEDIASTACK_CACHE"}}
    return subprocess.run(
        ["bash", "-c", f". {copy}; {code}"],
        env={**base, "PATH": f"{folder}:{base['PATH']}", **environment},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("host", ["", "unix:///somewhere/docker.sock", "tcp://192.0.2.1:2376"])
def test_an_engine_that_answers_is_used_as_it_is(tmp_path: Path, host: str) -> None:
    programs = {"docker": "exit 0", "dockerd": "exit 99", "apt-get": "exit 99", "systemctl": "exit 99"}
    environment = {"DOCKER_HOST": host} if host else {}
    done = run(tmp_path, programs, 'engine_up && echo "host=${DOCKER_HOST-unset}"', **environment)
    assert done.stdout == f"host={host or 'unset'}\n"
    assert done.stderr == ""
    assert not (tmp_path / "run").exists()


def test_without_an_engine_a_user_is_told_what_to_do(tmp_path: Path) -> None:
    done = run(tmp_path, {"docker": "exit 1", "id": "[ $1 = -u ] && echo 1000 || echo ann"}, "engine_up")
    assert done.returncode == 1
    assert "join the docker group" in done.stderr


def test_the_private_engine_touches_neither_firewall_nor_forwarding(tmp_path: Path) -> None:
    programs = {
        "docker": f'[ "$DOCKER_HOST" = unix://{tmp_path}/run/docker.sock ] && [ -e {tmp_path}/argv ]',
        "dockerd": f'printf "%s\\n" "$@" > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/argv',  # it is read at once
        "setsid": 'exec "$@"',
        "id": "echo 0",
        "sleep": "exec /bin/sleep 0.1",
    }
    done = run(
        tmp_path, programs, "engine_has_systemd() { false; }; engine_up && echo $DOCKER_HOST",
        MEDIASTACK_CACHE=str(tmp_path / "cache"),
    )  # fmt: skip
    assert done.stdout == f"unix://{tmp_path}/run/docker.sock\n", done.stderr
    argv = (tmp_path / "argv").read_text().split("\n")
    assert {"--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"} <= set(argv)
    assert argv[argv.index("--bridge") + 1] == "none"
    assert argv[argv.index("--data-root") + 1] == f"{tmp_path}/cache/engine"
    assert argv[argv.index("--config-file") + 1] == f"{tmp_path}/run/daemon.json"


def test_stopping_spares_a_process_that_only_has_the_number(tmp_path: Path) -> None:
    code = "mkdir -p $ENGINE_RUN; /bin/sleep 20 & echo $! > $ENGINE_PIDFILE; engine_down; kill -0 $! && echo alive"
    assert run(tmp_path, {}, code + "; kill $!").stdout == "alive\n"


def test_status_without_an_engine(tmp_path: Path) -> None:
    done = run(tmp_path, {"docker": "exit 1"}, "engine_status")
    assert (done.returncode, done.stdout) == (1, "no engine\n")
