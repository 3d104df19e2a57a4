"""What a server has of what hardening is about. Reads only."""

from __future__ import annotations

import errno
import os
import socket
import stat
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils import host_system, kernel, packages, pam, systemd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PROPERTIES = (
    "ActiveState",
    "UnitFileState",
    "ActiveEnterTimestamp",
    "ConditionResult",
    "ConditionTimestampMonotonic",
)
AUDIT_PROTOCOL, AUDIT_GET = 9, 1000
NETLINK_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, process
REQUEST_WITH_REPLY = 5
KEPT_MODES = 0o7777
ROUTE_REJECT = 0x200  # RTF_REJECT: goes nowhere


def gather(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Everything, in the shape of the documentation's sample of `hardening_facts`."""
    return {
        "states": {path: state(path) for path in asked["paths"]},
        "texts": {path: host_system.read(path) for path in asked["texts"] if Path(path).is_file()},
        "patterns": {pattern: modes(pattern) for pattern in asked["patterns"]},
        "kernel_settings": {name: kernel.setting(name) for name in asked["kernel_settings"]},
        "packages": packages.installed(asked["packages"]),
        "units": units(asked["units"]),
        "mounts": {path: mount_options(path) for path in asked["mounts"]},
        "modules": [line.split()[0] for line in host_system.read("/proc/modules").splitlines() if line.strip()],
        "pam_modules": pam.modules(),
        "audit": has_audit(),
        "apparmor": host_system.read("/sys/module/apparmor/parameters/enabled").strip() == "Y",
        "one_way": one_way(host_system.read("/proc/net/route")),
    }


def one_way(routes: str) -> bool:
    """Whether each network is reached by one interface only, from /proc/net/route (main table, IPv4)."""
    ways: dict[tuple[str, str], set[str]] = {}
    for line in routes.splitlines()[1:]:
        interface, destination, _gateway, flags, *_, mask = line.split()[:8]
        if int(flags, 16) & ROUTE_REJECT == 0:
            ways.setdefault((destination, mask), set()).add(interface)
    return all(len(interfaces) == 1 for interfaces in ways.values())


def state(path: str) -> dict[str, Any]:
    """`describe_state` and, of what is there, ``mtime`` in seconds."""
    found = host_system.describe_state(path)
    if found["kind"] != "missing":
        found["mtime"] = int(os.lstat(path).st_mtime)
    return found


def modes(pattern: str) -> dict[str, str]:
    """Mode of each file and folder that a pattern names; links and others' kinds are left out."""
    found = {}
    for path in sorted(map(str, Path("/").glob(pattern.lstrip("/")))):
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            continue
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            found[path] = f"{stat.S_IMODE(mode):04o}"
    return found


def mount_options(path: str) -> list[str] | None:
    """Options of what is mounted at a path; None where nothing is."""
    found = None
    for line in host_system.read("/proc/self/mountinfo").splitlines():
        words = line.split()
        if len(words) > 5 and words[4] == path:  # noqa: PLR2004  mountinfo's fields: place and options
            found = words[5].split(",")
    return found


def units(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """``{active, enabled, started, refused}`` of each; enabled is empty of a unit that is not there."""
    return {name: unit_of(values) for name, values in systemd.show(names, PROPERTIES).items()}


def unit_of(values: Mapping[str, str]) -> dict[str, Any]:
    """A unit by its properties. Refused: it was to start, and its own conditions were not met."""
    started = values.get("ActiveEnterTimestamp", "").lstrip("@")
    tried = values.get("ConditionTimestampMonotonic", "0") not in ("", "0")
    return {
        "active": values.get("ActiveState", "inactive"),
        "enabled": values.get("UnitFileState", ""),
        "started": int(started) if started.isdigit() else 0,
        "refused": tried and values.get("ConditionResult") == "no",
    }


def has_audit() -> bool:
    """Whether the kernel answers questions about audit here; in a container it does not."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, AUDIT_PROTOCOL) as link:
            link.settimeout(1)
            link.sendto(NETLINK_HEADER.pack(NETLINK_HEADER.size, AUDIT_GET, REQUEST_WITH_REPLY, 1, 0), (0, 0))
            answer = link.recv(8192)
    except OSError:
        return False
    kind = NETLINK_HEADER.unpack_from(answer)[1]
    if kind != 2:  # noqa: PLR2004  NLMSG_ERROR
        return True
    return -struct.unpack_from("=i", answer, NETLINK_HEADER.size)[0] not in (errno.EPERM, errno.ECONNREFUSED)


def narrow(path: str, mode: int) -> None:
    """Set the mode of a file or folder, never through a link: users own some of these folders.

    Raises:
        OSError: it is a link by now, or gone.

    """
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        os.fchmod(fd, mode & KEPT_MODES)
    finally:
        os.close(fd)
