"""A server on which nothing is in the way of the firewall, and the role's usual choices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

STACK = json.loads((Path(__file__).parents[1] / "fixtures/stack_example.json").read_text())
FACTS: dict[str, Any] = {
    "nft": True,
    "systemd": True,
    "others": {"ufw": "off", "firewalld": "off"},
    "nftables_service": False,
    "ssh_ports": [22],
    "client": "192.168.7.7",
    "guarded": False,
}
WANTED: dict[str, Any] = {
    "enabled": True,
    "ssh_from": "anywhere",
    "ssh_port": 0,
    "ssh_rate": 20,
    "allow": [],
    "lan_ipv6": [],
    "log": True,
    "log_rate": 5,
    "replace": False,
    "seconds": 120,
}
