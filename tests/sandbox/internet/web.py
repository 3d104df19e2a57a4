"""The sandbox's web server: package repositories, and a caller's own public address.

GET /<path>   the first file of that path below the given roots
GET /         {"public_ip": …, "city": …, "country": …}: the caller's address as this server sees it

In the VPN provider's name space it is started with --exit-address: callers come through the tunnel, and what the
Internet sees of them is the provider's own address.
"""

from __future__ import annotations

import argparse
import json
import shutil
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

PLACES = {True: ("Tunnel City", "Vanuatu"), False: ("Hometown", "Nauru")}


class Server(ThreadingHTTPServer):
    """Holds what handlers need to know."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, roots: list[Path], exit_address: str) -> None:
        super().__init__(("", port), Handler)
        self.roots = [root.resolve() for root in roots]
        self.exit_address = exit_address

    def find(self, path: str) -> Path | None:
        for root in self.roots:
            found = (root / path.lstrip("/")).resolve()
            if found.is_file() and found.is_relative_to(root):
                return found
        return None


class Handler(BaseHTTPRequestHandler):
    """Serves one connection; apt keeps it open for many requests."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.answer()

    def do_HEAD(self) -> None:
        self.answer()

    def answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if path in ("/", "/json"):
            self.send(json.dumps(self.identity()).encode(), "application/json")
        elif found := self.server.find(path):
            self.send_file(found)
        else:
            self.send(b"not found\n", "text/plain", HTTPStatus.NOT_FOUND)

    def identity(self) -> dict[str, str]:
        address = self.server.exit_address or self.client_address[0]
        city, country = PLACES[address == "203.0.113.10"]
        return {"public_ip": address, "city": city, "country": country}

    def send_file(self, path: Path) -> None:
        with path.open("rb") as file:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(path.stat().st_size))
            self.end_headers()
            if self.command == "GET":
                shutil.copyfileobj(file, self.wfile)

    def send(self, body: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Stay silent."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("roots", nargs="*", type=Path)
    parser.add_argument("--port", type=int, default=80)
    parser.add_argument("--exit-address", default="")
    options = parser.parse_args()
    Server(options.port, options.roots, options.exit_address).serve_forever()


if __name__ == "__main__":
    main()
