"""Load once what every task needs."""

from __future__ import annotations

from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import filter_loader, test_loader

DOCUMENTATION = r"""
name: warm_start
type: notification
short_description: Load filters and tests once, before the first task
description:
  - Ansible forks a worker for every task, and each of them would import the filters and tests that the task uses.
  - Loaded in the process that is forked, they are there in every worker. Nothing else depends on it.
requirements:
  - enable in configuration, C(callbacks_enabled = mediastack.core.warm_start)
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Loads them when the run starts."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "mediastack.core.warm_start"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: Any) -> None:  # noqa: ARG002  # the interface
        """Load them."""
        filter_loader.get("mediastack.core.in_place")
        filter_loader.get("ansible.builtin.default")
        test_loader.get("ansible.builtin.defined")
