"""A Stack and a server for the tests of the kill-switch."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from tests.unit.written import state_of

from ansible_collections.mediastack.core.plugins.plugin_utils.killswitch import plan as planning
from ansible_collections.mediastack.core.plugins.plugin_utils.killswitch import units

EXAMPLE = json.loads((Path(__file__).parents[1] / "fixtures/stack_example.json").read_text())


def stack(**options: Any) -> dict[str, Any]:
    """The example's Stack, with other options of its gateway."""
    found = copy.deepcopy(EXAMPLE)
    found["instances"]["gluetun"]["options"].update(options)
    return dict(found)


def named(provider: str, kind: str = "wireguard", **options: Any) -> dict[str, Any]:
    """The Stack with a gateway of a VPN company."""
    found = stack(provider=provider, type=kind, endpoint=None, **options)
    environment = found["instances"]["gluetun"]["environment"]
    for name in ("WIREGUARD_ENDPOINT_IP", "WIREGUARD_ENDPOINT_PORT"):
        del environment[name]
    environment |= {"VPN_SERVICE_PROVIDER": provider, "VPN_TYPE": kind}
    return found


def facts(**changes: Any) -> dict[str, Any]:
    """A server that has nothing of it yet."""
    return {
        "tools": {"nft": True, "ip": True, "unshare": True},
        "names": {},
        "servers": {},
        "states": {path: {"kind": "missing"} for path in units.paths()},
        "faults": [],
        "units": {name: {"enabled": False, "active": False, "stale": False} for name in planning.WATCHED},
        "controller": "192.168.1.5",
        "interfaces": ["eth0", "lo"],
        "systemd": True,
        "guarded": False,
    } | changes


def settled(answer: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The same server when everything in a plan is done."""
    states = {path: {"kind": "missing"} for path in units.paths()} | {
        item["path"]: state_of(item["content"], mode=item["mode"]) for item in answer["files"]
    }
    running = {name: {"enabled": True, "active": True, "stale": False} for name in planning.WATCHED}
    return facts(states=states, units=running) | changes


def wanted(**changes: Any) -> dict[str, Any]:
    """The role's variables."""
    return {"mode": "gateways", "endpoints": [], "interfaces": [], "lan_dns": False} | changes
