"""Reads what a server's firewall depends on: other firewalls, sshd's ports, where the run comes from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ansible_collections.mediastack.core.plugins.module_utils import guard, nft_host, ssh_config, ssh_host, ssh_session

UFW = "/etc/ufw/ufw.conf"
GUARD = "firewall"
SOCKETS = re.compile(r"^Listen=\S*:(\d+) \(Stream\)$", re.MULTILINE)
SHOWN = ("ufw.service", "firewalld.service", "nftables.service", "ssh.socket")


def units(said: str) -> dict[str, dict[str, str]]:
    """Properties of units by name, from `systemctl show`; blocks are divided by empty lines."""
    found = {}
    for block in said.split("\n\n"):
        values = dict(line.partition("=")[::2] for line in block.splitlines())
        found[values.get("Id", "")] = values
    return found


def ufw_is_on(text: str) -> bool:
    """Whether ufw filters: its service is active on many servers where it does not."""
    return re.search(r"^\s*ENABLED\s*=\s*[\"']?yes", text, re.MULTILINE | re.IGNORECASE) is not None


def socket_ports(said: str) -> set[int]:
    """Ports of ssh.socket, from `systemctl show`."""
    return {int(port) for port in SOCKETS.findall(said)}


def read(path: str) -> str:
    """A small text file; empty where it is not."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def gather() -> dict[str, Any]:
    """Everything, in the shape of the documentation's sample."""
    said = ssh_host.output("systemctl", "show", "--property=Id,ActiveState,UnitFileState,Listen", *SHOWN)
    about = units(said)

    def active(unit: str) -> bool:
        return about.get(unit, {}).get("ActiveState") == "active"

    effective = ssh_config.parse_effective(ssh_host.output(ssh_host.SSHD, "-T"))
    ports = {int(port) for port in effective.get("port", []) if port.isdigit()}
    if active("ssh.socket"):
        ports = socket_ports(said) or ports
    here = ssh_session.session()
    return {
        "nft": bool(nft_host.find_program()),
        "systemd": Path("/run/systemd/system").is_dir(),
        "others": {"ufw": active("ufw.service") and ufw_is_on(read(UFW)), "firewalld": active("firewalld.service")},
        "nftables_service": about.get("nftables.service", {}).get("UnitFileState") == "enabled",
        "ssh_ports": sorted(ports | ({here[1]} if here else set())),
        "client": here[0] if here else None,
        "guarded": Path(guard.DIRECTORY, GUARD, "state.json").exists(),
    }
