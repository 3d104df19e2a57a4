"""Who gives a code after the key, who cannot yet, and what becomes of PAM's file."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.unit.ssh.test_ssh_plan import account, facts, lines, plan, wanted
from tests.unit.written import state_of

from ansible_collections.mediastack.core.plugins.module_utils import ssh_host
from ansible_collections.mediastack.core.plugins.plugin_utils import ssh_totp
from ansible_collections.mediastack.core.plugins.plugin_utils.ssh_plan import DROP_IN, SOCKET

# As openssh-server brings it, with something after what is replaced.
PAM_TEXT = (
    "# PAM configuration\n\n# Standard Un*x authentication.\n@include common-auth\n\naccount required pam_nologin.so\n"
)
ASKED = ["publickey,keyboard-interactive:pam"]
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEH"


def people(**changes: Any) -> dict[str, Any]:
    """A server with somebody who has a secret, somebody who has none, and who is connected."""
    accounts = {"admin": account(), "bob": account(totp=True), "eve": account(), "zoe": account(totp=True)}
    return facts(accounts=accounts, pam=PAM_TEXT) | changes


def asking(users: list[str], **changes: Any) -> dict[str, Any]:
    return plan(people(**changes), wanted(totp_users=users))


def pam_of(answer: dict[str, Any]) -> list[str]:
    return [item["content"] for item in answer["files"] if item["path"] == ssh_totp.PAM]


def test_nobody_is_asked_by_default() -> None:
    answer = asking([])
    assert not [line for line in lines(answer) if line.startswith(("Match", "UsePAM"))]
    assert (pam_of(answer), answer["packages"], answer["notices"]) == ([], [], [])


def test_who_has_a_secret_is_asked_and_nobody_else() -> None:
    answer = asking(["zoe", "bob", "bob"])
    assert answer["problems"] == []
    assert answer["notices"] == []
    assert lines(answer)[-3:] == [
        "Match User bob,zoe",
        "    AuthenticationMethods publickey,keyboard-interactive:pam",
        "    KbdInteractiveAuthentication yes",
    ]
    before = lines(answer)[:-3]
    assert {"KbdInteractiveAuthentication no", "AuthenticationMethods publickey", "UsePAM yes"} <= set(before)


def test_who_has_no_secret_keeps_the_key_alone_and_is_told() -> None:
    answer = asking(["eve"])
    assert answer["problems"] == []
    assert pam_of(answer) == []
    assert not [line for line in lines(answer) if line.startswith("Match")]
    assert len(answer["notices"]) == 1
    assert "eve" in answer["notices"][0]
    assert ssh_totp.ENROL in answer["notices"][0]
    assert answer["packages"] == [ssh_totp.PACKAGE]  # without it there is no way to a secret
    assert asking(["eve"], totp_program=True)["packages"] == []


def test_pam_asks_for_a_code_in_place_of_the_password() -> None:
    (text,) = pam_of(asking(["bob"]))
    rules = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert rules == [
        "auth required pam_google_authenticator.so",
        "auth required pam_permit.so",
        "account required pam_nologin.so",
    ]


@pytest.mark.parametrize(
    "text",
    [PAM_TEXT, "@include  common-auth \n", "@include common-auth", PAM_TEXT + "@include common-auth\n"],
)
def test_pam_gets_back_what_it_had(text: str) -> None:
    asked = ssh_totp.pam_text(text, asks=True)
    assert asked != text
    assert ssh_totp.pam_text(asked, asks=True) == asked
    assert ssh_totp.pam_text(asked, asks=False) == text
    assert pam_of(asking([], pam=asked)) == [text]
    assert pam_of(asking(["eve"], pam=asked)) == [text]


@pytest.mark.parametrize("asks", [True, False])
def test_the_documented_way_back_at_the_console(tmp_path: Path, asks: bool) -> None:
    text = (Path(__file__).parents[3] / "docs/security.md").read_text(encoding="utf-8")
    (command,) = (line.strip() for line in text.splitlines() if ssh_totp.PAM in line and "sed -i" in line)
    file = tmp_path / "sshd"
    file.write_text(ssh_totp.pam_text(PAM_TEXT, asks=asks))
    subprocess.run(shlex.split(command.replace(ssh_totp.PAM, str(file))), check=True, timeout=10)
    assert file.read_text() == PAM_TEXT


def test_our_lines_edited_by_hand_are_put_right() -> None:
    asked = ssh_totp.pam_text(PAM_TEXT, asks=True)
    edited = asked.replace("pam_google_authenticator.so", "pam_google_authenticator.so nullok")
    assert pam_of(asking(["bob"], pam=edited)) == [asked]


def test_a_server_that_asks_already_needs_nothing() -> None:
    first = asking(["bob"])
    keys = [*people()["host_keys"], {"path": "/etc/ssh/x", "type": "ssh-rsa", "bits": 4096}]
    done = {
        "host_keys": keys,
        "moduli": True,
        "totp_program": True,
        "pam": pam_of(first)[0],
        "accounts": people()["accounts"] | {"bob": account(totp=True, methods=ASKED)},
    }
    drop_in = asking(["bob"], **done)["files"][0]
    states = {DROP_IN: state_of(drop_in["content"], mode="0600"), SOCKET: {"kind": "missing"}}
    answer = asking(["bob"], **done, states=states)
    assert (answer["differs"], answer["problems"], answer["packages"]) == (False, [], [])
    assert asking(["bob"], **(done | {"pam": PAM_TEXT}), states=states)["differs"]
    # A block of another file that says the same as without ours is noticed once ours is there.
    other = done["accounts"] | {"bob": account(totp=True)}
    problems = asking(["bob"], **(done | {"accounts": other}), states=states)["problems"]
    assert len(problems) == 1
    assert "another Match block" in problems[0]


REFUSALS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("connected", {}, {"totp_users": ["bob", "admin"]}, "connected as admin"),
    (
        "no user",
        {"accounts": people()["accounts"] | {"ghost": account(exists=False, keys=[])}},
        {"totp_users": ["bob", "ghost"]},
        "no user ghost",
    ),
    ("no PAM", {}, {"totp_users": ["bob"], "settings": {"usepam": False}}, "usepam no"),
    (
        "passwords",
        {},
        {"totp_users": ["bob"], "settings": {"PasswordAuthentication": True}},
        "PasswordAuthentication yes",
    ),
    ("PAM's file", {"pam": "auth required pam_unix.so\n"}, {"totp_users": ["bob"]}, "common-auth"),
    (
        "PAM's file, our end gone",
        {"pam": ssh_totp.pam_text(PAM_TEXT, asks=True).replace(ssh_totp.END, "")},
        {"totp_users": ["bob"]},
        "common-auth",
    ),
    ("PAM's file not UTF-8", {"pam": "# \ufffd\n" + PAM_TEXT}, {"totp_users": ["eve"]}, "not in UTF-8"),
    (
        "another block",
        {"accounts": people()["accounts"] | {"bob": account(totp=True, methods=["password"])}},
        {"totp_users": ["bob"]},
        "another Match block says AuthenticationMethods password for bob",
    ),
]


@pytest.mark.parametrize(
    ("found", "asked", "message"), [case[1:] for case in REFUSALS], ids=[case[0] for case in REFUSALS]
)
def test_what_could_not_work_is_refused(found: dict[str, Any], asked: dict[str, Any], message: str) -> None:
    problems = plan(people(**found), wanted(**asked))["problems"]
    assert len(problems) == 1
    assert message in problems[0]


@pytest.mark.parametrize(
    ("text", "mode", "taken"),
    [
        (f'{SECRET}\n" TOTP_AUTH\n', 0o400, True),
        (f'{SECRET}\n" TOTP_AUTH\n', 0o600, True),
        (f'{SECRET}\n" TOTP_AUTH\n', 0o640, False),
        ("", 0o400, False),
        ('" TOTP_AUTH\n', 0o400, False),
        ("short\n", 0o400, False),
    ],
)
def test_only_a_secret_that_is_taken_counts(tmp_path: Path, text: str, mode: int, taken: bool) -> None:
    file = tmp_path / ssh_totp.SECRET
    uid = tmp_path.stat().st_uid
    assert not ssh_host.has_secret(file, uid)
    file.write_text(text)
    file.chmod(mode)
    assert ssh_host.has_secret(file, uid) is taken
    assert not ssh_host.has_secret(file, uid + 1)
    link = tmp_path / "link"
    link.symlink_to(file)
    assert not ssh_host.has_secret(link, uid)
