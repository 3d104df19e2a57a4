"""Run independent jobs side by side, with a time limit that holds.

A pool of `concurrent.futures` waits for its threads when the process ends, so one that hangs would hang the
module. These threads are daemons: what is not done in time is reported and left behind.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Done = queue.Queue[tuple[int, Any]]


def run_all(jobs: Sequence[Callable[[], Any]], *, parallel: int, timeout: float) -> list[Any]:
    """Results in the order of `jobs`.

    A job that raises yields its exception, one that is not done after `timeout` seconds a TimeoutError: the
    caller decides what either means. At most `parallel` run at a time.
    """
    results: list[Any] = [TimeoutError("not done in time") for _ in jobs]
    pending: queue.Queue[int] = queue.Queue()
    done: Done = queue.Queue()
    for index in range(len(jobs)):
        pending.put(index)
    for _ in range(min(max(1, parallel), len(jobs))):
        threading.Thread(target=_work, args=(jobs, pending, done), daemon=True).start()
    deadline = time.monotonic() + timeout
    for _ in jobs:
        try:
            index, value = done.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        results[index] = value
    return results


def _work(jobs: Sequence[Callable[[], Any]], pending: queue.Queue[int], done: Done) -> None:
    while True:
        try:
            index = pending.get_nowait()
        except queue.Empty:
            return
        try:
            value = jobs[index]()
        except Exception as error:  # noqa: BLE001 - handed to the caller as the job's result
            value = error
        done.put((index, value))
