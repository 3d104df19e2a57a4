"""Write haproxy's configuration from the environment, then become haproxy.

Each section of the engine's API (CONTAINERS, IMAGES, …) is closed unless its variable is 1; EVENTS, PING and
VERSION are open unless 0. Only GET and HEAD pass unless POST is 1; ALLOW_START, ALLOW_STOP, ALLOW_RESTARTS and
ALLOW_PAUSE open one verb of containers each. The socket is never reached by anything that is refused.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from peers.framework import journal

SECTIONS = (
    "AUTH", "BUILD", "COMMIT", "CONFIGS", "CONTAINERS", "DISTRIBUTION", "EVENTS", "EXEC", "IMAGES", "INFO",
    "NETWORKS", "NODES", "PING", "PLUGINS", "SECRETS", "SERVICES", "SESSION", "SWARM", "SYSTEM", "TASKS",
    "VERSION", "VOLUMES",
)  # fmt: skip
OPEN = {"EVENTS", "PING", "VERSION"}
VERBS = {"ALLOW_START": "start", "ALLOW_STOP": "stop", "ALLOW_RESTARTS": "(restart|kill|stop)",
         "ALLOW_PAUSE": "(pause|unpause)"}  # fmt: skip
PREFIX = r"^(/v[\d\.]+)?"


def on(environment: Mapping[str, str], name: str) -> bool:
    """Whether a variable opens its section."""
    return environment.get(name, "1" if name in OPEN else "0") == "1"


def configuration(environment: Mapping[str, str]) -> str:
    """The text of haproxy.cfg."""
    socket = environment.get("SOCKET_PATH", "/var/run/docker.sock")
    bind = "[::]:2375 v4v6" if environment.get("DISABLE_IPV6", "0") == "0" else ":2375"
    rules = [
        f"http-request allow if {{ path,url_dec -m reg -i {PREFIX}/containers/[a-zA-Z0-9_.-]+/{verb} }} "
        for name, verb in VERBS.items()
        if on(environment, name)
    ]
    if not on(environment, "POST"):
        rules.append("http-request deny unless METH_GET")
    for section in SECTIONS:
        if on(environment, section):
            path = "_ping" if section == "PING" else section.lower()
            rules.append(f"http-request allow if {{ path,url_dec -m reg -i {PREFIX}/{path}(/.*)?$ }}")
    rules.append("http-request deny")
    lines = "".join(f"    {rule.strip()}\n" for rule in rules)
    return (
        "global\n    log stdout format raw daemon info\n    maxconn 200\n"
        "defaults\n    mode http\n    log global\n    timeout connect 5s\n    timeout client 10m\n"
        "    timeout server 10m\n    timeout http-request 10s\n"
        f"frontend api\n    bind {bind}\n{lines}    default_backend socket\n"
        f"backend socket\n    server engine unix@{socket}\n"
    )


def main() -> None:
    """Never returns."""
    path = Path("/run/haproxy.cfg")  # the root may be read-only, /run is a tmpfs
    path.write_text(configuration(os.environ), "utf-8")
    if sys.argv[1:] == ["--check"]:
        os.execvp("haproxy", ["haproxy", "-c", "-f", str(path)])  # noqa: S606
    journal.say("socket proxy starts")
    os.execvp("haproxy", ["haproxy", "-W", "-f", str(path)])  # noqa: S606


if __name__ == "__main__":
    main()
