"""Log lines on stdout, as container engines expect them, without secrets."""

from __future__ import annotations

import sys
import threading
import time

_secrets: set[str] = set()
_lock = threading.Lock()


def hide(secret: str) -> str:
    """Never print `secret` from now on; hand it back for use in an assignment."""
    if len(secret) >= 6:  # shorter ones would mask ordinary words
        _secrets.add(secret)
    return secret


def redact(text: str) -> str:
    """Replace every known secret in `text`."""
    for secret in _secrets:
        text = text.replace(secret, "<hidden>")
    return text


def say(text: str) -> None:
    """Write one line with a UTC time stamp."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with _lock:
        sys.stdout.write(f"{stamp} {redact(text)}\n")
        sys.stdout.flush()
