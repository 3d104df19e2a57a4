"""Ways to lock oneself out: after each, the old access works again within the rollback time, by itself."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.integration import lockout
from tests.integration.lockout import (
    AGAIN,
    HARDEN,
    HASTE,
    PATIENCE,
    SECONDS,
    at_rest,
    choose,
    module,
    outage,
    wait_until,
)
from tests.integration.playbook import Result
from tests.integration.servers import Server, server

from mediastack_provision.sandbox.docker import find_engine

SSH = ("--tags", "ssh")  # the other roles have lock-outs of their own
DROP_IN = "/etc/ssh/sshd_config.d/01-mediastack.conf"
# A cipher that sshd takes and no client of today offers: `sshd -t` finds nothing wrong with it.
NO_WAY_IN = {"Ciphers": "aes128-cbc"}
# A fault of ssh.service itself: its reload kills it, and nothing starts it again.
DIES = "[Service]\nRestart=no\nExecReload=\nExecReload=/bin/kill -KILL $MAINPID\n"
UNIT = "/etc/systemd/system/ssh.service.d/dies.conf"
# A server with so much to do that sshd answers nobody, for longer than one attempt to connect waits.
BUSY = (
    "[Service]\nExecReload=/bin/sleep 1\n"
    "ExecReload=/bin/systemd-run --quiet --on-active=13 --timer-property=AccuracySec=100ms kill -CONT $MAINPID\n"
    "ExecReload=/bin/kill -STOP $MAINPID\n"
)


@pytest.fixture(scope="module", params=["debian12", "debian13"])
def made(request: pytest.FixtureRequest) -> Iterator[Server]:
    with server(f"it-lockout-{request.param}", release=request.param, kind="bare") as fresh:
        yield fresh


@pytest.fixture
def hardened(made: Server) -> Iterator[Server]:
    """A server with a confirmed configuration, which every test has to leave in force."""
    choose(made)
    result = made.play(HARDEN, *SSH)
    assert result.returncode == 0, result.output[-4000:]
    before = made.root(f"sha256sum {DROP_IN}")
    yield made
    made.choices.unlink()
    wait_until(made, True, AGAIN)
    at_rest(made)
    assert made.root(f"sha256sum {DROP_IN}") == before
    assert made.root("ls -A /var/lib/mediastack/guard; find /etc/systemd/system -name 'mediastack-guard*'") == ""


def undone(made: Server, name: str) -> Result:
    """A run of the role that locks itself out, and goes back."""
    return lockout.undone(made, name, *SSH)


def arm(made: Server) -> None:
    """What the role does first, by hand: so that a test can be careless afterwards."""
    restore = [["systemctl", "reset-failed", "ssh.service"], ["systemctl", "restart", "ssh.service"]]
    module(made, "mediastack.core.guard", name="ssh", state="armed", paths=[DROP_IN], restore=restore, seconds=SECONDS)


def test_a_cipher_that_no_client_offers(hardened: Server) -> None:
    choose(hardened, ssh_settings=NO_WAY_IN)
    assert "no matching cipher" in undone(hardened, "cipher-without-client").failure


def test_a_cipher_that_does_not_exist_is_refused_before_it_is_written(hardened: Server) -> None:
    choose(hardened, ssh_settings={"Ciphers": "rot13"})
    result = hardened.play(HARDEN, *SSH)
    assert result.returncode != 0
    assert "rot13" in result.failure


def test_a_cipher_that_does_not_exist_forced_past_validation(hardened: Server) -> None:
    arm(hardened)
    with outage(hardened, "cipher-unknown"):
        hardened.root(f"echo 'Ciphers rot13' > {DROP_IN}; systemctl restart ssh.service || true")
        wait_until(hardened, True, SECONDS + PATIENCE)


def test_sshd_that_dies_after_its_start(hardened: Server) -> None:
    hardened.root(f"mkdir -p $(dirname {UNIT}); printf '{DIES}' > {UNIT}; systemctl daemon-reload")
    choose(hardened, ssh_max_auth_tries=5)
    try:
        undone(hardened, "sshd-dies")
    finally:
        hardened.root(f"rm {UNIT}; systemctl daemon-reload")


def test_a_server_that_answers_late_is_no_lockout(hardened: Server) -> None:
    hardened.root(f"mkdir -p $(dirname {UNIT}); printf '{BUSY}' > {UNIT}; systemctl daemon-reload")
    choose(hardened, ssh_max_auth_tries=5, ssh_rollback_seconds=60)
    try:
        with outage(hardened, "answers-late"):
            result = hardened.play(HARDEN, *SSH)
        assert result.returncode == 0, result.output[-4000:]
        assert "ssh : Write the configuration" in result.changed
        assert "MaxAuthTries 5" in hardened.root(f"cat {DROP_IN}")
    finally:
        hardened.root(f"rm {UNIT}; systemctl daemon-reload")
        choose(hardened)
        assert hardened.play(HARDEN, *SSH).returncode == 0


def test_an_allow_list_without_the_user(hardened: Server) -> None:
    choose(hardened, ssh_settings={"AllowUsers": "nobody"})
    undone(hardened, "allow-list")


def test_a_port_that_is_not_reachable(hardened: Server) -> None:
    choose(hardened, ssh_port=2200)
    undone(hardened, "wrong-port")


def test_nobody_is_told_that_the_server_is_back_before_it_is(hardened: Server, tmp_path: Path) -> None:
    # The way in is open all the time, and the countdown is another run's: as after a loss of a moment.
    late = {"__ssh_armed": {"arming": "another"}, "ansible_failed_result": {"msg": "lost"}}
    back = {"ansible.builtin.include_role": {"name": "ssh", "tasks_from": "back.yml", "rolespec_validate": False}}
    play = {"hosts": "mediastack", "gather_facts": False, "become": True, "vars": late, "tasks": [back]}
    (tmp_path / "late.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    arm(hardened)
    result = hardened.play(str(tmp_path / "late.yml"))
    assert "back at its old one: lost" in result.failure, result.output[-4000:]
    assert hardened.root("ls -A /var/lib/mediastack/guard") == ""


def test_the_controller_is_killed_before_it_confirms(hardened: Server) -> None:
    choose(hardened, ssh_settings=NO_WAY_IN)
    with outage(hardened, "controller-killed"):
        killed = hardened.play(HARDEN, *SSH, *HASTE, kill_at=1)
        assert killed.returncode == -9
        assert killed.changed == ["ssh : Write the configuration"]
        hardened.root("systemctl reload ssh.service")
        wait_until(hardened, False, 10)
        wait_until(hardened, True, SECONDS + PATIENCE)


def test_the_server_reboots_within_the_window(hardened: Server) -> None:
    choose(hardened, ssh_settings=NO_WAY_IN, ssh_rollback_seconds=3600)
    with outage(hardened, "reboot"):
        killed = hardened.play(HARDEN, *SSH, kill_at=1)
        assert killed.returncode == -9
        hardened.root("systemctl reload ssh.service")
        wait_until(hardened, False, 10)
        restart = ["docker", "restart", "--time", "5", hardened.sandbox.container]
        subprocess.run(restart, env=find_engine().environment, capture_output=True, timeout=60, check=True)
        wait_until(hardened, True, PATIENCE)


REFUSALS = [
    (
        "no-key",
        "mv ~admin/.ssh/authorized_keys{,.away}",
        "mv ~admin/.ssh/authorized_keys{.away,}",
        {},
        "authorized key",
    ),
    (
        "private-key",
        "cp -p ~admin/.ssh/authorized_keys{,.away}; cat /etc/ssh/ssh_host_ed25519_key >> ~admin/.ssh/authorized_keys",
        "mv ~admin/.ssh/authorized_keys{.away,}",
        {},
        "holds a private key",
    ),
    (
        "port-taken",
        "systemd-run --quiet --unit squatter python3 -m http.server 2201; sleep 1",
        "systemctl stop squatter",
        {"ssh_port": 2201},
        "2201 is taken by python3",
    ),
    ("missing-user", "true", "true", {"ssh_allow_users": ["admin", "ghost"]}, "no user ghost"),
    ("not-me", "true", "true", {"ssh_allow_users": ["root"]}, "nobody who is let in"),
]


@pytest.mark.parametrize(
    ("before", "after", "choices", "message"), [case[1:] for case in REFUSALS], ids=[case[0] for case in REFUSALS]
)
def test_bad_input_changes_nothing(
    hardened: Server, before: str, after: str, choices: dict[str, object], message: str
) -> None:
    choose(hardened, ssh_max_auth_tries=5, **choices)
    module(
        hardened, "ansible.builtin.ping", data="here"
    )  # without keys, only an open connection gets as far as the question
    hardened.root(before)
    try:
        result = hardened.play(HARDEN, *SSH)
        assert result.returncode != 0
        assert message in result.failure, result.output[-3000:]
        assert result.changed == []
    finally:
        hardened.root(after)


def test_a_run_without_changes_reaches_the_server_three_times(hardened: Server) -> None:
    result = hardened.play(HARDEN, *SSH)
    assert result.changed == []
    ours = [task for task in result.on_host if task.startswith("ssh : ")]
    assert len(ours) <= 3, ours
