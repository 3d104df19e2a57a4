"""What a role learns of the engine's set-up."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.mediastack.core.plugins.module_utils import host_docker


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b'{"live-restore": true}', {"live-restore": True}),
        (b'\xef\xbb\xbf{"live-restore": true}', {"live-restore": True}),
        (b"", {}),
        (b" \n", {}),
    ],
)
def test_what_the_engine_reads_is_read(tmp_path: Path, content: bytes, value: object) -> None:
    path = tmp_path / "daemon.json"
    path.write_bytes(content)
    assert host_docker.daemon_file(str(path)) == (value, None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{broken", "it is not valid JSON: Expecting property name enclosed in double quotes: line 1 column 2"),
        (b'{"x": "\xff"}', "it is not valid JSON: 'utf-8' codec can't decode"),
        (b"[1]", "it is not a JSON object"),
    ],
)
def test_what_the_engine_would_refuse_is_an_error(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "daemon.json"
    path.write_bytes(content)
    found, error = host_docker.daemon_file(str(path))
    assert found is None
    assert error is not None
    assert error.startswith(said)


def test_what_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    assert host_docker.daemon_file(str(tmp_path)) == (None, "it cannot be read: Is a directory")


def test_no_daemon_file_is_no_error(tmp_path: Path) -> None:
    assert host_docker.daemon_file(str(tmp_path / "none")) == (None, None)


def process(root: Path, pid: int, comm: str, namespace: str, environment: bytes) -> None:
    directory = root / str(pid)
    (directory / "ns").mkdir(parents=True)
    (directory / "comm").write_text(comm + "\n")
    (directory / "environ").write_bytes(environment)
    (directory / "ns/pid").symlink_to(namespace)


def test_environment_of_the_hosts_own_engine_only(tmp_path: Path) -> None:
    (tmp_path / "self/ns").mkdir(parents=True)
    (tmp_path / "self/ns/pid").symlink_to("pid:[1]")
    process(tmp_path, 10, "dockerd", "pid:[2]", b"MEDIASTACK_CONFIG=nested\0")
    assert host_docker.running_engine(str(tmp_path)) is None
    assert host_docker.environment_of(None) == {}
    process(tmp_path, 20, "dockerd", "pid:[1]", b"PATH=/bin\0MEDIASTACK_CONFIG=ours\0SECRET=x\0")
    found = host_docker.running_engine(str(tmp_path))
    assert host_docker.environment_of(found) == {"MEDIASTACK_CONFIG": "ours"}


def test_a_file_that_changed_after_the_start_makes_the_engine_stale(tmp_path: Path) -> None:
    before = time.time()
    with subprocess.Popen(["sleep", "60"]) as child:
        running = Path(f"/proc/{child.pid}")
        # It tells hundredths of a second; how long its own reading took on a busy machine counts too.
        assert before - 1 < host_docker.started(running) < time.time() + 1
        older, newer = tmp_path / "older", tmp_path / "newer"
        older.touch()
        os.utime(older, (1, 1))
        newer.touch()
        os.utime(newer, (time.time() + 60, time.time() + 60))
        assert not host_docker.stale(running, [str(older), str(tmp_path / "none")])
        assert host_docker.stale(running, [str(older), str(newer)])
        assert not host_docker.stale(None, [str(newer)])
        child.kill()


def test_environment_that_the_unit_sets(tmp_path: Path) -> None:
    unit = tmp_path / "mediastack.conf"
    unit.write_text(
        '# Environment=MEDIASTACK_A=0\n[Service]\nEnvironment=MEDIASTACK_B=1\nEnvironment="HTTP_PROXY=http://x"\n'
    )
    assert host_docker.configured_environment(str(unit)) == {"MEDIASTACK_B": "1"}
    assert host_docker.configured_environment(str(tmp_path / "none")) == {}


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Docker version 26.1.5+dfsg1, build 411e817ddf710ff8e08fa193da80cb78af708191\n", "26.1.5+dfsg1"),
        ("Docker version 28.5.1, build f8215cc\n", "28.5.1"),
        ("", None),
        ("dockerd: error while loading shared libraries", None),
    ],
)
def test_the_version_of_an_engine_that_is_down(said: str, version: str | None) -> None:
    assert host_docker.parse_version(said) == version


@pytest.fixture
def activated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """A machine whose engine's socket systemd holds: the socket, and its table of processes."""
    programs, processes = tmp_path / "bin", tmp_path / "proc"
    for folder in (programs, processes / "1/ns", processes / "self/ns"):
        folder.mkdir(parents=True)
    for process in ("1", "self"):
        (processes / process / "ns/pid").symlink_to("pid:[1]")
    (processes / "1/comm").write_text("systemd\n")
    (programs / "systemctl").write_text('#!/bin/sh\n[ "$*" = "is-active --quiet docker.socket" ]\n')
    (programs / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "docker.sock"))
        yield str(tmp_path / "docker.sock"), str(processes)


def test_an_engine_that_a_question_would_start_sleeps(activated: tuple[str, str]) -> None:
    assert host_docker.asleep(*activated)


def test_one_that_runs_or_is_elsewhere_does_not_sleep(
    activated: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    where, processes = activated
    assert not host_docker.asleep(where + "-of-nobody", processes)
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2376")
    assert not host_docker.asleep(where, processes)
    monkeypatch.delenv("DOCKER_HOST")
    Path(processes, "1/comm").write_text("dockerd\n")
    assert not host_docker.asleep(where, processes)


def test_a_socket_that_systemd_does_not_hold_wakes_nobody(
    activated: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert not host_docker.asleep(*activated)
