"""Compare a resolved stack with a server; see the module of the same name for options."""

from __future__ import annotations

from typing import Any

from ansible_collections.mediastack.core.plugins.plugin_utils import preflight
from ansible_collections.mediastack.core.plugins.plugin_utils.controller_action import ControllerAction

ARGUMENTS: dict[str, dict[str, Any]] = {
    "stack": {"type": "dict", "required": True},
    "host": {"type": "dict", "required": True},
}


class ActionModule(ControllerAction):
    """Stack x host facts -> refusals, all in one message, or notices."""

    argument_spec = ARGUMENTS

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Fail with every refusal; else return the notices."""
        result = preflight.check(arguments["stack"], arguments["host"])
        notices = [f"{finding.text} ({finding.remedy})" for finding in result.notices]
        outcome: dict[str, Any] = {
            "changed": False,
            "refusals": [{"text": finding.text, "remedy": finding.remedy} for finding in result.refusals],
            "notices": notices,
        }
        if result.refusals:
            outcome |= {"failed": True, "msg": result.message(arguments["stack"]["host"])}
        return outcome
