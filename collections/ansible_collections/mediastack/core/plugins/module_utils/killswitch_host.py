"""Reads what a server has of the kill-switch, and what its rules depend on. Changes nothing."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils import (
    guard,
    host_system,
    killswitch_kernel,
    ssh_session,
    systemd,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SERVER_KEYS = ("vpn", "country", "city", "hostname", "tcp", "udp", "ips")
BYTES = 64 << 20  # Gluetun's servers.json has some megabytes


def resolve(name: str) -> list[str]:
    """Addresses of a host name, as this server resolves it; none where it does not."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return []
    return sorted({str(entry[4][0]) for entry in found})


def servers(path: str, provider: str) -> list[dict[str, Any]] | None:
    """What Gluetun's servers.json has of a provider; None where the file is not, or is not one."""
    try:
        if Path(path).stat().st_size > BYTES:
            return None
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        listed = content[provider]["servers"]
        return [{key: one[key] for key in SERVER_KEYS if key in one} for one in listed]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def fitting(found: Iterable[Mapping[str, Any]], wanted: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Only servers of the wanted values (``{country: [...]}``, any case): the others need not travel."""
    chosen = {key: {one.strip().lower() for one in values} for key, values in wanted.items() if values}
    return [
        dict(one) for one in found if all(str(one.get(key, "")).lower() in values for key, values in chosen.items())
    ]


def run(files: Iterable[str]) -> list[str]:
    """Those of our files that are run: table and rules are read anew whenever they change, programs are not."""
    return [path for path in files if not path.startswith(f"{killswitch_kernel.FOLDER}/")]


def kernel_faults(folder: str) -> list[str]:
    """What the kernel has other than the files say; what keeps us from looking is a fault as well."""
    try:
        return killswitch_kernel.check(folder)
    except killswitch_kernel.KernelError as error:
        return [str(error)]


def gather(params: Mapping[str, Any]) -> dict[str, Any]:
    """Everything, in the shape of the documentation's sample."""
    places, programs = killswitch_kernel.places(), run(params["files"])
    tools = {name: shutil.which(name, path=places) is not None for name in ("nft", "ip", "unshare")}
    found = {
        asked["gateway"]: None if known is None else fitting(known, asked["only"])
        for asked in params["servers"]
        for known in [servers(asked["path"], asked["provider"])]
    }
    return {
        "tools": tools,
        "names": {name: resolve(name) for name in params["names"]},
        "servers": found,
        "states": {path: host_system.describe_state(path) for path in params["files"]},
        "faults": kernel_faults(killswitch_kernel.FOLDER) if all(tools.values()) else ["nftables is not installed"],
        "units": {
            name: systemd.condition(values, programs)
            for name, values in systemd.show(params["units"], systemd.CONDITION).items()
        },
        "controller": ssh_session.client(),
        "interfaces": sorted(name for _, name in socket.if_nameindex()),
        "systemd": systemd.runs_here(),
        "guarded": Path(guard.DIRECTORY, "killswitch", "state.json").exists(),
    }
