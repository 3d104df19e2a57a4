"""The controller's half of the guard: a confirmation comes over a connection of its own, and is tried for a while."""

from __future__ import annotations

import math
import re
import time
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 30  # seconds that a busy server has to answer; never more than half of the countdown
REFUSED = 5  # seconds that a port stays closed while sshd starts
ATTEMPT = 10  # seconds of one attempt
PAUSE = 1.0
# What ssh says before anything has run on the server: only then may it be tried again.
LATE = re.compile(
    r"timed out|waiting for privilege escalation prompt|No route to host|Network is unreachable", re.IGNORECASE
)
CLOSED = re.compile(r"Connection refused|kex_exchange_identification:|\bConnection (?:reset|closed) by \S+ port")
# Never one that is open already. The first value of an option counts, so these stand before the owner's.
NEW_CONNECTION = "-o ControlMaster=no -o ControlPath=none -o ConnectTimeout={seconds} {args}"


def patience(error: str, countdown: int) -> float:
    """For how many seconds it is worth trying, after this error: none where the server has said no."""
    longest = min(LONGEST, countdown / 2)
    if LATE.search(error):
        return longest
    return min(REFUSED, longest) if CLOSED.search(error) else 0


def persist(attempt: Callable[[int], dict[str, Any]], countdown: int) -> dict[str, Any]:
    """Result of the first attempt that comes through.

    Args:
        attempt: makes a connection within so many seconds; raises AnsibleConnectionFailure.
        countdown: seconds after which the server goes back by itself.

    Raises:
        AnsibleConnectionFailure: the last one, when nobody came in.

    """
    began = time.monotonic()
    while True:
        left = min(LONGEST, countdown / 2) - (time.monotonic() - began)
        try:
            return attempt(max(1, min(ATTEMPT, math.ceil(left))))
        except AnsibleConnectionFailure as error:
            if time.monotonic() - began + PAUSE >= patience(str(error), countdown):
                raise
            time.sleep(PAUSE)


class ActionModule(ActionBase):  # type: ignore[misc]
    """Arms and goes back over the connection that is there; confirms over a new one."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call the module. That nobody came in is a failure, so that a rescue follows it."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        if self._task.args.get("state") != "confirmed":
            return {**result, **self._execute_module(task_vars=task_vars)}
        try:
            return {**result, **persist(self._attempt(task_vars or {}), int(self._task.args.get("seconds", 120)))}
        except AnsibleConnectionFailure as error:
            return {**result, "failed": True, "msg": f"no new connection: {error}"}

    def _attempt(self, task_vars: dict[str, Any]) -> Callable[[int], dict[str, Any]]:
        over_ssh = self._connection.transport == "ssh"
        args = self._connection.get_option("ssh_args") if over_ssh else ""

        def attempt(seconds: int) -> dict[str, Any]:
            if over_ssh:
                self._connection.set_option("ssh_args", NEW_CONNECTION.format(seconds=seconds, args=args or ""))
            found: dict[str, Any] = self._execute_module(task_vars=task_vars)
            return found

        return attempt
