"""A clock for what waits: nobody waits."""

from __future__ import annotations


class Clock:
    """Time that passes only by sleeping, or where a test says so. It stands in for the module `time`."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
