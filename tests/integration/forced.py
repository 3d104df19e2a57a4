"""A run of the firewall's role that knows nothing of how the server is reached, and so may lock itself out."""

from __future__ import annotations

import json
from typing import Any

from tests.integration.lockout import SECONDS
from tests.unit.firewall import support as firewall

from ansible_collections.mediastack.core.plugins.plugin_utils.firewall import plan

FIREWALL = ("--tags", "firewall")
FACTS = {**firewall.FACTS, "client": None}
WANTED = {**firewall.WANTED, "seconds": SECONDS}


def forced(facts: dict[str, Any] | None = None, lan: list[str] | None = None, **wanted: Any) -> tuple[str, ...]:
    """Words for ansible-playbook: what the role would do if it knew nothing of how the server is reached."""
    stack = {**firewall.STACK, "lan": lan or []}
    made = plan.plan(stack, {**FACTS, **(facts or {})}, {**WANTED, **wanted})
    assert made["problems"] == []
    return (*FIREWALL, "-e", json.dumps({"__firewall_plan": made}))
