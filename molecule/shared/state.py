"""What the tests of the scenarios ask of a server's engine."""

from __future__ import annotations

import json
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


def status_of(host: Any, url: str, *headers: str) -> int:
    """The status that a request from the server gets; 0 without an answer."""
    script = (
        "import sys,urllib.request,urllib.error\n"
        "request=urllib.request.Request(sys.argv[1],headers=dict(h.split(': ',1) for h in sys.argv[2:]))\n"
        "try: print(urllib.request.urlopen(request,timeout=10).status)\n"
        "except urllib.error.HTTPError as error: print(error.code)\n"
        "except OSError: print(0)\n"
    )
    words = " ".join(f"'{word}'" for word in (url, *headers))
    return int(host.check_output(f'python3 -c "{script}" {words}'))
