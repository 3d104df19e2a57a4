"""Generate missing secrets into the vault file; see the module of the same name for options."""

from __future__ import annotations

import copy
import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.parsing.vault import VaultLib, VaultSecretsContext

from ansible_collections.mediastack.core.plugins.plugin_utils import errors, secrets, vault_file
from ansible_collections.mediastack.core.plugins.plugin_utils.controller_action import ControllerAction
from ansible_collections.mediastack.core.plugins.plugin_utils.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

ARGUMENTS: dict[str, dict[str, Any]] = {
    "stack": {"type": "dict", "required": True},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "vault_file": {"type": "path"},
}


class ActionModule(ControllerAction):
    """Stack + known secrets -> fact `mediastack_secrets`; what is missing is made and kept."""

    argument_spec = ARGUMENTS

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the fact; changed when secrets were (in check mode: would be) made."""
        sources = plain(self.variables.get("ansible_inventory_sources") or [])
        path = Path(arguments["vault_file"]) if arguments["vault_file"] else vault_file.locate(sources)
        with locked(path, wanted=not self._task.check_mode):
            plan = self.settle(path, arguments["stack"], arguments["secrets"])
        return {
            "changed": bool(plan.generated),
            "vault_file": str(path),
            "generated": [f"{instance}.{name}" for instance, name in plan.generated],
            "ansible_facts": {"mediastack_secrets": plan.values},
            "_ansible_no_log": True,
        }

    def settle(self, path: Path, stack: dict[str, Any], given: dict[str, Any]) -> secrets.Plan:
        """Return all secrets, after writing new ones; in check mode new ones are made up and not kept."""
        passwords = vault_file.usable_secrets(VaultSecretsContext.current().secrets)
        cipher = VaultLib(passwords)
        content = vault_file.read(path, cipher)
        known = content.get(vault_file.VARIABLE) or {}
        plan = secrets.plan(stack, known, given, errors.shortest(str(path)))
        if plan.generated and not passwords:
            raise vault_file.VaultError(
                f"{len(plan.generated)} secrets have to be made and kept encrypted in\n{errors.shortest(str(path))}, "
                f"and there is no vault password.\n{vault_file.REMEDIES}"
            )
        if plan.generated and not self._task.check_mode:
            merged = copy.deepcopy(content)
            target = merged.setdefault(vault_file.VARIABLE, {}) or {}
            merged[vault_file.VARIABLE] = target
            for instance, name in plan.generated:
                target.setdefault(instance, {})[name] = plan.values[instance][name]
            vault_file.write(path, merged, cipher, passwords[0][1])
        return plan


@contextmanager
def locked(path: Path, *, wanted: bool) -> Iterator[None]:
    """Let one host's task at a time read and write the vault: hosts run side by side and share one file.

    The folder itself is locked, so no lock file is left behind.
    """
    if not wanted:
        yield
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise vault_file.VaultError(f"{path.parent}: cannot be opened: {error}.") from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
