"""A tiny application on loopback: routes are functions, every request is remembered."""

from __future__ import annotations

import json
import ssl
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True))


Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]
Route = Callable[[Request], Answer]


@dataclass
class Application:
    """`routes` maps "GET /path" to an answer or to a function that makes one; anything else is 404."""

    routes: dict[str, Route | Answer] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    url: str = ""
    port: int = 0

    def seen(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.requests]


def handler(application: Application) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def serve(self) -> None:
            parts = urllib.parse.urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            query = dict(urllib.parse.parse_qsl(parts.query))
            request = Request(self.command, parts.path, query, self.headers, self.rfile.read(length))
            application.requests.append(request)
            route = application.routes.get(f"{self.command} {parts.path}", (404, {"message": "NotFound"}))
            answer = route(request) if callable(route) else route
            status, body = answer[0], answer[1]
            data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            for name, value in (answer[2] if len(answer) > 2 else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = serve  # noqa: N815

        def log_message(self, *args: Any) -> None:
            pass

    return Handler


@contextmanager
def serving(application: Application, certificate: tuple[Path, Path] | None = None) -> Iterator[Application]:
    """Run it on a free loopback port; with a (certificate, key) over TLS."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(application))
    server.daemon_threads = True
    scheme = "http"
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        scheme = "https"
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    application.port = server.server_address[1]
    application.url = f"{scheme}://127.0.0.1:{application.port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield application
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
