"""What the role ssh would do, and what it refuses to do."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.written import state_of

from ansible_collections.mediastack.core.plugins.plugin_utils import ssh_algorithms, ssh_plan
from ansible_collections.mediastack.core.plugins.plugin_utils.ssh_plan import DROP_IN, SOCKET, plan

OLD_KEX = ["sntrup761x25519-sha512@openssh.com", "curve25519-sha256", "diffie-hellman-group14-sha256"]
GOOD_KEY = {"type": "ssh-ed25519", "bits": 0}
NO_CODE = {"totp": False, "methods": ["publickey"]}


def account(**changes: Any) -> dict[str, Any]:
    return {"exists": True, "groups": ["admin"], "shell": True, "keys": [GOOD_KEY], "problems": []} | NO_CODE | changes


def facts(**changes: Any) -> dict[str, Any]:
    return {
        "version": "10.0",
        "supported": {
            "kex": [*OLD_KEX, "mlkem768x25519-sha256"],
            "cipher": ["aes256-ctr", "3des-cbc"],
            "mac": ["hmac-sha2-512-etm@openssh.com", "hmac-sha2-512", "hmac-md5"],
            "sig": ["ssh-ed25519", "rsa-sha2-512", "ecdsa-sha2-nistp256", "ssh-rsa"],
        },
        "effective": {"port": ["22"], "authenticationmethods": ["publickey"]},
        "statements": [
            {"file": "/etc/ssh/sshd_config", "line": 0, "keyword": "", "value": ""},
            {"file": DROP_IN, "line": 0, "keyword": "", "value": ""},
            {"file": "/etc/ssh/sshd_config", "line": 9, "keyword": "x11forwarding", "value": "yes"},
        ],
        "host_keys": [
            {"path": "/etc/ssh/ssh_host_ecdsa_key", "type": "ecdsa-sha2-nistp256", "bits": 0},
            {"path": "/etc/ssh/ssh_host_ed25519_key", "type": "ssh-ed25519", "bits": 0},
            {"path": "/etc/ssh/ssh_host_rsa_key", "type": "ssh-rsa", "bits": 3072},
        ],
        "login": "admin",
        "keys_command": False,
        "accounts": {"admin": account()},
        "groups": ["root", "admin"],
        "socket": False,
        "listening": [{"port": 22, "process": "sshd"}, {"port": 8080, "process": "caddy"}],
        "states": {DROP_IN: {"kind": "missing"}, SOCKET: {"kind": "missing"}},
        "pam": "@include common-auth\n",
        "totp_program": False,
        "moduli": False,
        "guarded": False,
    } | changes


def wanted(**changes: Any) -> dict[str, Any]:
    return {
        "level": "hardened",
        "port": 0,
        "permit_root_login": "auto",
        "allow_users": [],
        "allow_groups": [],
        "forwarding": False,
        "login_grace_time": 30,
        "max_auth_tries": 4,
        "max_startups": "10:30:60",
        "settings": {},
        "totp_users": [],
    } | changes


def lines(answer: dict[str, Any]) -> list[str]:
    text: str = answer["files"][0]["content"]
    return text.splitlines()


def settled(**changes: Any) -> dict[str, Any]:
    """Facts of a server on which everything is done."""
    keys = [*facts()["host_keys"], {"path": ssh_plan.OWN_RSA_KEY, "type": "ssh-rsa", "bits": 4096}]
    text = plan(facts(host_keys=keys), wanted())["files"][0]["content"]
    states = {DROP_IN: state_of(text, mode="0600"), SOCKET: {"kind": "missing"}}
    return facts(host_keys=keys, moduli=True, states=states) | changes


def test_a_server_as_wanted_needs_nothing() -> None:
    assert not plan(settled(), wanted())["differs"]


@pytest.mark.parametrize(
    "change", [{"mode": "0644"}, {"uid": 1000, "owner": "eve"}, {"sha256": "x"}, {"kind": "missing"}]
)
def test_whatever_differs_is_noticed(change: dict[str, Any]) -> None:
    state = settled()["states"][DROP_IN] | change
    assert plan(settled(states={DROP_IN: state, SOCKET: {"kind": "missing"}}), wanted())["differs"]


def test_a_guard_of_a_dead_run_is_work_left_to_do() -> None:
    assert plan(settled(guarded=True), wanted())["differs"]


def test_keys_only_and_root_out() -> None:
    found = lines(plan(facts(), wanted()))
    assert {"PasswordAuthentication no", "PermitRootLogin no", "PerSourcePenalties yes"} <= set(found)
    assert not [line for line in found if line.startswith(("Port", "AllowUsers", "AllowGroups"))]


def test_root_stays_where_nobody_else_comes_in() -> None:
    answer = plan(facts(login="root", accounts={"root": account()}), wanted())
    assert "PermitRootLogin prohibit-password" in lines(answer)
    assert answer["problems"] == []


def test_only_what_this_openssh_knows_is_written() -> None:
    old = facts(version="9.2", supported=facts()["supported"] | {"kex": OLD_KEX})
    found = lines(plan(old, wanted()))
    assert "KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256" in found
    assert not [line for line in found if line.startswith("PerSourcePenalties")]
    assert "Ciphers aes256-ctr" in found


@pytest.mark.parametrize(("version", "there"), [("8.9", False), ("9.0", False), ("9.1", True), ("10.0", True)])
def test_an_older_openssh_is_told_nothing_that_it_does_not_know(version: str, there: bool) -> None:
    found = lines(plan(facts(version=version), wanted()))
    assert ("RequiredRSASize 3072" in found) is there  # Ubuntu 22.04 has 8.9


def test_compatible_knows_older_clients() -> None:
    chosen = ssh_algorithms.choose(facts()["supported"], "compatible")
    assert "curve25519-sha256" in chosen["KexAlgorithms"]
    assert "hmac-sha2-512" in chosen["MACs"]
    assert "ecdsa-sha2-nistp256" in chosen["PubkeyAcceptedAlgorithms"]
    assert "diffie-hellman-group14-sha256" not in chosen["KexAlgorithms"]


def test_strict_offers_no_key_exchange_that_a_quantum_computer_breaks() -> None:
    old = facts(version="9.2", supported=facts()["supported"] | {"kex": OLD_KEX})
    found = lines(plan(old, wanted(level="strict")))
    assert "KexAlgorithms sntrup761x25519-sha512@openssh.com" in found
    usual = lines(plan(old, wanted()))
    assert [line for line in found if line not in usual] == ["KexAlgorithms sntrup761x25519-sha512@openssh.com"]


def test_strict_is_hardened_where_openssh_is_new() -> None:
    assert plan(facts(), wanted(level="strict")) == plan(facts(), wanted())


def test_strict_is_refused_where_openssh_has_nothing_of_the_kind() -> None:
    older = facts(version="8.4", supported=facts()["supported"] | {"kex": ["curve25519-sha256"]})
    [problem] = plan(older, wanted(level="strict"))["problems"]
    assert problem.startswith("ssh_level: 'strict', but OpenSSH 8.4 has none")
    assert "Remedy: hardened" in problem
    assert plan(older, wanted())["problems"] == []


def test_small_and_nist_host_keys_are_not_offered() -> None:
    answer = plan(facts(), wanted())
    offered = [line.split()[1] for line in lines(answer) if line.startswith("HostKey ")]
    assert offered == ["/etc/ssh/ssh_host_ed25519_key", ssh_plan.OWN_RSA_KEY]
    assert [key["path"] for key in answer["host_keys"]] == [ssh_plan.OWN_RSA_KEY]
    assert plan(facts(), wanted(level="compatible"))["host_keys"] == []


def test_the_owners_settings_win_whatever_their_spelling() -> None:
    found = lines(plan(facts(), wanted(settings={"usedns": True, "AcceptEnv": ["A", "B"]})))
    assert "usedns yes" in found
    assert not [line for line in found if line.startswith("UseDNS")]
    assert {"AcceptEnv A", "AcceptEnv B"} <= set(found)


def test_a_socket_gets_the_port_too_and_loses_it_again() -> None:
    answer = plan(facts(socket=True), wanted(port=2222))
    assert answer["files"][1]["content"].endswith("ListenStream=\nListenStream=2222\n")
    assert answer["restore"][-1] == ["systemctl", "start", "ssh.socket"]
    left = facts(socket=True, states={DROP_IN: {"kind": "missing"}, SOCKET: {"kind": "file"}})
    assert plan(left, wanted())["absent"] == [SOCKET]


RSA_2048 = {"type": "ssh-rsa", "bits": 2048}
REFUSALS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("no sshd", {"version": ""}, {}, "not installed"),
    ("no key", {"accounts": {"admin": account(keys=[])}}, {}, "authorized key"),
    ("key too small", {"accounts": {"admin": account(keys=[RSA_2048])}}, {}, "authorized key"),
    ("no shell", {"accounts": {"admin": account(shell=False)}}, {}, "authorized key"),
    ("private key", {"accounts": {"admin": account(problems=["/x holds a private key"])}}, {}, "ssh-keygen -y"),
    (
        "ignored file",
        {"accounts": {"admin": account(keys=[], problems=["/x can be written"])}},
        {},
        "/x can be written",
    ),
    (
        "missing user",
        {"accounts": {"admin": account(), "ghost": account(exists=False, keys=[])}},
        {"allow_users": ["admin", "ghost"]},
        "no user ghost",
    ),
    ("missing group", {}, {"allow_groups": ["admin", "ghosts"]}, "no group ghosts"),
    ("left out", {"accounts": {"admin": account(), "bob": account()}}, {"allow_users": ["bob"]}, "leave out admin"),
    ("group left out", {"accounts": {"admin": account()}}, {"allow_groups": ["root"]}, "nobody is let in"),
    ("root out by root", {"login": "root", "accounts": {"root": account()}}, {"permit_root_login": "no"}, "as root"),
    ("port taken", {}, {"port": 8080}, "taken by caddy"),
    ("no port", {}, {"port": 70000}, "no port"),
    ("no include", {"statements": []}, {}, "does not include"),
    (
        "earlier file",
        {
            "statements": [
                {"file": "/x", "line": 3, "keyword": "passwordauthentication", "value": "yes"},
                *facts()["statements"],
            ]
        },
        {},
        "/x:3",
    ),
    (
        "second port",
        {"statements": [*facts()["statements"], {"file": "/x", "line": 4, "keyword": "port", "value": "22"}]},
        {"port": 2222},
        "/x:4",
    ),
]


@pytest.mark.parametrize(
    ("found", "asked", "message"), [case[1:] for case in REFUSALS], ids=[case[0] for case in REFUSALS]
)
def test_what_would_lock_somebody_out_is_refused(found: dict[str, Any], asked: dict[str, Any], message: str) -> None:
    problems = plan(facts(**found), wanted(**asked))["problems"]
    assert len(problems) == 1
    assert message in problems[0]


@pytest.mark.parametrize(
    ("found", "asked"),
    [
        ({}, {}),
        ({}, {"allow_users": ["adm*"]}),
        ({}, {"allow_users": ["admin@192.0.2.*"]}),
        ({}, {"allow_groups": ["admin"]}),
        ({}, {"port": 2222}),
        ({}, {"port": 22}),
        ({"effective": {}}, {"port": 22}),
        ({"keys_command": True, "accounts": {"admin": account(keys=[])}}, {}),
    ],
)
def test_what_works_is_not_refused(found: dict[str, Any], asked: dict[str, Any]) -> None:
    assert plan(facts(**found), wanted(**asked))["problems"] == []


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("pubkeyacceptedkeytypes", "+ssh-rsa"),
        ("challengeresponseauthentication", "yes"),
        ("dsaauthentication", "no"),
    ],
)
def test_an_older_name_of_a_keyword_wins_as_well(keyword: str, value: str) -> None:
    earlier = {"file": "/etc/ssh/sshd_config.d/00-legacy.conf", "line": 1, "keyword": keyword, "value": value}
    found = plan(facts(statements=[earlier, *facts()["statements"]]), wanted())["problems"]
    assert len(found) == 1
    assert f"00-legacy.conf:1 says {keyword} {value}, which wins over ours" in found[0]
    same = {**earlier, "keyword": "challengeresponseauthentication", "value": "no"}
    assert plan(facts(statements=[same, *facts()["statements"]]), wanted())["problems"] == []
