"""Write every task's start and outcome as a line of JSON: tests count tasks, or kill, by it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: events
type: notification
short_description: Task events as lines of JSON
description: Appends one line per event to the file named by the environment variable MEDIASTACK_EVENTS.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # ansible-core ships no types
    """One line per event: event, task, action, host, changed, message, changes."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "events"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._path = Path(os.environ["MEDIASTACK_EVENTS"])

    def _write(self, **event: Any) -> None:
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(event) + "\n")

    def _outcome(self, event: str, result: Any) -> None:
        task = result.task if hasattr(result, "task") else result._task
        host = result.host if hasattr(result, "host") else result._host
        data = result.result if hasattr(result, "result") else result._result
        self._write(
            event=event,
            task=task.get_name(),
            action=str(task.action),
            host=host.get_name(),
            changed=bool(data.get("changed")),
            message=str(data.get("msg", "")),
            changes=data.get("changes") or [],
        )

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._write(event="start", task=task.get_name(), action=str(task.action))

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self._write(event="start", task=task.get_name(), action=str(task.action))

    def v2_runner_on_ok(self, result: Any) -> None:
        self._outcome("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._outcome("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._outcome("skipped", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._outcome("unreachable", result)
