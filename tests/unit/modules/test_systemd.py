"""What systemd is asked and told."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.mediastack.core.plugins.module_utils import systemd

SAID = """\
Id=ssh.service
ActiveState=active
UnitFileState=enabled

Id=none.service
ActiveState=inactive
UnitFileState=

Listen=0.0.0.0:22 (Stream)
Listen=[::]:22 (Stream)
Id=ssh.socket
ActiveState=active
"""
Script = Callable[[str], Path]


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Makes a systemctl that is a shell script, and returns where its calls are written, a line each."""

    def make(script: str) -> Path:
        calls = tmp_path / "calls"
        program = tmp_path / "systemctl"
        program.write_text(f'#!/bin/sh\necho "$*" >>{calls}\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        return calls

    return make


def test_each_block_is_a_unit() -> None:
    first, second, third = systemd.parse(SAID)
    assert first == {"Id": "ssh.service", "ActiveState": "active", "UnitFileState": "enabled"}
    assert second["UnitFileState"] == ""
    assert third["Listen"] == "0.0.0.0:22 (Stream)\n[::]:22 (Stream)", "a property that is there twice has both lines"


@pytest.mark.parametrize("said", ["", "\n", "\n\n"])
def test_nothing_said_is_no_unit(said: str) -> None:
    assert systemd.parse(said) == []


def test_a_value_may_hold_an_equals_sign() -> None:
    assert systemd.parse("Environment=A=b\n") == [{"Environment": "A=b"}]


def test_all_units_are_asked_at_once_and_told_by_the_names_that_were_asked(systemctl: Script, tmp_path: Path) -> None:
    (tmp_path / "said").write_text(SAID)
    calls = systemctl(f"cat {tmp_path}/said")
    found = systemd.show(["sshd.service", "none.service", "ssh.socket"], ["ActiveState"])
    assert {name: unit["ActiveState"] for name, unit in found.items()} == {
        "sshd.service": "active",  # another name of ssh.service
        "none.service": "inactive",
        "ssh.socket": "active",
    }
    assert calls.read_text() == ("show --property=Id,ActiveState -- sshd.service none.service ssh.socket\n")


def test_moments_are_told_by_a_systemd_that_knows_no_unix_time(systemctl: Script) -> None:
    systemctl("""case "$*" in *--timestamp*) echo "Invalid value: unix." >&2; exit 1 ;; esac
        echo Id=ssh.service
        echo "Description=Sat 2026-11-21"
        echo "ActiveEnterTimestamp=Sat 2026-11-21 19:26:18 $TZ"
        echo InactiveEnterTimestamp=""")
    assert systemd.show(["ssh.service"], ["ActiveEnterTimestamp"])["ssh.service"] == {
        "Id": "ssh.service",
        "Description": "Sat 2026-11-21",
        "ActiveEnterTimestamp": "@1795289178",
        "InactiveEnterTimestamp": "",
    }


def test_nothing_is_asked_of_no_unit(systemctl: Script) -> None:
    calls = systemctl("exit 1")
    assert systemd.show([], ["ActiveState"]) == {}
    assert not calls.exists()


def test_units_have_no_properties_where_systemd_does_not_answer(
    systemctl: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemctl("exit 1")
    assert systemd.show(["a", "b"], ["ActiveState"]) == {"a": {}, "b": {}}
    monkeypatch.setenv("PATH", "/nonexistent")
    assert systemd.show(["a"], ["ActiveState"]) == {"a": {}}
    assert not systemd.is_active("a")


@pytest.mark.parametrize(("code", "active"), [(0, True), (3, False)])
def test_a_unit_is_active_when_systemctl_says_so(systemctl: Script, code: int, active: bool) -> None:
    systemctl(f"exit {code}")
    assert systemd.is_active("ssh.socket") is active


def test_a_refusal_is_told_with_its_call(systemctl: Script) -> None:
    calls = systemctl("echo no such unit >&2; exit 5")
    with pytest.raises(systemd.SystemdError, match=r"^systemctl start a\.service: no such unit$"):
        systemd.call("start", "a.service")
    with pytest.raises(systemd.SystemdError, match=r"^systemctl daemon-reload: no such unit$"):
        systemd.daemon_reload()
    assert calls.read_text() == "start a.service\ndaemon-reload\n"


def test_a_call_that_cannot_be_made_or_hangs_is_told(systemctl: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    systemctl("sleep 5")
    with pytest.raises(systemd.SystemdError, match="timed out") as told:
        systemd.call("stop", "a.service", seconds=0.1)
    assert isinstance(told.value.__cause__, subprocess.TimeoutExpired)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(systemd.SystemdError, match="systemctl"):
        systemd.daemon_reload()
