"""Health checks as commands that work in the images as they are: some carry wget, some curl, some busybox.

Input is an instance's `health` of the Stack: {command: [..]} or {http: {port, path, json?, status?,
https?}}, with interval, timeout, retries, start_period in seconds. `port` is a number or the name of
one of the instance's ports.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

DEFAULT_TIMEOUT = 5


def healthcheck(instance: dict[str, Any]) -> dict[str, Any] | None:
    """Return the compose `healthcheck`, or None where the Stack knows none (the image's own then applies)."""
    health = instance.get("health")
    if not health or not (health.get("command") or health.get("http")):
        return None
    if health.get("command"):
        command = list(health["command"])
        test = command if command[0] in ("CMD", "CMD-SHELL", "NONE") else ["CMD", *command]
    else:
        test = ["CMD-SHELL", http_command(health["http"], instance, health.get("timeout") or DEFAULT_TIMEOUT)]
    check: dict[str, Any] = {"test": test}
    for field in ("interval", "timeout", "start_period"):
        if health.get(field) is not None:
            check[field] = f"{health[field]}s"
    if health.get("retries") is not None:
        check["retries"] = health["retries"]
    return check


def http_command(http: dict[str, Any], instance: dict[str, Any], timeout: int) -> str:
    """Return a POSIX shell command that exits 0 when the address answers as expected.

    Whichever of wget (GNU or busybox) and curl exists is used; a missing one counts as no answer.
    """
    scheme = "https" if http.get("https") else "http"
    port = listening_port(instance, http["port"])
    url = shlex.quote(f"{scheme}://127.0.0.1:{port}{http.get('path') or '/'}")
    insecure_wget, insecure_curl = ("--no-check-certificate ", "-k ") if http.get("https") else ("", "")
    if http.get("status"):
        pattern = "|".join(str(code) for code in as_list(http["status"]))
        fetch = (
            f"{{ wget {insecure_wget}-qSO /dev/null -T {timeout} {url} 2>&1 || "
            f"curl {insecure_curl}-sSi -m {timeout} {url}; }}"
        )
        return f"{fetch} | grep -Eq 'HTTP/[0-9.]+ ({pattern})'"
    if http.get("json"):
        fetch = f"wget {insecure_wget}-qO - -T {timeout} {url} || curl {insecure_curl}-fsS -m {timeout} {url}"
        return f"body=$({fetch}) && " + " && ".join(
            f'printf %s "$body" | grep -Eq {shlex.quote(json_pattern(key, value))}'
            for key, value in sorted(http["json"].items())
        )
    return (
        f"wget {insecure_wget}-qO /dev/null -T {timeout} {url} || "
        f"curl {insecure_curl}-fsS -o /dev/null -m {timeout} {url}"
    )


def json_pattern(key: str, value: Any) -> str:
    """Return an extended regular expression that finds `"key": value` in JSON text."""
    shown, name = (escape(json.dumps(text, ensure_ascii=False)) for text in (value, key))
    return f"{name}[[:space:]]*:[[:space:]]*{shown}"


def escape(text: str) -> str:
    """Return `text` as an extended regular expression that matches just it."""
    return re.sub(r"([][{}()*+?.^$|\\])", r"\\\1", text)


def listening_port(instance: dict[str, Any], port: int | str) -> int:
    """Return the number of a port given by number or by name."""
    if isinstance(port, int):
        return port
    for known in instance.get("ports", []):
        if known["name"] == port:
            return int(known["listen"])
    return int(port)


def as_list(value: Any) -> list[Any]:
    """Return `value` itself when it is a list, else a list of it."""
    return value if isinstance(value, list) else [value]
