"""What the tests of the scenarios ask of a server's engine."""

from __future__ import annotations

import json
import shlex
from typing import Any


def container(host: Any, name: str) -> dict[str, Any]:
    """All that Docker knows of a container; {} when there is none."""
    done = host.run(f"docker inspect --type container {name}")
    return dict(json.loads(done.stdout)[0]) if done.rc == 0 else {}


def state(host: Any, name: str) -> str:
    """Docker's word for a container: its health where it has a check, else its state."""
    found = container(host, name).get("State", {})
    return str(found.get("Health", {}).get("Status") or found.get("Status") or "missing")


def address(host: Any, name: str) -> str:
    """A container's address on the network of the applications."""
    networks = container(host, name)["NetworkSettings"]["Networks"]
    return str(next(net["IPAddress"] for key, net in networks.items() if key.endswith("zone_apps")))


def network_namespace(host: Any, name: str) -> str:
    """The inode of a container's network namespace."""
    pid = container(host, name)["State"]["Pid"]
    return str(host.check_output(f"readlink /proc/{pid}/ns/net"))


def secret(host: Any, instance: str, name: str) -> str:
    """A secret as the container sees it."""
    return str(host.file(f"/opt/mediastack/secrets/{instance}/{name}").content_string)


def _ask(host: Any, expression: str, url: str, headers: tuple[str, ...]) -> str:
    script = (
        "import sys, urllib.request as r, urllib.error as e\n"
        "request = r.Request(sys.argv[1], headers=dict(h.split(': ', 1) for h in sys.argv[2:]))\n"
        f"try: answer = r.urlopen(request, timeout=10); print({expression})\n"
        "except e.HTTPError as error: print(error.code)\n"
        "except OSError: print(0)\n"
    )
    return str(host.check_output("python3 -c " + " ".join(map(shlex.quote, (script, url, *headers)))))


def status_of(host: Any, url: str, *headers: str) -> int:
    """The status that a request from the server gets; 0 without an answer."""
    return int(_ask(host, "answer.status", url, headers))


def read_json(host: Any, url: str, *headers: str) -> Any:
    """What a request from the server is answered with."""
    return json.loads(_ask(host, "answer.read().decode()", url, headers))
