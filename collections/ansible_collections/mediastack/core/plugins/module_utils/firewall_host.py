"""Reads what a server's firewall depends on: other firewalls, sshd's ports, where the run comes from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils import (
    guard,
    host_system,
    nft_host,
    ssh_config,
    ssh_host,
    ssh_session,
    systemd,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

UFW = "/etc/ufw/ufw.conf"
GUARD = "firewall"
SOCKETS = re.compile(r"^\S*:(\d+) \(Stream\)$", re.MULTILINE)
SHOWN = ("firewalld.service", "nftables.service", "ssh.socket")


def ufw_is_on(text: str) -> bool:
    """Whether ufw filters, now and from the next boot on.

    Its service says nothing of that: it is active on many servers where ufw does not filter, and `ufw enable` loads the
    rules without it.
    """
    return re.search(r"^\s*ENABLED\s*=\s*[\"']?yes", text, re.MULTILINE | re.IGNORECASE) is not None


def socket_ports(listens: str) -> set[int]:
    """Ports of a socket, by what systemd says it listens on."""
    return {int(port) for port in SOCKETS.findall(listens)}


def state_of(unit: Mapping[str, str]) -> str:
    """``active``, ``enabled`` (not now, but from the next boot on) or ``off``, by a unit's properties."""
    about = systemd.condition(unit)
    return next((state for state in ("active", "enabled") if about[state]), "off")


def gather() -> dict[str, Any]:
    """Everything, in the shape of the documentation's sample."""
    units = systemd.show(SHOWN, ("ActiveState", "UnitFileState", "Listen"))

    effective = ssh_config.parse_effective(ssh_host.output(ssh_host.SSHD, "-T"))
    ports = {int(port) for port in effective.get("port", []) if port.isdigit()}
    if state_of(units["ssh.socket"]) == "active":
        ports = socket_ports(units["ssh.socket"].get("Listen", "")) or ports
    here = ssh_session.session()
    return {
        "nft": bool(nft_host.find_program()),
        "systemd": systemd.runs_here(),
        "others": {
            "ufw": "active" if nft_host.find_program("ufw") and ufw_is_on(host_system.read(UFW)) else "off",
            "firewalld": state_of(units["firewalld.service"]),
        },
        "nftables_service": systemd.condition(units["nftables.service"])["enabled"],
        "ssh_ports": sorted(ports | ({here[1]} if here else set())),
        "client": here[0] if here else None,
        "guarded": Path(guard.DIRECTORY, GUARD, "state.json").exists(),
    }
