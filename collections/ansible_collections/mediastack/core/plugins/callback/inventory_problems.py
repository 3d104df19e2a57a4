"""Say where an inventory file is malformed, which Ansible's own message does not always do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible import constants, context
from ansible.plugins.callback import CallbackBase

from ansible_collections.mediastack.core.plugins.plugin_utils.errors import ordered, report
from ansible_collections.mediastack.core.plugins.plugin_utils.positions import scan

DOCUMENTATION = r"""
name: inventory_problems
type: notification
short_description: Name file, line and column of inventory files that cannot be read
description:
  - Before the first play, every YAML file of the inventory is read once.
  - What is not YAML or not UTF-8 is shown with its place. Ansible then stops by itself.
requirements:
  - enable in configuration, C(callbacks_enabled = mediastack.core.inventory_problems)
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Looks at the inventory once, when the run starts."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "mediastack.core.inventory_problems"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: Any) -> None:  # noqa: ARG002  # the interface
        """Show what cannot be read."""
        sources = context.CLIARGS.get("inventory") or constants.DEFAULT_HOST_LIST or []
        paths = [Path(source) for source in sources if "," not in source]
        found = [problem for path in paths for problem in scan(path if path.is_dir() else path.parent)]
        unreadable = [problem for problem in found if not problem.path]  # the others, `resolve` shows
        if unreadable:
            self._display.error(report(ordered(unreadable)), wrap_text=False)
