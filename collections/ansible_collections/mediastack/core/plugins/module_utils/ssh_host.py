"""Reads what a server's sshd is, who may come in, and what stands in the way. Changes nothing."""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils import (
    guard,
    host_net,
    host_system,
    pam,
    ssh_config,
    ssh_keys,
    systemd,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

KEYGEN = "/usr/bin/ssh-keygen"
SSHD = "/usr/sbin/sshd"
CONFIG = "/etc/ssh/sshd_config"
DROP_IN = "/etc/ssh/sshd_config.d/01-mediastack.conf"
QUERIES = ("kex", "cipher", "mac", "sig")
DEFAULT_KEY_FILES = [".ssh/authorized_keys .ssh/authorized_keys2"]
NO_SHELLS = ("nologin", "false")
PAM = "/etc/pam.d/sshd"
TOTP_PROGRAM = "pam_google_authenticator.so"
TOTP_SECRET = re.compile(r"[A-Z2-7]{16,}=*\n")
TOTP_MODES = (0o400, 0o600)
OTHERS_WRITE = 0o022
SECONDS = 15


def output(*argv: str) -> str:
    """What a program prints, on both channels; empty when it fails."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout + done.stderr if done.returncode == 0 else ""


def login() -> str:
    """Who is connected, behind sudo."""
    return os.environ.get("SUDO_USER") or host_system.name_of("user", os.getuid())


def host_keys(folder: str = "/etc/ssh") -> list[dict[str, Any]]:
    """``{path, type, bits}`` of every host key that is there with its private half; sshd does without the other."""
    found = []
    for private in sorted(Path(folder).glob("*_key")):
        public = host_system.read(f"{private}.pub") or output(KEYGEN, "-y", "-P", "", "-f", str(private))
        keys = ssh_keys.parse(public)
        if keys and private.is_file():
            found.append({"path": str(private), **keys[0]})
    return found


def ignored(path: Path, home: Path, uid: int) -> str:
    """Why sshd ignores a file of keys (StrictModes), or nothing."""
    for item in (path, *path.parents):
        try:
            found = item.stat()
        except OSError as error:
            return str(error)
        if found.st_uid not in (0, uid) or found.st_mode & OTHERS_WRITE:
            return f"{item} can be written by others, so sshd ignores it"
        if item == home:
            break
    return ""


def account(name: str, key_files: list[str]) -> dict[str, Any]:
    """``{exists, groups, shell, keys: [{type, bits}], problems: [str], totp, methods}``.

    `totp` is whether there is a secret for codes, `methods` what sshd asks of them now.
    """
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return {"exists": False, "groups": [], "shell": False, "keys": [], "problems": [], "totp": False, "methods": []}
    keys: list[dict[str, Any]] = []
    problems: list[str] = []
    for pattern in key_files:
        expanded = pattern.replace("%h", entry.pw_dir).replace("%u", name).replace("%%", "%")
        path = Path(entry.pw_dir, expanded)
        text = host_system.read(str(path))
        if not text:
            continue
        if ssh_keys.holds_private_key(text):
            problems.append(f"{path} holds a private key")
        reason = ignored(path, Path(entry.pw_dir), entry.pw_uid)
        problems += [reason] if reason else []
        keys += [] if reason else ssh_keys.parse(text)
    groups = {grp.getgrgid(gid).gr_name for gid in os.getgrouplist(name, entry.pw_gid) if _known(gid)}
    shell = Path(entry.pw_shell).name not in NO_SHELLS
    return {
        "exists": True,
        "groups": sorted(groups),
        "shell": shell,
        "keys": keys,
        "problems": problems,
        "totp": has_secret(Path(entry.pw_dir, ".google_authenticator"), entry.pw_uid),
        "methods": methods(name),
    }


def methods(name: str) -> list[str]:
    """What sshd asks of a user now, by all blocks of its configuration."""
    answer = output(SSHD, "-T", "-C", f"user={name},host=localhost,addr=127.0.0.1")
    return ssh_config.parse_effective(answer).get("authenticationmethods", [])


def has_secret(path: Path, uid: int) -> bool:
    """Whether a user's secret is one that pam_google_authenticator takes."""
    try:
        found = path.lstat()
    except OSError:
        return False
    safe = stat.S_ISREG(found.st_mode) and found.st_uid == uid and stat.S_IMODE(found.st_mode) in TOTP_MODES
    return safe and bool(TOTP_SECRET.match(host_system.read(str(path))))


def _known(gid: int) -> bool:
    try:
        grp.getgrgid(gid)
    except KeyError:
        return False
    return True


def gather(users: Iterable[str], files: Iterable[str], *, moduli: bool) -> dict[str, Any]:
    """Everything, in the shape of the documentation's sample."""
    effective = ssh_config.parse_effective(output(SSHD, "-T"))
    key_files = " ".join(effective.get("authorizedkeysfile") or DEFAULT_KEY_FILES).split()
    who = login()
    return {
        "version": ssh_config.parse_version(output("ssh", "-V")) if Path(SSHD).exists() else "",
        "supported": {query: output("ssh", "-Q", query).split() for query in QUERIES},
        "effective": effective,
        "statements": ssh_config.statements(CONFIG, DROP_IN),
        "host_keys": host_keys(),
        "login": who,
        "keys_command": effective.get("authorizedkeyscommand", ["none"]) != ["none"],
        "accounts": {name: account(name, key_files) for name in dict.fromkeys([who, *users])},
        "groups": [entry.gr_name for entry in grp.getgrall()],
        "socket": systemd.is_active("ssh.socket"),
        "listening": [
            {"port": item["port"], "process": item["process"]}
            for item in host_net.listening(set(), [])
            if item["protocol"] == "tcp"
        ],
        "pam": host_system.read(PAM),
        "totp_program": TOTP_PROGRAM in pam.modules(),
        "states": {path: host_system.describe_state(path) for path in files},
        "moduli": moduli,
        "guarded": Path(guard.DIRECTORY, "ssh", "state.json").exists(),
    }
