"""Keys, configuration and moduli are read as sshd reads them."""

from __future__ import annotations

import base64
import struct
import subprocess
from pathlib import Path

import pytest

from ansible_collections.mediastack.core.plugins.module_utils import moduli, ssh_config, ssh_host, ssh_keys


def field(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def public(kind: str, *fields: bytes) -> str:
    return f"{kind} {base64.b64encode(b''.join(map(field, (kind.encode(), *fields)))).decode()}"


ED25519 = public("ssh-ed25519", b"k" * 32)
RSA = public("ssh-rsa", b"\x01\x00\x01", b"\x00" + b"\xff" * 256)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (ED25519, [{"type": "ssh-ed25519", "bits": 0}]),
        (RSA + " somebody@here", [{"type": "ssh-rsa", "bits": 2048}]),
        (f'from="192.0.2.*",command="echo \\"a b\\"" {ED25519} x', [{"type": "ssh-ed25519", "bits": 0}]),
        ("# " + ED25519, []),
        ("", []),
        ("cert-authority " + ED25519, []),
        (ED25519[:-8], []),
        (ED25519.replace("ssh-ed25519 ", "ssh-rsa "), []),
        ("ssh-ed25519 not!base64", []),
        ("ssh-ed25519", []),
    ],
)
def test_keys(line: str, expected: list[dict[str, object]]) -> None:
    assert ssh_keys.parse(line) == expected


@pytest.mark.parametrize("kind", ["OPENSSH ", "RSA ", "EC ", ""])
def test_a_private_key_is_noticed(kind: str) -> None:
    assert ssh_keys.holds_private_key(f"{ED25519}\n-----BEGIN {kind}PRIVATE KEY-----\nb3Bl\n")
    assert not ssh_keys.holds_private_key(ED25519)


def test_statements_come_in_order_and_end_at_a_match(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/10.conf").write_text("Port=23 # other\nMatch User x\n  X11Forwarding yes\n")
    own = str(tmp_path / "d/60.conf")
    main = tmp_path / "sshd_config"
    main.write_text(f"# first\nInclude {tmp_path}/d/*.conf\nUsePAM yes\nMatch all\nUsePAM no\n")
    found = [(item["file"], item["keyword"], item["value"]) for item in ssh_config.statements(str(main), own)]
    assert found == [
        (str(main), "", ""),
        (str(tmp_path / "d/10.conf"), "", ""),
        (str(tmp_path / "d/10.conf"), "port", "23"),
        (own, "", ""),
        (str(main), "usepam", "yes"),
    ]


def test_an_include_of_itself_ends(tmp_path: Path) -> None:
    main = tmp_path / "sshd_config"
    main.write_text(f"Include {main}\nPort 22\n")
    assert len(ssh_config.statements(str(main), "/x")) < 100


def test_versions_and_effective_values() -> None:
    assert ssh_config.parse_version("OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.20") == "9.2"
    assert ssh_config.parse_version("dropbear") == ""
    assert ssh_config.parse_effective("port 22\nport 23\nbanner none\n") == {"port": ["22", "23"], "banner": ["none"]}


def test_only_large_groups_are_kept() -> None:
    small, large = "20220714110358 2 6 100 2047 5 E9", "20220714110358 2 6 100 3071 5 E9"
    assert moduli.strong(f"# Time Type\n{small}\n{large}\n", 3072) == large + "\n"


def test_a_file_that_others_write_is_ignored(tmp_path: Path) -> None:
    file = tmp_path / "authorized_keys"
    file.write_text(ED25519)
    assert not ssh_host.ignored(file, tmp_path, tmp_path.stat().st_uid)
    file.chmod(0o664)
    assert "others" in ssh_host.ignored(file, tmp_path, tmp_path.stat().st_uid)


def test_a_host_key_counts_without_its_public_half_too(tmp_path: Path) -> None:
    """sshd offers it all the same; taken for missing, it would arm the guard at every run."""
    for name in ("ssh_host_ed25519_key", "ssh_host_other_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True)
    (tmp_path / "ssh_host_other_key.pub").unlink()
    (tmp_path / "ssh_host_broken_key").write_text("no key")
    (tmp_path / "ssh_host_alone_key.pub").write_text((tmp_path / "ssh_host_ed25519_key.pub").read_text())
    names = ["ssh_host_ed25519_key", "ssh_host_other_key"]
    expected = [{"path": str(tmp_path / name), "type": "ssh-ed25519", "bits": 0} for name in names]
    assert ssh_host.host_keys(str(tmp_path)) == expected
