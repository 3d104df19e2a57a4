"""Checks that Docker's own account of the containers answers: container, namespace, stack_equal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import Context, Failed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.mediastack.core.plugins.module_utils.checks.engine import Container, Snapshot
    from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import Check

PROC = "/proc"
SPEC = "mediastack.spec"
SHORT = 12


def container(check: Check, context: Context) -> str:
    """It runs and, where it has a health check, Docker calls it healthy."""
    found = running(context.docker, check["container"])
    health = found.health
    if check.get("health") and health != "healthy":
        raise Failed(f"running, {health or 'without the health check it should have'}")
    return f"running, {health}" if health else "running"


def running(docker: Snapshot, name: str) -> Container:
    """The container of that name. Raises Failed when there is none or it does not run."""
    found = docker.containers.get(name)
    if found is None:
        raise Failed(f"there is no container {name}")
    if found.state != "running" or not found.pid:
        raise Failed(f"{name} is {found.state}")
    return found


def namespace(check: Check, context: Context) -> str:
    """Both containers are in the same network namespace now.

    Docker's words do not tell: a member whose gateway was recreated still says `running`, in a namespace of
    its own that has nothing but `lo`. Only the kernel's inode of each one's current process does.
    """
    member = inode_of_network(running(context.docker, check["member"]))
    gateway = inode_of_network(running(context.docker, check["gateway"]))
    if member != gateway:
        raise Failed(f"{member} is not {gateway}")
    return f"{member} = {gateway}"


def inode_of_network(found: Container) -> str:
    """The kernel's name of its network namespace, such as net:[4026532841]. Raises Failed."""
    try:
        return os.readlink(f"{PROC}/{found.pid}/ns/net")  # noqa: PTH115 - one system call, no object
    except OSError as error:
        raise Failed(f"the network namespace of {found.name} cannot be read: {error.strerror}") from None


def stack_equal(check: Check, context: Context) -> str:
    """Each container runs the specification and image that was resolved; nothing else is labelled as ours."""
    docker = context.docker
    expected = {item["container"]: item for item in check["instances"]}
    problems = [text for item in check["instances"] for text in _differences(item, docker)]
    extra = sorted(c.name for c in docker.containers.values() if c.managed and c.name not in expected)
    problems += [f"{name}: ours, but not in the stack" for name in extra]
    if problems:
        raise Failed("; ".join(problems))
    return f"{len(expected)} containers as resolved, none besides"


def _differences(item: Mapping[str, Any], docker: Snapshot) -> list[str]:
    name = item["container"]
    found = docker.containers.get(name)
    if found is None:
        return [f"{name}: no container"]
    problems = []
    if not found.managed:
        problems.append("not labelled as ours")
    if item["runs"] and found.state != "running":
        problems.append(found.state)
    spec = found.labels.get(SPEC)
    if spec != item["spec"]:
        problems.append(f"specification {_short(spec)} instead of {_short(item['spec'])}")
    problems += _image_difference(item, found, docker)
    gateway = item.get("gateway")
    if gateway and not _shares(found, docker.containers.get(gateway)):
        problems.append(f"not attached to the current container of {gateway}")
    return [f"{name}: {', '.join(problems)}"] if problems else []


def _image_difference(item: Mapping[str, Any], found: Container, docker: Snapshot) -> list[str]:
    wanted = item["image"]
    current = found.raw.get("Image")
    known = docker.images.get(wanted)
    if known is not None:
        return [] if current == known else [f"image {_short(current)} instead of {_short(known)} ({wanted})"]
    # The engine no longer has an image of that name: what the container was made from has to tell.
    made_from = (found.raw.get("Config") or {}).get("Image")
    return [] if made_from == wanted else [f"made from {made_from} instead of {wanted}"]


def _shares(found: Container, gateway: Container | None) -> bool:
    if gateway is None:
        return False
    return found.network_mode in (f"container:{gateway.id}", f"container:{gateway.name}")


def _short(text: str | None) -> str:
    return str(text or "none").rpartition(":")[2][:SHORT]
