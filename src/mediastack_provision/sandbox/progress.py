"""Progress on standard error: what is being done, and how long it took."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Progress:
    """Prints one line when a step starts and one when it ends, and keeps the times."""

    def __init__(self, *, quiet: bool = False) -> None:
        """Start counting."""
        self.quiet = quiet
        self.times: dict[str, float] = {}
        self._started = time.monotonic()

    def say(self, text: str) -> None:
        """One line, with the seconds since the beginning."""
        if not self.quiet:
            sys.stderr.write(f"[{time.monotonic() - self._started:6.1f}s] {text}\n")
            sys.stderr.flush()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """A step that takes a while."""
        self.say(f"{title} …")
        started = time.monotonic()
        yield
        self.times[title] = time.monotonic() - started
        self.say(f"{title}: done in {self.times[title]:.1f} s")
