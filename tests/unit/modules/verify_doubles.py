"""Containers as `docker inspect` describes them, and contexts around them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.mediastack.core.plugins.module_utils.checks.engine import Container, Snapshot
from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import Context


def container(name: str, **more: Any) -> Container:
    """`more`: status, pid, health, spec, image, made_from, managed, network_mode, ports, address."""
    labels = {"mediastack.spec": more.get("spec", "a" * 64)}
    if more.get("managed", True):
        labels["mediastack.managed"] = "true"
    state: dict[str, Any] = {"Status": more.get("status", "running"), "Pid": more.get("pid", 4242)}
    if "health" in more:
        state["Health"] = {"Status": more["health"]}
    raw = {
        "Id": more.get("id", f"{name:0<64}"),
        "Name": f"/{name}",
        "State": state | {"StartedAt": more.get("started", "2026-11-21T09:12:40.123456789Z")},
        "Image": more.get("image", "sha256:one"),
        "Config": {"Labels": labels, "Image": more.get("made_from", f"example/{name}:1")},
        "HostConfig": {"NetworkMode": more.get("network_mode", "bridge")},
        "NetworkSettings": {
            "Ports": more.get("ports", {}),
            "Networks": {"net": {"IPAddress": more.get("address", "")}},
        },
    }
    return Container(name, raw["Id"], raw)


def context(*containers: Container, **more: Any) -> Context:
    images = more.pop("images", {})
    return Context(Snapshot({c.name: c for c in containers}, images), **{"timeout": 5, **more})


@contextmanager
def process(*command: str, executable: str | None = None, files: tuple[int, ...] = ()) -> Iterator[int]:
    """A process of ours for as long as the test needs it, with `files` open; `executable` is Python by another name."""
    environment = {**os.environ, "PYTHONHOME": sys.base_prefix} if executable else None
    child = subprocess.Popen(
        command,
        executable=executable,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=files,
    )
    try:
        yield child.pid
    finally:
        child.kill()
        child.wait()


def namespace_of(pid: int) -> str:
    return str(Path(f"/proc/{pid}/ns/net").readlink())
