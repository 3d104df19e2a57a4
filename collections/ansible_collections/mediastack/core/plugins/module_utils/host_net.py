"""What listens, and which addresses this machine has. Reads /proc; `ip` where it is installed."""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import json
import os
import socket
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import run_command

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LISTEN = "0A"
UDP_UNCONNECTED = "07"
TABLE_FIELDS = 10
SIOCGIFADDR, SIOCGIFNETMASK = 0x8915, 0x891B


def parse_sockets(text: str, protocol: str) -> list[dict[str, Any]]:
    """Listening sockets of one /proc/net table: ``{protocol, address, port, inode}``."""
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        wanted = LISTEN if protocol == "tcp" else UDP_UNCONNECTED
        if len(fields) < TABLE_FIELDS or fields[3] != wanted:
            continue
        if protocol == "udp" and fields[2].rpartition(":")[2] != "0000":
            continue
        address, _, port = fields[1].partition(":")
        found.append(
            {
                "protocol": protocol,
                "address": parse_address(address),
                "port": int(port, 16),
                "inode": int(fields[9]),
            }
        )
    return found


def parse_address(text: str) -> str:
    """An address as /proc/net writes it: hexadecimal words in the machine's byte order."""
    raw = bytes.fromhex(text)
    if sys.byteorder == "little":
        raw = b"".join(raw[index : index + 4][::-1] for index in range(0, len(raw), 4))
    return str(ipaddress.ip_address(raw))


def sockets() -> list[dict[str, Any]]:
    """All listening sockets of this network namespace."""
    found = []
    for name in ("tcp", "tcp6", "udp", "udp6"):
        try:
            text = Path("/proc/net", name).read_text(encoding="ascii")
        except OSError:
            continue
        found += parse_sockets(text, name[:3])
    return found


def owners(inodes: Iterable[int]) -> dict[int, int]:
    """The process that holds each socket; only root sees those of others."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[int, int] = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            for inode in _sockets_of(f"{process}/fd", wanted):
                found[inode] = min(int(process.name), found.get(inode, sys.maxsize))
    return found


def _sockets_of(folder: str, wanted: Mapping[str, int]) -> list[int]:
    found = []
    try:
        names = os.listdir(folder)  # noqa: PTH208 - thousands of them
    except OSError:
        return []
    for name in names:
        with contextlib.suppress(OSError):  # closed since
            inode = wanted.get(os.readlink(f"{folder}/{name}"))  # noqa: PTH115 - likewise
            found += [] if inode is None else [inode]
    return found


def listening(our_addresses: set[str], our_ids: Sequence[str]) -> list[dict[str, Any]]:
    """``{protocol, address, port, pid, process, ours}`` of every listening socket, in order of port."""
    table = sockets()
    holders = owners(item["inode"] for item in table)
    seen: dict[tuple[Any, ...], dict[str, Any]] = {}
    verdicts: dict[int | None, tuple[str, bool]] = {None: ("", False)}
    for item in table:
        pid = holders.get(item["inode"])
        if pid not in verdicts and pid is not None:
            verdicts[pid] = process_of(pid, our_addresses, our_ids)
        name, ours = verdicts[pid]
        entry = {key: item[key] for key in ("protocol", "address", "port")}
        seen.setdefault(tuple(entry.values()), {**entry, "pid": pid, "process": name, "ours": ours})
    return sorted(seen.values(), key=lambda item: (item["port"], item["protocol"], item["address"]))


def process_of(pid: int, our_addresses: set[str], our_ids: Sequence[str]) -> tuple[str, bool]:
    """Name of a process, and whether it publishes a port of a container of ours or runs inside one."""
    base = Path("/proc", str(pid))
    try:
        name = (base / "comm").read_text(encoding="utf-8", errors="replace").strip()
        words = (base / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        group = (base / "cgroup").read_text(encoding="ascii", errors="replace")
    except OSError:
        return "", False
    if Path(words[0]).name == "docker-proxy":
        return "docker-proxy", proxied_address(words) in our_addresses
    return name, any(identity in group for identity in our_ids)


def proxied_address(words: Sequence[str]) -> str:
    """The container's address in a docker-proxy's command line."""
    for index, word in enumerate(words[:-1]):
        if word.lstrip("-") == "container-ip":
            return words[index + 1]
    return ""


def addresses() -> list[dict[str, Any]]:
    """``{interface, address, prefix}`` of every address of this machine."""
    shown = run_command(["ip", "-j", "address", "show"], 5.0)
    if shown.code == 0:
        try:
            return parse_ip(json.loads(shown.out))
        except (ValueError, KeyError, TypeError):
            pass
    return _addresses_without_ip()


def parse_ip(links: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same from `ip -j address`."""
    return [
        {"interface": link["ifname"], "address": item["local"], "prefix": int(item["prefixlen"])}
        for link in links
        for item in link.get("addr_info") or []
        if "local" in item
    ]


def _addresses_without_ip() -> list[dict[str, Any]]:
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            try:
                address = fcntl.ioctl(probe, SIOCGIFADDR, request)[20:24]
                mask = fcntl.ioctl(probe, SIOCGIFNETMASK, request)[20:24]
            except OSError:
                continue
            bits = ipaddress.ip_network(f"0.0.0.0/{socket.inet_ntoa(mask)}").prefixlen
            found.append({"interface": name, "address": socket.inet_ntoa(address), "prefix": bits})
    try:
        text = Path("/proc/net/if_inet6").read_text(encoding="ascii")
    except OSError:
        return found
    for line in text.splitlines():
        address6, _, prefix, _, _, name = line.split()
        text6 = str(ipaddress.IPv6Address(bytes.fromhex(address6)))
        found.append({"interface": name, "address": text6, "prefix": int(prefix, 16)})
    return found
