"""The uplink's far side: sees every packet that the server sends, keeps a capture, and answers probes.

Usage: far_side.py INTERFACE MAC SUBNET CAPTURE COUNTS

A packet from the server is a leak unless it is the tunnel's, or the server's own talk with its network. Probes carry
MARK wherever they have room for it, so that a question which somebody passes on is known again.
COUNTS is a JSON file of sums: ``{"v4": n, "v6": n, "tunnel": n, "<kind>": n}``. Addresses are of documentation and
benchmark ranges.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
from pathlib import Path

MARK = b"leakprobe"
TUNNEL = ("203.0.113.10", 17, 51820)
UPLINK6 = ipaddress.ip_network("2001:db8:1::/64")
GLOBAL6 = ipaddress.ip_network("2000::/3")
ETHERTYPES = {0x0800: 4, 0x86DD: 6}
PEERS = ("198.51.100.78", "2001:db8:f::78")  # of the torrent client; nobody else talks to them
TARGET = {socket.AF_INET: "198.51.100.77", socket.AF_INET6: "2001:db8:f::77"}
NAMES = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp"}
OUTGOING = 4
KEPT: list[socket.socket] = []
LARGEST = 50_000_000  # bytes of capture


def fields(version: int, packet: bytes) -> tuple[str, int, int, bytes]:
    """Destination, protocol, destination port and the rest."""
    if version == 4:
        head = (packet[0] & 15) * 4
        destination, protocol = str(ipaddress.ip_address(packet[16:20])), packet[9]
    else:
        head, destination, protocol = 40, str(ipaddress.ip_address(packet[24:40])), packet[6]
    rest = packet[head:]
    port = struct.unpack("!H", rest[2:4])[0] if protocol in (6, 17) and len(rest) >= 4 else 0
    return destination, protocol, port, rest


def refuses_tunnel(destination: str, protocol: int, rest: bytes) -> bool:
    """Whether the server itself tells the VPN's server that its tunnel has no other end just now (ICMP 3/1, 3/3).

    It quotes a packet of the tunnel, which has come from there.
    """
    ours = (destination, protocol) == (TUNNEL[0], 1) and rest[:2] in (b"\x03\x01", b"\x03\x03")
    quoted = rest[8:]
    head = (quoted[0] & 15) * 4 if quoted else 0
    source = quoted[12:16] + quoted[head : head + 2]
    whence = ipaddress.ip_address(TUNNEL[0]).packed + struct.pack("!H", TUNNEL[2])
    return ours and quoted[9] == TUNNEL[1] and source == whence


def leak(version: int, packet: bytes, subnet: ipaddress.IPv4Network) -> tuple[str, str] | None:
    """Family and kind of a leak, or the tunnel and its kind; None for what else may be there."""
    destination, protocol, port, rest = fields(version, packet)
    address = ipaddress.ip_address(destination)
    at = rest.find(MARK)
    if version == 4:
        at_home = address in subnet or address.is_multicast or destination == "255.255.255.255"
    else:
        at_home = address in UPLINK6 or address not in GLOBAL6
    if at_home:  # the server's own talk, unless it carries a probe's question
        return None if at < 0 else (rest[at + 10 : at + 12].decode("ascii", "replace"), "passed-on")
    if (destination, protocol, port) == TUNNEL:
        return "tunnel", "udp"
    if refuses_tunnel(destination, protocol, rest):
        return None
    if destination in PEERS:
        return f"v{version}", "peer"
    return f"v{version}", "dns" if port == 53 else NAMES.get(protocol, str(protocol))


def capture(interface: str, mac: bytes, subnet: ipaddress.IPv4Network, path: Path, counts: Path) -> None:
    """Until the process is ended."""
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    link.bind((interface, 0))
    sums: dict[str, int] = {"v4": 0, "v6": 0}
    written = 0.0
    with path.open("wb") as stream:
        stream.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        while True:
            ready, _, _ = select.select([link], [], [], 0.05)
            if ready:
                frame, about = link.recvfrom(65535)
                kind = ETHERTYPES.get(struct.unpack("!H", frame[12:14])[0])
                if about[2] != OUTGOING and frame[6:12] == mac and kind:
                    now = time.time()
                    found = leak(kind, frame[14:], subnet)
                    if stream.tell() < LARGEST:
                        stamp = struct.pack("<IIII", int(now), int(now % 1 * 1e6), len(frame), len(frame))
                        stream.write(stamp + frame)
                    for key in found or ():
                        sums[key] = sums.get(key, 0) + 1
                    if found:
                        both = f"{found[0]}-{found[1]}"
                        sums[both] = sums.get(both, 0) + 1
            if time.monotonic() - written > 0.05:
                written = time.monotonic()
                stream.flush()
                new = counts.with_suffix(".new")
                new.write_text(json.dumps(sums), "ascii")
                new.replace(counts)


def echo_datagrams(family: int, port: int) -> None:
    """Send back what comes, so that flows become established."""
    with socket.socket(family, socket.SOCK_DGRAM) as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        link.bind((TARGET[family], port))
        while True:
            data, sender = link.recvfrom(2000)
            with contextlib.suppress(OSError):
                link.sendto(data, sender)


def swallow_streams(family: int, port: int) -> None:
    """Take connections, read, and keep them."""
    with socket.socket(family, socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((TARGET[family], port))
        server.listen(64)
        while True:
            one, _ = server.accept()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, and no more of it
            KEPT.append(one)
            while len(KEPT) > 60:
                KEPT.pop(0).close()


def forget(*_: object) -> None:
    """End all connections."""
    while KEPT:
        KEPT.pop().close()


def main() -> None:
    interface, mac, subnet, path, counts = sys.argv[1:]
    signal.signal(signal.SIGUSR1, forget)
    Path("/run/far_side.pid").write_text(str(os.getpid()), "ascii")
    for family in (socket.AF_INET, socket.AF_INET6):
        for target, port in ((echo_datagrams, 9999), (swallow_streams, 8081)):
            threading.Thread(target=target, args=(family, port), daemon=True).start()
    network = ipaddress.IPv4Network(subnet)
    capture(interface, bytes.fromhex(mac.replace(":", "")), network, Path(path), Path(counts))


if __name__ == "__main__":
    main()
