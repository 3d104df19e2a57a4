"""A code of an authenticator after the key: asked of those on the list who can give one, and of nobody else."""

from __future__ import annotations

import base64
import dataclasses
import hmac
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration import lockout
from tests.integration.lockout import AGAIN, HARDEN, choose, wait_until
from tests.integration.playbook import Result
from tests.integration.servers import Server, changes, on_releases, server

from ansible_collections.mediastack.core.plugins.plugin_utils import ssh_totp

SSH = ("--tags", "ssh")
DROP_IN = "/etc/ssh/sshd_config.d/01-mediastack.conf"
SECRET_FILE = "~totp/.google_authenticator"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEH"
SCRATCH = "39407769"
STEP = 30
# As `google-authenticator` writes it.
CONTENT = f'{SECRET}\n" RATE_LIMIT 3 30\n" WINDOW_SIZE 3\n" DISALLOW_REUSE\n" TOTP_AUTH\n{SCRATCH}\n'
NOT_NOW = 60  # seconds after which sshd has forgiven the failures that these tests are made of


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every release in a soak, else the newest."""
    on_releases(metafunc, "made")


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest) -> Iterator[Server]:
    with server(f"it-totp-{request.param}", release=request.param, kind="bare") as fresh:
        fresh.root(
            "useradd --create-home --shell /bin/bash totp; install -d -o totp -g totp -m 0700 ~totp/.ssh; "
            "install -o totp -g totp -m 0600 ~admin/.ssh/authorized_keys ~totp/.ssh/; cp -p /etc/pam.d/sshd /root/pam"
        )
        yield fresh


@pytest.fixture
def enrolled(made: Server) -> Server:
    """The user has a secret, and used no code of it yet."""
    made.root(f"install -o totp -g totp -m 0400 /dev/stdin {SECRET_FILE} <<'END'\n{CONTENT}END")
    return made


@pytest.fixture(scope="module")
def known(made: Server) -> dict[str, str]:
    """What a run has left for choices, so that no second run is needed to come back to them."""
    return {}


@pytest.fixture
def plain(enrolled: Server, known: dict[str, str]) -> Server:
    """Hardened, with nobody on the list."""
    settle(enrolled, known)
    assert pam_is_the_distributions(enrolled)
    return enrolled


@pytest.fixture
def asked(enrolled: Server, known: dict[str, str]) -> Server:
    """Hardened, with the user on the list."""
    settle(enrolled, known, ssh_totp_users=["totp"])
    return enrolled


def want(made: Server, **choices: object) -> None:
    """Choose, without penalties for what these tests fail at: those are sshd's own, and every one is waited for."""
    patient = {"PerSourcePenalties": "no"} if "debian13" in made.sandbox.name else {}
    settings = choices.pop("ssh_settings", {})
    assert isinstance(settings, dict)
    choose(made, ssh_settings={**patient, **settings}, **choices)


def harden(made: Server, **choices: object) -> Result:
    want(made, **choices)
    result = made.play(HARDEN, *SSH)
    assert result.returncode == 0, result.output[-4000:]
    return result


def in_force(made: Server) -> str:
    """What decides who comes in how."""
    return made.root(f"sha256sum {DROP_IN} /etc/pam.d/sshd 2>&1 || true")


def settle(made: Server, known: dict[str, str], **choices: object) -> None:
    """Bring it there, unless it is there already."""
    if known.get(str(choices)) != in_force(made):
        harden(made, **choices)
        known[str(choices)] = in_force(made)


def said(result: Result) -> str:
    """What a run printed, however it was wrapped."""
    return " ".join(result.output.split())


def pam_is_the_distributions(made: Server) -> bool:
    """Content, owner and mode."""
    look = "sha256sum < {0}; stat -c '%U %G %a' {0}"
    return made.root(look.format("/etc/pam.d/sshd")) == made.root(look.format("/root/pam"))


def code_of(secret: str, moment: float) -> str:
    """RFC 6238, with SHA-1 and six digits."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, int(moment // STEP).to_bytes(8, "big"), "sha1")
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def wrong_code() -> str:
    """One that is right neither now nor in the minutes around."""
    near = {code_of(SECRET, time.time() + STEP * number) for number in range(-4, 5)}
    return next(code for code in ("000000", *(str(number) * 6 for number in range(1, 10))) if code not in near)


def enter(made: Server, scratch: Path, code: str = "", *options: str) -> str:
    """Try to log in as the user; returns "in", or what sshd would have wanted besides."""
    helper = scratch / "askpass"
    helper.write_text("#!/bin/sh\nprintf '%s\\n' \"$CODE\"\n", encoding="utf-8")
    helper.chmod(0o700)
    argv = dataclasses.replace(made.sandbox, user="totp").ssh_argv("true")
    argv[1:1] = ["-F", "/dev/null", "-o", "ControlPath=none", "-o", "NumberOfPasswordPrompts=1", *options]
    argv[1:1] = [] if code else ["-o", "BatchMode=yes"]
    env = os.environ | {"SSH_ASKPASS": str(helper), "SSH_ASKPASS_REQUIRE": "force", "CODE": code}
    deadline = time.monotonic() + NOT_NOW
    while True:
        done = subprocess.run(
            argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False
        )
        if done.returncode == 0:
            return "in"
        if "Permission denied (" in done.stderr:
            return done.stderr.rpartition("Permission denied (")[2].partition(")")[0]
        assert time.monotonic() < deadline, done.stderr
        time.sleep(2)  # penalties: not even asked


def test_the_key_and_a_code(asked: Server, tmp_path: Path) -> None:
    assert enter(asked, tmp_path, code_of(SECRET, time.time())) == "in"
    assert enter(asked, tmp_path, SCRATCH) == "in"
    wait_until(asked, True, AGAIN)  # who is not on the list: with the key alone


def test_less_than_both_is_refused(asked: Server, tmp_path: Path) -> None:
    assert enter(asked, tmp_path) == "keyboard-interactive"
    assert enter(asked, tmp_path, wrong_code()) == "keyboard-interactive"
    code = code_of(SECRET, time.time())
    assert enter(asked, tmp_path, code, "-o", "PubkeyAuthentication=no") == "publickey"
    assert enter(asked, tmp_path, code) == "in"
    assert enter(asked, tmp_path, code) == "keyboard-interactive"  # each code once
    wait_until(asked, True, AGAIN)


def test_a_second_run_changes_nothing(asked: Server) -> None:
    result = harden(asked, ssh_totp_users=["totp"])
    assert result.changed == [], changes(result)
    assert [task for task in result.on_host if task.startswith("ssh : ")] == ["ssh : Learn how the server is reached"]


def test_without_a_secret_the_key_is_enough_until_there_is_one(asked: Server, tmp_path: Path) -> None:
    asked.root(f"rm {SECRET_FILE}")
    assert f"run as totp: {ssh_totp.ENROL}" in said(harden(asked, ssh_totp_users=["totp"]))
    assert pam_is_the_distributions(asked)
    assert enter(asked, tmp_path) == "in"
    asked.root(f"echo -1 | runuser --login totp --command '{ssh_totp.ENROL}'")
    assert "run as totp" not in said(harden(asked, ssh_totp_users=["totp"]))
    assert enter(asked, tmp_path) == "keyboard-interactive"
    secret = asked.root(f"head -1 {SECRET_FILE}").strip()
    assert enter(asked, tmp_path, code_of(secret, time.time())) == "in"


def test_off_the_list_all_is_as_before(asked: Server, tmp_path: Path) -> None:
    assert not pam_is_the_distributions(asked)
    harden(asked)
    assert pam_is_the_distributions(asked)
    assert enter(asked, tmp_path) == "in"


def test_who_cannot_be_on_the_list(plain: Server) -> None:
    before = in_force(plain)
    want(plain, ssh_totp_users=["totp", "admin", "ghost"])
    result = plain.play(HARDEN, *SSH)
    assert result.returncode != 0
    for message in ("connected as admin", "no user ghost"):
        assert message in result.failure, result.output[-3000:]
    assert result.changed == []
    assert in_force(plain) == before


def test_the_plan_names_the_package_and_the_files(plain: Server) -> None:
    package = ssh_totp.PACKAGE
    plain.root(f"DEBIAN_FRONTEND=noninteractive apt-get -qq purge --yes {package}")
    before = plain.root(f"sha256sum {DROP_IN}")
    want(plain, ssh_totp_users=["totp"])
    result = plain.play(HARDEN, *SSH, "--check", "--diff")
    assert result.returncode == 0, result.output[-4000:]
    assert f"Would install {package}" in result.output
    assert "+auth required pam_google_authenticator.so" in result.output
    assert plain.root(f"dpkg-query -W -f '${{db:Status-Status}}' {package}", check=False) != "installed"
    assert plain.root(f"sha256sum {DROP_IN}") == before
    assert pam_is_the_distributions(plain)


def test_a_package_that_does_not_come_leaves_sshd_alone(plain: Server) -> None:
    package = ssh_totp.PACKAGE
    plain.root(f"DEBIAN_FRONTEND=noninteractive apt-get -qq purge --yes {package}")
    before = plain.root(f"sha256sum {DROP_IN}")
    never = "/etc/apt/preferences.d/never"
    plain.root(f"printf 'Package: {package}\\nPin: release *\\nPin-Priority: -1\\n' > {never}")
    try:
        want(plain, ssh_totp_users=["totp"])
        result = plain.play(HARDEN, *SSH)
        assert result.returncode != 0
        assert package in result.failure
        assert plain.root(f"sha256sum {DROP_IN}") == before
        assert pam_is_the_distributions(plain)
    finally:
        plain.root(f"rm {never}")


def test_a_change_that_locks_out_takes_pam_back_too(plain: Server, tmp_path: Path) -> None:
    want(plain, ssh_totp_users=["totp"], ssh_settings={"Ciphers": "aes128-cbc"})
    lockout.undone(plain, "totp", *SSH)
    assert pam_is_the_distributions(plain)
    assert enter(plain, tmp_path) == "in"


def test_another_files_block_that_wins_is_refused(plain: Server) -> None:
    """Also one that says the same as the rest of ours, which shows only once ours is there."""
    other = "/etc/ssh/sshd_config.d/00-other.conf"
    plain.root(f"printf 'Match User totp\\n    AuthenticationMethods publickey\\n' > {other}")
    try:
        harden(plain, ssh_totp_users=["totp"])
        result = plain.play(HARDEN, *SSH)
        assert "another Match block says AuthenticationMethods publickey for totp" in result.failure
    finally:
        plain.root(f"rm {other}; systemctl reload ssh.service")
