"""Only declared ports listen, on declared addresses.

Ours is: what our containers publish (as Docker says), what Docker's proxy processes carry to an address of
our containers, and what a process of our containers listens on in the host's own network namespace. The
kernel's tables are read for the last two, so that a stale proxy or an application that opens a port by itself
is seen. Whatever else listens on the host is not ours, and only counted.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import Context, Failed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ansible_collections.mediastack.core.plugins.module_utils.checks.engine import Container
    from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import Check

PROC = "/proc"
LISTEN = "0A"
UNCONNECTED = "07"
EPHEMERAL = 32768  # the lower end of Linux's default range for ports that a client gets
ANY = "*"
PROXY = "docker-proxy"


class Port(NamedTuple):
    """A port that listens on the host; both wildcard addresses (v4, v6) are `*`."""

    protocol: str
    address: str
    number: int

    def __str__(self) -> str:
        """In the form that people know: 127.0.0.1:8080/tcp."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{address}:{self.number}/{self.protocol}"


def ports(check: Check, context: Context) -> str:
    """What listens for our containers is exactly what is declared."""
    names = set(check["containers"])
    ours = [c for c in context.docker.containers.values() if c.name in names or c.managed]
    declared = {
        Port(port["protocol"], plain(port["address"]), int(port["port"])): port["instance"]
        for port in check["declared"]
    }
    listening, foreign = listeners(ours)
    actual = {**listening, **published(ours)}
    problems = [f"{port} answers for {owner}, not declared" for port, owner in _missing(actual, declared)]
    problems += [f"{port} is silent, declared for {owner}" for port, owner in _missing(declared, actual)]
    if problems:
        raise Failed("; ".join(problems))
    shown = ", ".join(str(port) for port in sorted(declared)) or "none declared, none open"
    return f"{shown} ({foreign} ports of other programs are not ours)" if foreign else shown


def _missing(left: Mapping[Port, str], right: Mapping[Port, str]) -> list[tuple[Port, str]]:
    return [(port, left[port]) for port in sorted(left) if port not in right]


def plain(address: str) -> str:
    """One spelling for an address; the wildcard of either family is `*`, and v4 inside v6 is v4."""
    parsed = ipaddress.ip_address(address.strip("[]") or "::")
    mapped = getattr(parsed, "ipv4_mapped", None)
    parsed = mapped or parsed
    return ANY if parsed.is_unspecified else str(parsed)


def published(ours: Iterable[Container]) -> dict[Port, str]:
    """What our running containers publish, with the container's name."""
    return {Port(p, plain(a), n): c.name for c in ours if c.state == "running" for p, a, n in c.published}


def listeners(ours: Iterable[Container]) -> tuple[dict[Port, str], int]:
    """What listens on the host for our containers, with their names; and how many ports are others'."""
    containers = list(ours)
    sockets = listening_sockets()
    owners = _owners(set(sockets.values()))
    found: dict[Port, str] = {}
    foreign = set()
    for port, inode in sockets.items():
        names = [_container_of(pid, containers) for pid in owners.get(inode, ())]
        name = next((name for name in names if name), None)
        if name is None:
            foreign.add(port)
        elif not _is_client(port):
            found[port] = name
    return found, len(foreign)


def _is_client(port: Port) -> bool:
    # An unconnected UDP socket on such a port is a question that waits for its answer, a DNS query for
    # instance.
    return port.protocol == "udp" and port.number >= EPHEMERAL


def listening_sockets() -> dict[Port, int]:
    """Every listening port in the host's network namespace, with the inode of its socket."""
    found: dict[Port, int] = {}
    for table in ("tcp", "tcp6", "udp", "udp6"):
        try:
            lines = Path(PROC, "1", "net", table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue  # a kernel without IPv6 has no table for it
        protocol = table[:3]
        for line in lines:
            local, state, inode = line.split()[1], line.split()[3], line.split()[9]
            if state == (LISTEN if protocol == "tcp" else UNCONNECTED):
                address, _, number = local.partition(":")
                found[Port(protocol, _address(address), int(number, 16))] = int(inode)
    return found


def _address(text: str) -> str:
    # The kernel prints 32-bit words in the byte order of the machine.
    words = [int(text[i : i + 8], 16) for i in range(0, len(text), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    return plain(socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, packed))


def _owners(inodes: set[int]) -> dict[int, list[int]]:
    """The processes that hold a socket, by the socket's inode."""
    owners: dict[int, list[int]] = {}
    for pid in (int(name) for name in os.listdir(PROC) if name.isdigit()):  # noqa: PTH208 - names are enough
        for inode in _socket_inodes(pid) & inodes:
            owners.setdefault(inode, []).append(pid)
    return owners


def _socket_inodes(pid: int) -> set[int]:
    directory = f"{PROC}/{pid}/fd"
    found: set[int] = set()
    try:
        names = os.listdir(directory)  # noqa: PTH208 - names are enough
    except OSError:
        return found  # the process ended while we looked
    for name in names:
        with contextlib.suppress(OSError):  # this file was closed since; the others still count
            target = os.readlink(f"{directory}/{name}")  # noqa: PTH115 - called thousands of times
            if target.startswith("socket:["):
                found.add(int(target[8:-1]))
    return found


def _container_of(pid: int, containers: Iterable[Container]) -> str | None:
    """The name of our container that a process belongs to or, for Docker's proxy, works for."""
    try:
        groups = Path(PROC, str(pid), "cgroup").read_text(encoding="utf-8")
        command = Path(PROC, str(pid), "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return None
    if os.path.basename(command[0]) == PROXY:  # noqa: PTH119 - a text, not a path of ours
        target = command[command.index("-container-ip") + 1] if "-container-ip" in command else ""
        return next((c.name for c in containers if target in c.addresses), None)
    return next((c.name for c in containers if c.id in groups or c.pid == pid), None)
