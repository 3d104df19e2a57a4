"""The HTTP proxy on port 8888: CONNECT and plain requests, out through the tunnel like all else."""

from __future__ import annotations

import base64
import contextlib
import select
import socket
import socketserver
import urllib.parse

LIMIT = 65536
IDLE_SECONDS = 120.0
CONNECT_SECONDS = 10.0


class Proxy(socketserver.StreamRequestHandler):
    """One client connection, one request."""

    timeout = 30
    credentials = ""

    def handle(self) -> None:
        """Read the head, check who asks, connect, copy both ways."""
        head = self._head()
        if not head:
            return
        line, *rest = head.split(b"\r\n")
        words = line.split(b" ")
        if len(words) != 3:
            self._refuse("400 Bad Request")
            return
        names = {
            entry.split(b":", 1)[0].strip().lower(): entry.split(b":", 1)[1].strip() for entry in rest if b":" in entry
        }
        if self.credentials and names.get(b"proxy-authorization", b"").decode("latin-1") != self.credentials:
            self._refuse("407 Proxy Authentication Required", 'Proxy-Authenticate: Basic realm="proxy"\r\n')
            return
        method, target = words[0], words[1].decode("latin-1")
        try:
            if method == b"CONNECT":
                self._tunnel(target)
            else:
                self._forward(method, target, rest)
        except (OSError, ValueError):
            with contextlib.suppress(OSError):
                self._refuse("503 Service Unavailable")

    def _head(self) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data and len(data) < LIMIT:
            try:
                line = self.rfile.readline(LIMIT)
            except OSError:
                return b""
            if not line:
                return b""
            data += line
        return data.removesuffix(b"\r\n\r\n")

    def _refuse(self, status: str, headers: str = "") -> None:
        self.wfile.write(f"HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())

    def _tunnel(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS) as other:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._copy(other)

    def _forward(self, method: bytes, target: str, headers: list[bytes]) -> None:
        url = urllib.parse.urlsplit(target)
        if url.scheme != "http" or not url.hostname:
            self._refuse("400 Bad Request")
            return
        path = urllib.parse.urlunsplit(("", "", url.path or "/", url.query, "")).encode("latin-1")
        hop = (b"proxy-", b"connection:", b"keep-alive:")
        kept = [entry for entry in headers if not entry.lower().startswith(hop)]
        with socket.create_connection((url.hostname, url.port or 80), CONNECT_SECONDS) as other:
            other.sendall(b"\r\n".join([method + b" " + path + b" HTTP/1.1", *kept, b"Connection: close", b"", b""]))
            self._copy(other)

    def _copy(self, other: socket.socket) -> None:
        """Copy until either side closes or both are silent."""
        pending = (
            self.rfile.peek() if hasattr(self.rfile, "peek") and select.select([self.connection], [], [], 0)[0] else b""
        )
        if pending:
            other.sendall(self.rfile.read(len(pending)))
        pairs = {self.connection: other, other: self.connection}
        while True:
            ready, _, _ = select.select(list(pairs), [], [], IDLE_SECONDS)
            if not ready:
                return
            for source in ready:
                data = source.recv(LIMIT)
                if not data:
                    return
                pairs[source].sendall(data)


class ProxyServer(socketserver.ThreadingTCPServer):
    """Listens on every address."""

    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error of ours."""


def serve(address: tuple[str, int], user: str, password: str) -> ProxyServer:
    """A server, bound; with a user it wants basic authentication."""
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    handler = type("BoundProxy", (Proxy,), {"credentials": f"Basic {token}" if user else ""})
    return ProxyServer((address[0] or "0.0.0.0", address[1]), handler)
