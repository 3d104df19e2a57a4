"""Ends a run between two tasks when the wrapper asks: what has begun is finished, nothing new begins."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: mediastack_stop
type: aggregate
short_description: Stop cleanly between tasks
description:
  - Before each task, looks for the file named in E(MEDIASTACK_STOP_FILE) and ends the run when it is there.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # ansible-core has no types
    """Looks for the stop file before each task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "mediastack_stop"
    CALLBACK_NEEDS_ENABLED = False

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:  # noqa: ARG002
        """Interrupt the run the way Ctrl-C would, at a moment when no task is under way."""
        stop_file = os.environ.get("MEDIASTACK_STOP_FILE")
        if stop_file and Path(stop_file).exists():
            raise KeyboardInterrupt
