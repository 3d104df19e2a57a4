"""The SSH session that a module was started in, also behind sudo, which clears the environment."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path

PARENTS = 12  # processes between a module and the sshd that it came in by
WORDS = 4


def session() -> tuple[str, int] | None:
    """The client's address and the server's port; None when this process belongs to no SSH session."""
    pid = os.getpid()
    for _ in range(PARENTS):
        try:
            found = parse(Path(f"/proc/{pid}/environ").read_bytes())
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        pid = parent_of(status)
        if found or pid <= 1:
            return found
    return None


def client() -> str | None:
    """Where the run comes from; None when that is not by SSH."""
    found = session()
    return found[0] if found else None


def parse(environment: bytes) -> tuple[str, int] | None:
    """What SSH_CONNECTION says in the environment of a process (ssh(1)): IPv4 as such, IPv6 without its zone."""
    for entry in environment.split(b"\0"):
        name, _, value = entry.partition(b"=")
        words = value.decode("ascii", "replace").split()
        if name != b"SSH_CONNECTION" or len(words) != WORDS or not words[3].isdigit():
            continue
        try:
            address = ip_address(words[0].partition("%")[0])
        except ValueError:
            continue
        return str(getattr(address, "ipv4_mapped", None) or address), int(words[3])
    return None


def parent_of(status: str) -> int:
    """The parent's number in /proc/PID/status; 0 where it does not say."""
    numbers = [line.split()[1] for line in status.splitlines() if line.startswith("PPid:")]
    return int(numbers[0]) if numbers else 0
