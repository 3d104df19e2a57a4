"""What the modules share that wait for an application and set it up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.arguments import writing
from ansible_collections.mediastack.core.plugins.module_utils.http import Client, HttpError, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible.module_utils.basic import AnsibleModule

PREDICTION_WAIT = 3  # seconds that a plan waits for an application that may not exist yet


def answers(client: Client, path: str, timeout: float, *, check_mode: bool) -> bool:
    """Whether the application answers in time; only a plan goes on without. Raises HttpError."""
    wait = min(timeout, PREDICTION_WAIT) if check_mode else timeout
    if wait_until(client, path, time.monotonic() + wait):
        return True
    if check_mode:
        return False
    raise HttpError(f"{client.base}{path} does not answer within {wait:g} seconds")


def run(module: AnsibleModule, set_up: Callable[..., tuple[list[str], Any]], told: str) -> None:
    """Set up as the one writer, and end the module with what was done.

    `set_up(params, check_mode=…)` returns the actions, and what the module returns as `told`.
    """
    try:
        with writing(module):
            actions, value = set_up(module.params, check_mode=module.check_mode)
    except HttpError as error:
        module.fail_json(msg=str(error), actions=[])
    after = "".join(f"{action}\n" for action in actions)
    module.exit_json(changed=bool(actions), actions=actions, diff={"before": "", "after": after}, **{told: value})
