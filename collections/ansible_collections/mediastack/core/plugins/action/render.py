"""Run the renderers on the controller; see the module of the same name for options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible import constants

from ansible_collections.mediastack.core.plugins.plugin_utils.controller_action import ControllerAction
from ansible_collections.mediastack.core.plugins.plugin_utils.render.stack import render_stack
from ansible_collections.mediastack.core.plugins.plugin_utils.render.versions import abilities_of

ARGUMENTS: dict[str, dict[str, Any]] = {
    "stack": {"type": "dict", "required": True},
    "secrets": {"type": "dict", "required": True, "no_log": True},
    "digests": {"type": "dict", "default": {}},
    "engine_version": {"type": "str"},
    "compose_version": {"type": "str"},
    "roles": {"type": "list", "elements": "path", "default": []},
}


class ActionModule(ControllerAction):
    """Stack + secrets + digests -> fact `mediastack_render`; changes nothing."""

    argument_spec = ARGUMENTS

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the fact."""
        rendered = render_stack(
            arguments["stack"],
            arguments["secrets"],
            [*arguments["roles"], *self.role_folders()],
            arguments["digests"],
            abilities_of(arguments["engine_version"], arguments["compose_version"]),
        )
        return {
            "changed": False,
            "ansible_facts": {"mediastack_render": rendered},
            "_ansible_no_log": True,  # the fact holds the text of secret files
        }

    def role_folders(self) -> list[str]:
        """Return where roles with templates may be: beside the role that asks, then Ansible's roles_path."""
        role = getattr(self._task, "_role", None)
        beside = [str(Path(role._role_path).parent)] if role else []  # noqa: SLF001  # there is no public name
        base = Path(self._loader.get_basedir())
        around = [str(base / "roles"), str(base.parent / "roles")]
        return list(dict.fromkeys([*beside, *around, *(constants.DEFAULT_ROLES_PATH or [])]))
