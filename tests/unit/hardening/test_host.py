"""What is read of a server, and what the module changes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.mediastack.core.plugins.module_utils import hardening_host
from ansible_collections.mediastack.core.plugins.modules import hardening


def test_a_unit_that_runs() -> None:
    values = {"ActiveState": "active", "UnitFileState": "enabled", "ActiveEnterTimestamp": "@1795000000"}
    found = hardening_host.unit_of({**values, "ConditionResult": "yes", "ConditionTimestampMonotonic": "12"})
    assert found == {"active": "active", "enabled": "enabled", "started": 1795000000, "refused": False}


def test_a_unit_whose_conditions_are_not_met() -> None:
    values = {
        "ActiveState": "inactive",
        "UnitFileState": "enabled",
        "ActiveEnterTimestamp": "",
        "ConditionResult": "no",
    }
    assert hardening_host.unit_of({**values, "ConditionTimestampMonotonic": "12"})["refused"]
    assert not hardening_host.unit_of({**values, "ConditionTimestampMonotonic": "0"})["refused"], "it was never tried"


def test_a_unit_that_is_not_there() -> None:
    assert hardening_host.unit_of({}) == {"active": "inactive", "enabled": "", "started": 0, "refused": False}


def test_links_are_neither_listed_nor_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "secret").chmod(0o644)
    (tmp_path / ".bashrc").symlink_to("secret")
    assert hardening_host.modes(f"{tmp_path}/.bashrc") == {}
    with pytest.raises(OSError, match="symbolic links"):
        hardening_host.narrow(f"{tmp_path}/.bashrc", 0o600)
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o644


def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert hardening_host.modes(f"{tmp_path}/pipe") == {}


def test_mount_options_of_what_is_mounted(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "36 25 0:31 / /dev/shm rw,nosuid,nodev shared:4 - tmpfs tmpfs rw\n"
    monkeypatch.setattr(hardening_host.host_system, "read", lambda path: line)
    assert hardening_host.mount_options("/dev/shm") == ["rw", "nosuid", "nodev"]
    assert hardening_host.mount_options("/tmp") is None


HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
CABLE = "eth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
RADIO = "wlan0\t000200C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n"
OUT = "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
OUT_TOO = "eth1\t00000000\t016433C6\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
CLOSED = "*\t000200C0\t00000000\t0201\t0\t0\t900\t00FFFFFF\t0\t0\t0\n"


@pytest.mark.parametrize(
    ("routes", "one"),
    [
        (HEAD + CABLE + OUT, True),
        (HEAD + CABLE + CABLE + OUT, True),
        (HEAD + CABLE + RADIO + OUT, False),
        (HEAD + CABLE + OUT + OUT_TOO, False),
        (HEAD + CABLE + CLOSED, True),
        (HEAD, True),
        ("", True),
    ],
)
def test_two_interfaces_to_one_network(routes: str, one: bool) -> None:
    assert hardening_host.one_way(routes) is one


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that the module runs; `systemctl mask` fails."""
    found: list[list[str]] = []

    def run(argv: list[str]) -> str:
        found.append(argv)
        return "systemctl mask: no" if argv[1] == "mask" else ""

    monkeypatch.setattr(hardening, "run", run)
    monkeypatch.setattr(hardening.systemd, "call", lambda *words: found.append(["systemctl", *words]))
    return found


def call(capsys: Any, tmp_path: Path, *, check: bool = False, **arguments: Any) -> dict[str, Any]:
    whole = {**arguments, "lease_directory": str(tmp_path / "lease"), "_ansible_check_mode": check}
    with patch_module_args(whole), pytest.raises(SystemExit):
        hardening.main()
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def wanted(path: Path) -> dict[str, Any]:
    return {
        "permissions": [{"path": str(path), "mode": "0600"}],
        "units": [{"name": "a.timer", "action": "on"}, {"name": "b.service", "action": "mask"}],
        "mounts": [{"path": "/dev/shm", "options": ["noexec"]}],
    }


def test_what_fails_is_told_and_the_rest_is_done(commands: list[list[str]], capsys: Any, tmp_path: Path) -> None:
    (tmp_path / "log").touch(0o644)
    answer = call(capsys, tmp_path, **wanted(tmp_path / "log"))
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600
    assert answer["refused"] == ["b.service: systemctl mask: no"]
    assert [change["name"] for change in answer["changes"]] == [f"{tmp_path}/log", "a.timer", "/dev/shm"]
    assert commands[0] == ["systemctl", "daemon-reload"]
    assert ["mount", "-o", "remount,noexec", "/dev/shm"] in commands


def test_check_mode_predicts_and_does_nothing(commands: list[list[str]], capsys: Any, tmp_path: Path) -> None:
    (tmp_path / "log").touch(0o644)
    answer = call(capsys, tmp_path, check=True, **wanted(tmp_path / "log"))
    assert answer["changed"]
    assert len(answer["changes"]) == 4
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o644
    assert commands == []


@pytest.mark.usefixtures("commands")
def test_pam_files_that_were_edited_by_hand_are_told(capsys: Any, tmp_path: Path) -> None:
    (tmp_path / "common-auth").write_text("auth required pam_unix.so\n")
    marks = [f"{tmp_path}/common-auth: pam_faillock.so"]
    answer = call(capsys, tmp_path, pam_on=["mediastack-faillock"], pam_marks=marks)
    assert answer["refused"] == [f"{tmp_path}/common-auth: edited by hand, so that pam-auth-update leaves it alone"]


def test_a_profile_is_switched_off_before_its_file_goes(
    commands: list[list[str]], capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardening, "PROFILES", str(tmp_path))
    (tmp_path / "mediastack-faillock").touch()
    call(capsys, tmp_path, pam_off=["mediastack-faillock"])
    assert commands == [["pam-auth-update", "--package", "--remove", "mediastack-faillock"]]
    assert not (tmp_path / "mediastack-faillock").exists()
