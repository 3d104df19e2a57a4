"""Ctrl-C during a run: once ends it between two tasks, twice ends it now."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

GRACE_SECONDS = 5.0  # what Ansible gets to end its workers after the second Ctrl-C


class Interrupt:
    """Counts Ctrl-C. The first asks for a clean end, the second passes it on to Ansible, then kills.

    `on_press` is told the count, to say what happens now: not by the signal's handler, which may have come in the
    middle of somebody else's writing, but when ansible-runner asks whether to go on.
    """

    def __init__(self, on_press: Callable[[int], None] = lambda _count: None) -> None:
        """Begin without any Ctrl-C."""
        self.count = 0
        self._told = 0
        self._on_press = on_press
        self._pid: int | None = None
        self._stop_file: Path | None = None
        self._deadline: float | None = None

    def seen(self, pid: object) -> None:
        """Learn Ansible's process from an event; until the first one there is nothing to end cleanly."""
        if self._pid is None and isinstance(pid, int) and pid != os.getpid():
            self._pid = pid

    def must_kill(self) -> bool:
        """Whether ansible-runner should kill Ansible now. It asks several times a second."""
        self._tell()
        if self.count and self._pid is None:
            return True  # still starting up: nothing has begun
        return self._deadline is not None and time.monotonic() >= self._deadline

    @contextmanager
    def armed(self, stop_file: Path) -> Iterator[None]:
        """Handle SIGINT and SIGTERM while a run is under way."""
        self._stop_file = stop_file
        before = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self._tell()

    def _handle(self, _number: int, _frame: Any) -> None:
        self.count += 1
        if self.count == 1 and self._stop_file is not None:
            self._stop_file.touch()
        elif self._deadline is None:
            self._deadline = time.monotonic() + GRACE_SECONDS
            self._pass_on()
        else:
            self._deadline = time.monotonic()

    def _tell(self) -> None:
        while self._told < self.count:
            self._told += 1
            self._on_press(self._told)

    def _pass_on(self) -> None:
        """Ansible's workers are sessions of their own: only Ansible itself knows and ends them."""
        if self._pid is None:
            return
        try:
            os.kill(self._pid, signal.SIGINT)
        except ProcessLookupError:
            self._deadline = time.monotonic()
