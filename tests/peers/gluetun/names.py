"""Names inside the namespace: 127.0.0.1 answers, asks through the tunnel, and leaves only bare names to the engine."""

from __future__ import annotations

import socket
import socketserver
import struct
from pathlib import Path

from peers.framework import journal

RESOLV = Path("/etc/resolv.conf")
ENGINE = "127.0.0.11"  # where Docker answers inside a container
SECONDS = 3.0
SERVFAIL = 2


def question(packet: bytes) -> str:
    """The name asked for, in lower case; empty when the packet is none."""
    labels: list[str] = []
    offset = 12
    while offset < len(packet):
        length = packet[offset]
        if length == 0:
            return ".".join(labels).lower()
        if length > 63:
            return ""
        labels.append(packet[offset + 1 : offset + 1 + length].decode("latin-1"))
        offset += length + 1
    return ""


def refusal(packet: bytes) -> bytes:
    """A SERVFAIL for a question."""
    flags = struct.unpack("!H", packet[2:4])[0]
    return packet[:2] + struct.pack("!H", (flags | 0x8080) & 0xFFF0 | SERVFAIL) + packet[4:]


def ask(packet: bytes, server: tuple[str, int]) -> bytes:
    """One question over UDP."""
    with socket.socket(socket.AF_INET6 if ":" in server[0] else socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(SECONDS)
        link.connect(server)
        link.send(packet)
        return link.recv(65535)


class Names:
    """Where questions go."""

    def __init__(self, upstream: tuple[str, int], local: str | None) -> None:
        """`upstream` is reached through the tunnel; `local` is the engine's resolver on loopback."""
        self._upstream, self._local = upstream, local

    def answer(self, packet: bytes) -> bytes:
        """Bare names belong to the engine; nothing else ever leaves by that way."""
        if len(packet) < 12:
            return b""
        name = question(packet)
        server = (self._local, 53) if self._local and name and "." not in name else self._upstream
        try:
            return ask(packet, server)
        except OSError:
            return refusal(packet)


def start(names: Names) -> list[socketserver.BaseServer]:
    """Serve UDP and TCP on 127.0.0.1:53."""

    class Datagram(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            packet, link = self.request
            link.sendto(names.answer(packet), self.client_address)

    class Stream(socketserver.StreamRequestHandler):
        timeout = SECONDS

        def handle(self) -> None:
            head = self.rfile.read(2)
            if len(head) == 2:
                reply = names.answer(self.rfile.read(struct.unpack("!H", head)[0]))
                self.wfile.write(struct.pack("!H", len(reply)) + reply)

    socketserver.ThreadingUDPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    servers: list[socketserver.BaseServer] = [
        socketserver.ThreadingUDPServer(("127.0.0.1", 53), Datagram),
        socketserver.ThreadingTCPServer(("127.0.0.1", 53), Stream),
    ]
    for server in servers:
        server.daemon_threads = True  # type: ignore[attr-defined]
    return servers


def pin() -> str | None:
    """Point resolv.conf at us, in place because engines mount it; return the engine's loopback resolver."""
    text = RESOLV.read_text("utf-8")
    found = [line.split()[1] for line in text.splitlines() if line.startswith("nameserver ")]
    RESOLV.write_text("nameserver 127.0.0.1\n", "utf-8")
    journal.say("INFO [dns] ready, resolv.conf points at 127.0.0.1")
    if found == ["127.0.0.1"]:  # a restarted container keeps the file that we changed
        return ENGINE
    return next((server for server in found if server == ENGINE), None)
