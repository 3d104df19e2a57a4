"""Calls from one stand-in to another application: short, bounded, JSON."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

TIMEOUT = 5.0


class UnreachableError(Exception):
    """Nobody answered; the text says why."""


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of an answer, errors included."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON, or None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


# no proxy from the environment: these calls go to neighbours
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def call(  # noqa: PLR0913 - each is a part of a request, named by the caller
    method: str,
    url: str,
    *,
    headers: dict[str, str] | None = None,
    data: Any = None,
    form: dict[str, str] | None = None,
    timeout: float = TIMEOUT,
) -> Answer:
    """Send JSON `data` or a `form`; an HTTP error is an answer, a refused connection is UnreachableError."""
    sent = dict(headers or {})
    body: bytes | None = None
    if form is not None:
        body = urllib.parse.urlencode(form).encode()
    elif data is not None:
        body = json.dumps(data).encode()
        sent["Content-Type"] = "application/json"
    if not url.startswith(("http://", "https://")):
        raise UnreachableError(f"'{url}' is not an HTTP address")
    try:
        request = urllib.request.Request(url, data=body, headers=sent, method=method)
        with _opener.open(request, timeout=timeout) as reply:
            return Answer(reply.status, dict(reply.headers), reply.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, dict(error.headers), error.read())
    except (OSError, ValueError) as error:
        raise UnreachableError(str(getattr(error, "reason", error))) from error
