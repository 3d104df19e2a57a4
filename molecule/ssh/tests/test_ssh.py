"""sshd does what the role says, and lets in whom it should."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mediastack_provision.project import state_dir
from mediastack_provision.sandbox import names


def effective(host: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    with host.sudo():
        for line in host.check_output("/usr/sbin/sshd -T").splitlines():
            keyword, _, value = line.partition(" ")
            found.setdefault(keyword, []).append(value)
    return found


def reached(host: Any) -> dict[str, Any]:
    """How the sandbox server is reached, as it was written down when it was made."""
    mine = "mol-" + host.ansible.get_variables()["inventory_hostname"]
    name = names.of_checkout(mine, Path(os.environ["MOLECULE_PROJECT_DIRECTORY"]))
    found: dict[str, Any] = json.loads((state_dir() / "sandbox" / name / "connection.json").read_text())
    return found


def attempt(host: Any, *options: str, user: str = "admin") -> subprocess.CompletedProcess[str]:
    """A login from the controller with these options, over a connection of its own."""
    sandbox = reached(host)
    return subprocess.run(
        [
            "ssh", "-F", "/dev/null", "-p", str(sandbox["port"]), "-o", f"UserKnownHostsFile={sandbox['known_hosts']}",
            "-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes", "-o", "ControlPath=none",
            "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", *options, f"{user}@{sandbox['host']}", "true",
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )  # fmt: skip


def key(host: Any) -> tuple[str, str]:
    return ("-i", str(reached(host)["private_key"]))


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("passwordauthentication", "no"),
        ("kbdinteractiveauthentication", "no"),
        ("permitrootlogin", "no"),
        ("authenticationmethods", "publickey"),
        ("allowusers", "admin"),
        ("disableforwarding", "yes"),
        ("maxauthtries", "4"),
        ("logingracetime", "30"),
        ("modulifile", "/etc/ssh/moduli.mediastack"),
        ("requiredrsasize", "3072"),
    ],
)
def test_sshd_is_set_up(host: Any, keyword: str, value: str) -> None:
    assert effective(host)[keyword] == [value]


def test_only_ed25519_and_large_rsa_host_keys(host: Any) -> None:
    with host.sudo():
        shown = [host.check_output(f"ssh-keygen -lf {path}.pub").split() for path in effective(host)["hostkey"]]
    assert [(words[-1], int(words[0]) >= 3072 or words[-1] == "(ED25519)") for words in shown] == [
        ("(ED25519)", True),
        ("(RSA)", True),
    ]


def test_small_groups_are_gone_and_the_distributions_file_is_not(host: Any) -> None:
    kept = host.file("/etc/ssh/moduli.mediastack").content_string.splitlines()
    assert kept
    assert all(int(line.split()[4]) >= 3071 for line in kept)
    assert "/etc/" not in host.run("dpkg --verify openssh-server openssh-client").stdout


def test_the_key_is_accepted(host: Any) -> None:
    done = attempt(host, *key(host))
    assert done.returncode == 0, done.stderr


def test_a_password_is_not_even_asked_for(host: Any) -> None:
    done = attempt(
        host, "-o", "PubkeyAuthentication=no", "-o", "PreferredAuthentications=password,keyboard-interactive"
    )
    assert done.returncode == 255
    assert "Permission denied (publickey)" in done.stderr


def test_root_is_refused(host: Any) -> None:
    with host.sudo():
        host.check_output("install -D -m 0600 /home/admin/.ssh/authorized_keys /root/.ssh/authorized_keys")
    done = attempt(host, *key(host), user="root")
    with host.sudo():
        host.check_output("rm /root/.ssh/authorized_keys")
    assert "Permission denied" in done.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("Ciphers=aes128-cbc",),
        ("Ciphers=aes256-ctr", "MACs=hmac-sha1"),  # the other ciphers need no MAC
        ("KexAlgorithms=ecdh-sha2-nistp256",),
        ("HostKeyAlgorithms=ecdsa-sha2-nistp256",),
    ],
)
def test_weak_algorithms_find_no_match(host: Any, options: tuple[str, ...]) -> None:
    done = attempt(host, *key(host), *(word for option in options for word in ("-o", option)))
    assert "no matching" in done.stderr.lower()


def test_no_guard_is_left(host: Any) -> None:
    with host.sudo():
        assert host.run("ls -A /var/lib/mediastack/guard").stdout == ""
        assert host.run("find /etc/systemd/system -name 'mediastack-guard*'").stdout == ""
        assert host.run("systemctl list-timers --all 'mediastack-guard*' --no-legend").stdout == ""
