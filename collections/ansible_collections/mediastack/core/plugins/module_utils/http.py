"""A small HTTP client for the applications of the stack, on the standard library.

What urllib alone gets wrong for us and this settles:

* proxies of the environment are never used: the applications are on this server;
* an HTTP status is an answer, not an exception: only an unreachable server raises;
* a time limit covers the whole answer, also one that drips byte by byte;
* a name can be asked at an address (`connect`), with that name in TLS and in the Host header, so that a route
  is tested without DNS;
* exceptions name method, origin and path, never a query string, a header, a body or a user: nothing secret
  can leak through a message or a traceback.
"""

from __future__ import annotations

import http.client
import http.cookiejar
import json as json_codec
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    Address = tuple[str, int]

BODY_LIMIT = 16 * 1024 * 1024
CHUNK = 64 * 1024


class HttpError(Exception):
    """An answer that is not what was asked for, or none at all. The message holds no secret."""


class UnreachableError(HttpError):
    """No complete HTTP answer: refused, reset, timed out, or a certificate that does not verify."""


class Response:
    """One answer: `status`, `headers` (case-insensitive mapping), `body`."""

    def __init__(self, label: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """`label` is what exceptions call this exchange: method, origin and path."""
        self.label = label
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the definition of success

    @property
    def location(self) -> str:
        """Where a redirect points, or an empty string."""
        return self.headers.get("Location") or ""

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON. Raises HttpError, without quoting the body, when it is not."""
        try:
            return json_codec.loads(self.body.decode("utf-8"))
        except ValueError:
            raise HttpError(f"{self.label}: the answer is not JSON (status {self.status})") from None

    def expect(self, *statuses: int) -> Response:
        """Itself, if the status is among `statuses` (none given: any 2xx). Raises HttpError otherwise."""
        if self.status in statuses or (not statuses and self.ok):
            return self
        raise HttpError(f"{self.label}: status {self.status}{meaning(self.status)}")


def meaning(status: int) -> str:
    """What a status most often means here, for people: ' (not found)'."""
    text = http.client.responses.get(status, "")
    return f" ({text.lower()})" if text else ""


class Client:
    """Requests to one application. Not shared between threads."""

    def __init__(  # noqa: PLR0913 - the settings of a client are independent
        self,
        base_url: str,
        *,
        timeout: float = 10,
        headers: Mapping[str, str] | None = None,
        ca_file: str | None = None,
        connect: Address | None = None,
        follow: bool = False,
        cookies: bool = False,
    ) -> None:
        """Prepare; nothing is sent. Raises HttpError: an address that is not http(s), an unreadable CA.

        connect: (address, port) to use instead of the host in `base_url`.
        follow: follow redirects; otherwise they are returned. cookies: keep them between requests.
        """
        parts = urllib.parse.urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise HttpError("an address must start with http:// or https:// and name a host")
        self.origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self.base = self.origin + parts.path.rstrip("/")
        self.timeout = timeout
        self.headers = dict(headers or {})
        handlers: list[Any] = [urllib.request.ProxyHandler({}), _PlainHandler(connect)]
        if parts.scheme == "https":
            handlers.append(_TlsHandler(connect, tls_context(ca_file)))
        if not follow:
            handlers.append(_NoRedirect())
        if cookies:
            policy = http.cookiejar.DefaultCookiePolicy(rfc2965=False)
            handlers.append(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar(policy)))
        self._opener = urllib.request.build_opener(*handlers)

    def request(  # noqa: PLR0913 - one argument for each part of a request
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Response:
        """Send one request and return its answer, whatever its status. Raises UnreachableError."""
        label = f"{method} {self.base}{path.partition('?')[0]}"
        limit = self.timeout if timeout is None else timeout
        data, sent = _body(json, form)
        sent.update(self.headers)
        sent.update(headers or {})
        url = self.base + path + (f"?{urllib.parse.urlencode(query)}" if query else "")
        deadline = time.monotonic() + limit
        try:
            request = urllib.request.Request(url, data=data, headers=sent, method=method)  # noqa: S310 - http(s), checked above
            answer = self._open(request, limit)
            with answer:
                return Response(label, answer.status, answer.headers, _read(answer, deadline))
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(f"{label}: {reason(error)}") from None
        except ValueError:
            # A header or an address with a control character. The original message would quote it.
            raise HttpError(f"{label}: a header or the path holds a character that is not allowed") from None

    def _open(self, request: urllib.request.Request, limit: float) -> Any:
        try:
            return self._opener.open(request, timeout=limit)
        except urllib.error.HTTPError as error:
            return error  # an HTTPError is the answer itself

    def get(self, path: str, **options: Any) -> Response:
        """`request("GET", …)`."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Response:
        """`request("POST", …)`."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> Response:
        """`request("PUT", …)`."""
        return self.request("PUT", path, **options)


def reason(error: BaseException) -> str:
    """Why a connection failed, in a few words and without anything that was sent."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the certificate is not valid: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed: {cause.reason or 'connection closed'}"
    if isinstance(cause, (socket.timeout, TimeoutError)):  # two classes before Python 3.10
        return "timed out"
    if isinstance(cause, socket.gaierror):
        return "the host name does not resolve"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    return "the connection broke before a complete answer"


def wait_until(client: Client, path: str, deadline: float, *, pause: float = 0.5) -> bool:
    """Ask `path` until it answers 2xx (True) or the monotonic time `deadline` is over (False)."""
    while True:
        left = deadline - time.monotonic()
        try:
            if client.get(path, timeout=max(0.2, min(client.timeout, left))).ok:
                return True
        except UnreachableError:
            pass  # not up yet
        if time.monotonic() + pause >= deadline:
            return False
        time.sleep(pause)


def _body(json: Any, form: Mapping[str, str] | None) -> tuple[bytes | None, dict[str, str]]:
    accept = {"Accept": "application/json", "User-Agent": "mediastack"}
    if form is not None:
        kind = "application/x-www-form-urlencoded"
        return urllib.parse.urlencode(form).encode(), {**accept, "Content-Type": kind}
    if json is not None:
        return json_codec.dumps(json).encode(), {**accept, "Content-Type": "application/json"}
    return None, accept


def _read(answer: Any, deadline: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        part = answer.read1(CHUNK)
        if not part:
            if getattr(answer, "length", None):  # what its Content-Length promised and did not come
                raise http.client.HTTPException
            return b"".join(parts)
        parts.append(part)
        size += len(part)
        if size > BODY_LIMIT:
            raise http.client.HTTPException
        if time.monotonic() > deadline:
            raise TimeoutError


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Settings that verify against `ca_file`, else the system's roots. Raises HttpError: unreadable."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError):
        raise HttpError(f"the CA certificate {ca_file} cannot be read") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


class _PlainConnection(http.client.HTTPConnection):
    """Connects to `target` instead of the host, when there is one."""

    target: Address | None = None

    def connect(self) -> None:
        self.sock = socket.create_connection(self.target or (self.host, self.port), self.timeout)


class _TlsConnection(http.client.HTTPSConnection):
    """The same, with the host of the address as the name in TLS."""

    target: Address | None = None
    settings: ssl.SSLContext

    def connect(self) -> None:
        plain = socket.create_connection(self.target or (self.host, self.port), self.timeout)
        try:
            self.sock = self.settings.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


class _PlainHandler(urllib.request.HTTPHandler):
    def __init__(self, target: Address | None) -> None:
        super().__init__()
        self._target = target

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        kind: Any = type("Connection", (_PlainConnection,), {"target": self._target})
        return self.do_open(kind, req)


class _TlsHandler(urllib.request.HTTPSHandler):
    def __init__(self, target: Address | None, settings: ssl.SSLContext) -> None:
        super().__init__(context=settings)
        self._target = target
        self._settings = settings

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        settings = {"target": self._target, "settings": self._settings}
        kind: Any = type("Connection", (_TlsConnection,), settings)
        return self.do_open(kind, req, context=self._settings)
