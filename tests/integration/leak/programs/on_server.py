"""On the server: traffic from inside the gateway's namespace, and surroundings in which it could get out.

Usage: on_server.py generator   follows the gateway into whatever namespace it has, and sends from there
       on_server.py host INTERFACE  sends from the server itself: where routes lead, and by this interface
       on_server.py surroundings UPSTREAM   IPv6 on our bridges, and a forwarder of names on every address

Twelve rounds a second, each with UDP, TCP, ICMP and DNS, over IPv4 and IPv6. Addresses are of documentation ranges.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

GATEWAY = "gluetun"
TARGET = {4: "198.51.100.77", 6: "2001:db8:f::77"}
RESOLVER = {4: "198.51.100.53", 6: "2001:db8:f::53"}
ENDPOINT = "203.0.113.10"
ENGINE = "127.0.0.11"
BRIDGES = {"ms-eg-gluetun": "2001:db8:e", "ms-apps": "2001:db8:a"}
ROUNDS = 12  # a second
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
STICKY = 8
PKTINFO = 8  # IP_PKTINFO, which Python has no name for
LIBC = ctypes.CDLL(None, use_errno=True)


def run(*argv: str) -> str:
    try:
        return subprocess.run(argv, capture_output=True, text=True, timeout=5, check=False).stdout
    except subprocess.SubprocessError:
        return ""


def question(family: int) -> bytes:
    """A question for a name with the mark in it."""
    labels = [f"leakprobe-v{family}".encode(), b"example"]
    name = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return os.urandom(2) + b"\x01\x00\x00\x01\0\0\0\0\0\0" + name + b"\0\x01\0\x01"


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def ping(family: int, number: int) -> bytes:
    """An echo request; the kernel fills in ICMPv6's checksum."""
    body = b"leakprobe-v%d." % family
    body += b"." * (len(body) % 2)
    kind = 8 if family == 4 else 128
    head = struct.pack("!BBHHH", kind, 0, 0, 4711, number & 0xFFFF)
    return struct.pack("!BBHHH", kind, 0, checksum(head + body), 4711, number & 0xFFFF) + body


def forwarders() -> dict[int, list[str]]:
    """Where the host could be asked for names: the other end of each of the gateway's networks."""
    found: dict[int, list[str]] = {4: [], 6: []}
    for link in json.loads(run("ip", "-j", "address") or "[]"):
        for info in link["addr_info"]:
            if info["family"] == "inet" and info["local"].startswith("198.18.2"):
                found[4].append(info["local"].rpartition(".")[0] + ".1")
    found[6] = [f"{prefix}::1" for prefix in BRIDGES.values()]
    return found


def open_ipv6() -> None:
    """Give the namespace what Docker does not: IPv6 on both networks, and a default route."""
    for path in Path("/proc/sys/net/ipv6/conf").glob("*/disable_ipv6"):
        with contextlib.suppress(OSError):
            path.write_text("0")
    for link in json.loads(run("ip", "-j", "address") or "[]"):
        for info in link["addr_info"]:
            if info["family"] == "inet" and info["local"].startswith("198.18.2"):
                prefix = BRIDGES["ms-apps" if info["local"].startswith("198.18.208.") else "ms-eg-gluetun"]
                run("ip", "-6", "address", "replace", f"{prefix}::2/64", "dev", link["ifname"], "nodad")
    if not run("ip", "-6", "route", "show", "default"):
        run("ip", "-6", "route", "replace", "default", "via", f"{BRIDGES['ms-eg-gluetun']}::1")


class Generator:
    """What sends, from one namespace; by `device`, if one is named, whatever the routes are."""

    def __init__(self, device: str = "", asked: dict[int, list[str]] | None = None) -> None:
        self.device = device.encode()
        self.datagrams, self.raw = {}, {}
        self.streams: list[socket.socket] = []
        self.sticky: list[socket.socket] = []
        self.lasting: dict[int, socket.socket] = {}
        self.asked = forwarders() if asked is None else asked
        self.number = 0
        for version, family in FAMILIES.items():
            link = self.open(family, socket.SOCK_DGRAM)
            link.bind(("::" if version == 6 else "0.0.0.0", 40000 + version + 10 * bool(device)))
            link.setblocking(False)
            self.datagrams[version] = link
            protocol = socket.IPPROTO_ICMP if version == 4 else socket.IPPROTO_ICMPV6
            self.raw[version] = self.open(family, socket.SOCK_RAW, protocol)

    def open(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        one = socket.socket(family, kind, protocol)
        if self.device:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self.device)
        return one

    def close(self) -> None:
        for one in [*self.datagrams.values(), *self.raw.values(), *self.streams, *self.sticky, *self.lasting.values()]:
            one.close()

    def round(self) -> None:
        """One of everything."""
        self.number += 1
        for version in FAMILIES:
            for step in (self._datagrams, self._ping, self._connect, self._stick, self._last):
                with contextlib.suppress(OSError):
                    step(version)

    def _datagrams(self, version: int) -> None:
        link, body = self.datagrams[version], f"leakprobe-v{version}".encode()
        goals = [(TARGET[version], 9999, body), (RESOLVER[version], 53, question(version))]
        goals += [(address, 53, question(version)) for address in self.asked[version]]
        goals += [(ENDPOINT, 53, question(4)), (ENGINE, 53, question(4))] if version == 4 else []
        for address, port, data in goals:
            with contextlib.suppress(OSError):
                link.sendto(data, (address, port))

    def _ping(self, version: int) -> None:
        self.raw[version].sendto(ping(version, self.number), (TARGET[version], 0))

    def _connect(self, version: int) -> None:
        one = self.open(FAMILIES[version], socket.SOCK_STREAM)
        one.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            one.connect((TARGET[version], 8081))
        self.streams.append(one)
        while len(self.streams) > 12:
            self.streams.pop(0).close()

    def _stick(self, version: int) -> None:
        """Sockets that keep the address which they were opened with, as applications' do."""
        if self.number % 6 == 0:
            one = self.open(FAMILIES[version], socket.SOCK_DGRAM)
            one.setblocking(False)
            self.sticky.append(one)
            one.connect((TARGET[version], 9999))
        while len(self.sticky) > STICKY:
            self.sticky.pop(0).close()
        for one in self.sticky:
            with contextlib.suppress(OSError):
                one.send(b"leakprobe-v%d" % (6 if one.family == socket.AF_INET6 else 4))

    def _last(self, version: int) -> None:
        """One connection that goes on sending as long as it lives."""
        one = self.lasting.get(version)
        if one is None:
            one = self.lasting[version] = self.open(FAMILIES[version], socket.SOCK_STREAM)
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                one.connect((TARGET[version], 8081))
            return
        try:
            one.send(b"leakprobe-v%d" % version)
        except BlockingIOError:
            return
        except OSError:
            del self.lasting[version]
            one.close()


def enter(path: str) -> None:
    """Change this process's network namespace."""
    with open(path, "rb") as stream:  # noqa: PTH123  a descriptor is wanted
        if LIBC.setns(stream.fileno(), 0x40000000):
            raise OSError(ctypes.get_errno(), path)


def generate() -> None:
    """For ever: find the gateway, go into its namespace, send."""
    inside, generator = "", None
    while True:
        if generator is None or not gateway_there(inside):
            path = find_gateway()
            if path and str(Path(path).readlink()) != inside:
                if generator:
                    generator.close()
                try:
                    inside = str(Path(path).readlink())
                    enter(path)
                    open_ipv6()
                    generator = Generator()
                except OSError as error:
                    print(error, flush=True)
                    inside, generator = "", None
        if generator:
            if generator.number % 6 == 0:
                open_ipv6()  # a link that goes down takes its routes with it
            generator.round()
        time.sleep(1 / ROUNDS)


def generate_here(device: str) -> None:
    """For ever, from the server itself: what obeys the routes, and what does not."""
    forwarder = {4: ["127.0.0.1"], 6: ["::1"]}
    senders = [Generator(asked=forwarder), Generator(device, {4: [], 6: []})]
    while True:
        for one in senders:
            one.round()
        time.sleep(1 / ROUNDS)


PID = {"now": 0, "asked": 0.0}


def gateway_there(inside: str) -> bool:
    """Whether the gateway's process still is in the namespace."""
    try:
        return str(Path(f"/proc/{PID['now']}/ns/net").readlink()) == inside
    except OSError:
        return False


def find_gateway() -> str:
    """The namespace of the running gateway, found without asking the engine, which may be down."""
    if time.monotonic() - PID["asked"] < 0.2:
        return ""
    PID["asked"] = time.monotonic()
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes().split(b"\0")
                if b"peers.gluetun.main" in words and b"healthcheck" not in words:
                    PID["now"] = int(process.name)
                    return f"/proc/{process.name}/ns/net"
    return ""


def surround(upstream: str) -> None:
    """IPv6 on the bridges whenever they are there, and a forwarder of names."""
    links: dict[socket.socket, None] = {}
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        one = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET:
            one.setsockopt(socket.IPPROTO_IP, PKTINFO, 1)
        one.bind((address, 53))
        links[one] = None
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    waiting: dict[bytes, tuple[socket.socket, object, list[tuple[int, int, bytes]]]] = {}
    last = 0.0
    while True:
        ready, _, _ = select.select([*links, out], [], [], 0.2)
        for one in ready:
            with contextlib.suppress(OSError):
                data, about, _, sender = one.recvmsg(2000, 100)
                if one is out:
                    back = waiting.pop(data[:2], None)
                    if back:
                        back[0].sendmsg([data], back[2], 0, back[1])
                else:
                    waiting = dict([*waiting.items()][-200:])
                    waiting[data[:2]] = (one, sender, answered_from(about))
                    out.sendto(data, (upstream, 53))
        if time.monotonic() - last > 0.3:
            last = time.monotonic()
            keep_ipv6()


def answered_from(about: list[tuple[int, int, bytes]]) -> list[tuple[int, int, bytes]]:
    """What makes an answer come from the address that was asked (ip(7), IP_PKTINFO)."""
    return [(level, kind, struct.pack("@I4s4s", 0, data[8:12], data[8:12])) for level, kind, data in about]


def keep_ipv6() -> None:
    """Addresses on the bridges, and on the uplink."""
    for name, prefix in BRIDGES.items():
        if Path("/sys/class/net", name).exists() and prefix not in _addresses(name):
            with contextlib.suppress(OSError):
                Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("0")
            run("ip", "-6", "address", "replace", f"{prefix}::1/64", "dev", name, "nodad")
    if "2001:db8:1:" not in _addresses("eth0"):
        for path in ("all/disable_ipv6", "eth0/disable_ipv6", "default/disable_ipv6"):
            Path("/proc/sys/net/ipv6/conf", path).write_text("0")
        Path("/proc/sys/net/ipv6/conf/all/forwarding").write_text("1")
        run("ip", "-6", "address", "replace", "2001:db8:1::10/64", "dev", "eth0", "nodad")
        run("ip", "-6", "route", "replace", "default", "via", "2001:db8:1::2")


def _addresses(name: str) -> str:
    return run("ip", "-6", "-o", "address", "show", "dev", name)


if __name__ == "__main__":
    if sys.argv[1] == "generator":
        generate()
    if sys.argv[1] == "host":
        generate_here(sys.argv[2])
    surround(sys.argv[2])
