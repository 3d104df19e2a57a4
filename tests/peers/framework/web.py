"""A small HTTP server: routes, parameters, JSON, errors in the application's own shape."""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from peers.framework import journal

MAX_BODY = 16 * 1024 * 1024


class HttpError(Exception):
    """Stop handling and answer with this status and body."""

    def __init__(self, status: int, body: Any = None, headers: dict[str, str] | None = None) -> None:
        """`body` is JSON data, text, or None for an empty answer."""
        super().__init__(f"{status} {body!r}")
        self.status = status
        self.body = body
        self.headers = headers or {}


@dataclass
class Request:
    """One request; header names are case-insensitive."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Message
    body: bytes
    client: str
    params: dict[str, str] = field(default_factory=dict)

    def first(self, name: str) -> str | None:
        """The first value of a query parameter, its name compared without case."""
        for key, values in self.query.items():
            if key.lower() == name.lower():
                return values[0]
        return None

    def flag(self, name: str) -> bool:
        """Whether a query parameter is true."""
        return (self.first(name) or "").lower() in {"true", "1"}

    def json(self) -> Any:
        """The body as JSON; a body that is none is the client's fault."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise HttpError(400, {"message": f"Invalid JSON: {error}"}) from error

    def object(self) -> dict[str, Any]:
        """The body as a JSON object."""
        data = self.json()
        if not isinstance(data, dict):
            raise HttpError(400, {"message": "A JSON object is required"})
        return data

    def form(self) -> dict[str, str]:
        """The body as a form."""
        return {key: values[0] for key, values in urllib.parse.parse_qs(self.body.decode()).items()}


@dataclass
class Response:
    """An answer; `body` is JSON data, text, bytes or None."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Any]


@dataclass(frozen=True)
class Route:
    """A method, a path pattern such as `/tag/{id}`, and whether a caller must be known."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler
    open: bool


class Application:
    """Routes of one application; subclasses say who may call and how errors look."""

    name = "application"

    def __init__(self) -> None:
        """Start without routes."""
        self._routes: list[Route] = []

    def route(self, method: str, path: str, handler: Handler, *, open_to_all: bool = False) -> None:
        """Add a route; `{name}` matches one path segment, letters match in either case."""
        pattern = "".join(
            f"(?P<{part[1:-1]}>[^/]+)" if part.startswith("{") else re.escape(part)
            for part in re.split(r"(\{\w+\})", path)
        )
        self._routes.append(Route(method, re.compile(f"{pattern}/?", re.IGNORECASE), handler, open_to_all))

    def authorize(self, request: Request) -> None:
        """Raise HttpError when the caller may not call; the default lets everybody in."""

    def decorate(self, headers: dict[str, str]) -> None:
        """Add the headers that every answer of the application carries."""

    def not_found(self, request: Request) -> HttpError:
        """The answer to an unknown path."""
        return HttpError(404, {"message": "NotFound"})

    def failed(self, error: Exception) -> HttpError:
        """The answer to a fault of our own."""
        return HttpError(500, {"message": f"{type(error).__name__}: {error}"})

    def answer(self, request: Request) -> Response:
        """Find the route, check the caller, run the handler."""
        try:
            return self._answer(request)
        except HttpError as error:
            return Response(error.status, error.body, error.headers)
        except Exception as error:  # noqa: BLE001 - a server must answer
            journal.say(f"error: {request.method} {request.path}: {error!r}")
            fault = self.failed(error)
            return Response(fault.status, fault.body, fault.headers)

    def _answer(self, request: Request) -> Response:
        other_method = False
        wanted = "GET" if request.method == "HEAD" else request.method
        for route in self._routes:
            match = route.pattern.fullmatch(request.path)
            if match is None:
                continue
            if route.method != wanted:
                other_method = True
                continue
            request.params = {key: urllib.parse.unquote(value) for key, value in match.groupdict().items()}
            if not route.open:
                self.authorize(request)
            result = route.handler(request)
            return result if isinstance(result, Response) else Response(200, result)
        if other_method:
            raise HttpError(405)
        raise self.not_found(request)


def _handler(application: Application) -> type[BaseHTTPRequestHandler]:
    """A request handler class bound to `application`."""

    class BoundHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "mediastack-standin"
        sys_version = ""
        timeout = 30

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length > MAX_BODY:
                self.close_connection = True
                self._send(Response(413, {"message": "Too large"}))
                return
            body = self.rfile.read(length) if length else b""
            parts = urllib.parse.urlsplit(self.path)
            query = urllib.parse.parse_qs(parts.query, keep_blank_values=True)
            path = parts.path if len(parts.path) == 1 else parts.path.rstrip("/")
            request = Request(self.command, path, query, self.headers, body, self.client_address[0])
            self._send(application.answer(request))

        def _send(self, response: Response) -> None:
            body, kind = _encode(response.body)
            headers = {"Content-Type": kind} if body else {}
            application.decorate(headers)
            headers.update(response.headers)
            self.send_response(response.status)
            for name, value in headers.items():
                self.send_header(name, value)
            if response.status != 204:  # RFC 9110: no content, no length
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD" and response.status != 204:
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Be silent: query strings carry keys."""

    return BoundHandler


def _encode(body: Any) -> tuple[bytes, str]:
    """Bytes and content type of a body."""
    if body is None:
        return b"", "text/plain"
    if isinstance(body, bytes):
        return body, "application/octet-stream"
    if isinstance(body, str):
        return body.encode(), "text/html; charset=utf-8" if body.startswith("<") else "text/plain; charset=utf-8"
    return json.dumps(body).encode(), "application/json; charset=utf-8"


class Server(ThreadingHTTPServer):
    """A threading server that listens on IPv4, and on IPv6 where there is one."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, application: Application, address: str, port: int) -> None:
        """`address` `*` is every address."""
        if address in {"*", "", "::"}:
            self.address_family = socket.AF_INET6 if _has_ipv6() else socket.AF_INET
            address = "::" if self.address_family == socket.AF_INET6 else "0.0.0.0"
        elif ":" in address:
            self.address_family = socket.AF_INET6
        super().__init__((address, port), _handler(application))

    def server_bind(self) -> None:
        """Take IPv4 too on an IPv6 socket."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of ours."""


def _has_ipv6() -> bool:
    """Whether an IPv6 socket can be bound; containers often have none."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::", 0))
    except OSError:
        return False
    return True


def serve(application: Application, address: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT, then return at once: state is on disk already."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    server = Server(application, address, port)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    journal.say(f"{application.name} listens on port {server.server_address[1]}")
    stop.wait()
    journal.say(f"{application.name} stops")
