"""What our actions have in common that run on the controller alone: plain arguments in, our refusals out."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.mediastack.core.plugins.plugin_utils.plain import plain


class ControllerAction(ActionBase):  # type: ignore[misc]
    """An action that never asks the server; a ValueError is a refusal, which fails the task with its text."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    argument_spec: ClassVar[dict[str, dict[str, Any]]]
    variables: dict[str, Any]

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of `act` with validated arguments."""
        super().run(tmp, task_vars)
        _, arguments = self.validate_argument_spec(argument_spec=self.argument_spec)
        self.variables = task_vars or {}
        try:
            return self.act(plain(arguments))
        except ValueError as error:
            raise AnsibleActionFail(str(error)) from error

    @abstractmethod
    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the task's result. Raises ValueError when what was given cannot be taken."""
