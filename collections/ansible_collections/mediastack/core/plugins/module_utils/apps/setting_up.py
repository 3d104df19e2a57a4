"""What the set-ups of applications share: waiting for one, and telling what was done."""

from __future__ import annotations

import time
from typing import NamedTuple

from ansible_collections.mediastack.core.plugins.module_utils.http import Client, HttpError, wait_until

PREDICTION_WAIT = 3  # seconds that a plan waits for an application that may not exist yet


class Outcome(NamedTuple):
    """What was done, or would be, in order; and what is left to a person."""

    actions: list[str]
    notice: str | None = None
    before: str = ""
    after: str = ""


def answers(client: Client, path: str, timeout: float, *, check_mode: bool) -> bool:
    """Whether the application answers in time; only a plan goes on without. Raises HttpError."""
    wait = min(timeout, PREDICTION_WAIT) if check_mode else timeout
    if wait_until(client, path, time.monotonic() + wait):
        return True
    if check_mode:
        return False
    raise HttpError(f"{client.base}{path} does not answer within {wait:g} seconds")
