"""Judge the variables of several roles at once; see the module of the same name for options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible import constants
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.mediastack.core.plugins.plugin_utils.controller_action import ControllerAction

ARGUMENTS: dict[str, dict[str, Any]] = {"roles": {"type": "list", "elements": "str", "required": True}}
SPECIFICATION = "meta/argument_specs.yml"
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ActionModule(ControllerAction):
    """Role names -> every problem of their variables in one message."""

    argument_spec = ARGUMENTS

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Fail with every problem; else say how many variables were compared."""
        problems, compared = [], 0
        for role in arguments["roles"]:
            options = self.options_of(role)
            given = {name: self.variables[name] for name in options if name in self.variables}
            compared += len(given)
            judged = ArgumentSpecValidator(options).validate(
                self._templar.template(given), validate_role_argument_spec=True
            )
            problems += [f"role {role}: {text}" for text in judged.error_messages]
        if problems:
            raise ValueError("\n".join([*problems, "Remedy: roles/<role>/README.md says what each variable takes."]))
        return {"changed": False, "compared": compared}

    def options_of(self, role: str) -> dict[str, Any]:
        """Return the options of a role's main entry point."""
        base = Path(self._loader.get_basedir())
        folders = [base / "roles", base.parent / "roles", *map(Path, constants.DEFAULT_ROLES_PATH or [])]
        found = [folder / role / SPECIFICATION for folder in folders if (folder / role / SPECIFICATION).is_file()]
        if not found:
            raise ValueError(f"role {role} is not in {', '.join(map(str, folders))}")
        specification = yaml.load(found[0].read_text(encoding="utf-8"), Loader=Loader)  # noqa: S506 - it is a safe one
        options: dict[str, Any] = specification["argument_specs"]["main"]["options"]
        return options
