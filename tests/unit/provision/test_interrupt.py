"""Ctrl-C while something is being written: a signal's handler that wrote as well would fail, and end the run."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from mediastack_provision.interrupt import Interrupt


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_what_happens_now_is_said_when_the_run_is_asked_for(tmp_path: Path) -> None:
    told: list[int] = []
    interrupt = Interrupt(told.append)
    interrupt.seen(os.getppid())
    with interrupt.armed(tmp_path / "stop"):
        press()
        assert (tmp_path / "stop").exists()
        assert told == []
        assert not interrupt.must_kill()
        assert told == [1]
        assert not interrupt.must_kill()
        assert told == [1]


def test_it_is_said_also_when_the_run_ends_before_it_asks(tmp_path: Path) -> None:
    told: list[int] = []
    interrupt = Interrupt(told.append)
    with interrupt.armed(tmp_path / "stop"):
        press()
    assert told == [1]


def test_before_anything_has_begun_one_is_enough(tmp_path: Path) -> None:
    interrupt = Interrupt()
    with interrupt.armed(tmp_path / "stop"):
        assert not interrupt.must_kill()
        press()
        assert interrupt.must_kill()
