"""Checks that containers hold no more than what is declared: confined, limits.

What the kernel says of a container's first process counts where it says something (capabilities, new privileges,
system call filter, namespaces); Docker's own account where it does not (mounts, logs, root filesystem, limits).
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.checks.containers import running
from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import Accepted, Context, Failed
from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import Docker, DockerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ansible_collections.mediastack.core.plugins.module_utils.checks.engine import Container
    from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import Check

PROC = "/proc"
# linux/capability.h, by number.
CAPABILITIES = (
    *("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"),
    *("LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER"),
    *("SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE"),
    *("SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP"),
    *("MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF"),
    "CHECKPOINT_RESTORE",
)
NAMESPACES = {"pid": "processes", "ipc": "shared memory", "uts": "host name", "net": "network"}
FILTERED = "2"  # proc(5): Seccomp: 2 is a filter
ENGINE_SOCKETS = ("/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock")
# Drivers of logs that are bounded without being told so: local by its defaults, journald by its own settings.
BOUNDED_LOGS = ("local", "journald", "none")
BOUNDS = ("max-size", "max-file")
GIB = 1024**3


def confined(check: Check, context: Context) -> str:
    """It holds the declared capabilities at most, and nothing of the host that is not declared."""
    found = running(context.docker, check["container"])
    status = status_of(found)
    problems = [
        *_capabilities(status, check),
        *_privileges(status, check),
        *_namespaces(found, check),
        *_sockets(found, check),
        *_devices(found, check),
        *_logs(found),
        *_root(found, check),
    ]
    if problems:
        raise Failed("; ".join(problems))
    held = ", ".join(held_by(status)) or "no capabilities"
    return f"{held}; {'root is read-only' if check['read_only'] else 'root is writable: ' + check['because']}"


def status_of(found: Container) -> dict[str, str]:
    """``/proc/PID/status`` of its first process. Raises Failed."""
    try:
        text = Path(PROC, str(found.pid), "status").read_text(encoding="utf-8")
    except OSError as error:
        raise Failed(f"the process of {found.name} cannot be read: {error.strerror}") from None
    return {key: value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}


def held_by(status: Mapping[str, str]) -> list[str]:
    """The capabilities that its programs can ever have: the bounding set."""
    bits = int(status.get("CapBnd", "") or "-1", 16)
    if bits < 0:
        return list(CAPABILITIES)
    names = [name for number, name in enumerate(CAPABILITIES) if bits >> number & 1]
    return names + [f"capability {number}" for number in range(len(CAPABILITIES), 64) if bits >> number & 1]


def _capabilities(status: Mapping[str, str], check: Check) -> Iterator[str]:
    extra = sorted(set(held_by(status)) - set(check["capabilities"]))
    if extra:
        yield f"holds {', '.join(extra)}, not declared"


def _privileges(status: Mapping[str, str], check: Check) -> Iterator[str]:
    if check["no_new_privileges"] and status.get("NoNewPrivs") != "1":
        yield "its programs may gain privileges"
    if status.get("Seccomp") != FILTERED:
        yield "its system calls are not filtered"


def _namespaces(found: Container, check: Check) -> Iterator[str]:
    for kind, what in NAMESPACES.items():
        if kind == "net" and check["host_network"]:
            continue
        try:
            inside, outside = (os.readlink(f"{PROC}/{pid}/ns/{kind}") for pid in (found.pid, "self"))  # noqa: PTH115
        except OSError as error:
            yield f"its {kind} namespace cannot be read: {error.strerror}"
            continue
        if inside == outside:
            yield f"shares the host's {what}"


def _sockets(found: Container, check: Check) -> Iterator[str]:
    if check["engine_socket"]:
        return
    for mount in found.raw.get("Mounts") or []:
        source = str(mount.get("Source") or "")
        if mount.get("Type") == "bind" and source and holds_a_socket(source):
            yield f"has the engine's socket, by {source}"


def holds_a_socket(source: str) -> bool:
    """Whether a path of the host is an engine's socket, or a folder with one in it."""
    path = posixpath.normpath(source)
    path = "/run" + path[len("/var/run") :] if path == "/var/run" or path.startswith("/var/run/") else path
    return any(path in (socket, "/") or socket.startswith(path + "/") for socket in ENGINE_SOCKETS)


def _devices(found: Container, check: Check) -> Iterator[str]:
    given = {str(device.get("PathOnHost")) for device in _host_config(found).get("Devices") or []}
    extra = sorted(given - set(check["devices"]))
    if extra:
        yield f"is given {', '.join(extra)}, not declared"


def _logs(found: Container) -> Iterator[str]:
    log = _host_config(found).get("LogConfig") or {}
    driver, options = str(log.get("Type") or ""), log.get("Config") or {}
    if driver not in BOUNDED_LOGS and not (driver == "json-file" and all(options.get(bound) for bound in BOUNDS)):
        yield f"its log ({driver or 'no driver'}) has no bounds"


def _root(found: Container, check: Check) -> Iterator[str]:
    if check["read_only"] and not _host_config(found).get("ReadonlyRootfs"):
        yield "its root can be written"
    if not check["read_only"] and not check["because"]:
        yield "its root can be written, and no reason is declared"


def _host_config(found: Container) -> Mapping[str, Any]:
    config: Mapping[str, Any] = found.raw.get("HostConfig") or {}
    return config


def limits(check: Check, context: Context) -> str:
    """Every container has the declared limits of memory and processes.

    An engine whose kernel cannot limit passes over them, and says so only when it is asked.
    """
    problems: list[str] = []
    absent: dict[str, list[str]] = {"memory": [], "pids": []}
    for item in check["instances"]:
        name, config = item["container"], _host_config(running(context.docker, item["container"]))
        given = {"memory": int(config.get("Memory") or 0), "pids": max(0, int(config.get("PidsLimit") or 0))}
        for kind, number in given.items():
            if not item[kind]:
                problems.append(f"{name}: no limit of {kind} is declared")
            elif not number:
                absent[kind].append(f"{name}: no limit of {kind}")
            elif number != item[kind]:
                problems.append(f"{name}: {kind} {number} instead of {item[kind]}")
    able = abilities() if any(absent.values()) else set()
    problems += [text for kind, texts in absent.items() if kind in able for text in texts]
    if problems:
        raise Failed("; ".join(problems))
    beyond = [kind for kind, texts in absent.items() if texts]
    if beyond:
        text = f"this server's kernel cannot limit {' and '.join(beyond)} of containers"
        if check["known"]:
            return f"{text}; accepted by mediastack_compose.limits"
        raise Accepted(text)
    memory, pids = (sum(int(item[kind]) for item in check["instances"]) for kind in ("memory", "pids"))
    return f"{len(check['instances'])} containers: {memory / GIB:.1f} GiB, {pids} processes at most"


def abilities() -> set[str]:
    """What the engine can limit: memory, pids. Everything, when it does not say."""
    try:
        text = Docker().must("info", "--format", "{{.MemoryLimit}} {{.PidsLimit}}")
    except DockerError:
        return {"memory", "pids"}
    memory, _, pids = text.strip().partition(" ")
    return {kind for kind, said in (("memory", memory), ("pids", pids)) if not re.fullmatch("false", said.strip())}
