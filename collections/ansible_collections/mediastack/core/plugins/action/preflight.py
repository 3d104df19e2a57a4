"""Compare a resolved stack with a server; see the module of the same name for options."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.mediastack.core.plugins.plugin_utils import preflight
from ansible_collections.mediastack.core.plugins.plugin_utils.plain import plain

ARGUMENTS = {
    "stack": {"type": "dict", "required": True},
    "host": {"type": "dict", "required": True},
}


class ActionModule(ActionBase):  # type: ignore[misc]
    """Stack x host facts -> refusals, all in one message, or notices."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Fail with every refusal; else return the notices."""
        super().run(tmp, task_vars)
        _, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        arguments = plain(arguments)
        try:
            result = preflight.check(arguments["stack"], arguments["host"])
        except ValueError as error:
            raise AnsibleActionFail(str(error)) from error
        notices = [f"{finding.text} ({finding.remedy})" for finding in result.notices]
        outcome: dict[str, Any] = {
            "changed": False,
            "refusals": [{"text": finding.text, "remedy": finding.remedy} for finding in result.refusals],
            "notices": notices,
        }
        if result.refusals:
            outcome |= {"failed": True, "msg": result.message(arguments["stack"]["host"])}
        return outcome
