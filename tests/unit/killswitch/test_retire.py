"""Taking the kill-switch away: units and rules in one step, which its guard allows or refuses as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mediastack.core.plugins.module_utils import systemd
from ansible_collections.mediastack.core.plugins.modules import killswitch

RUNNING = {
    "watch.service": {"ActiveState": "active", "UnitFileState": "enabled"},
    "boot.service": {"ActiveState": "active", "UnitFileState": "enabled"},
    "gone.service": {},
}


class FailedError(Exception):
    """What `fail_json` said."""


class Module:
    """As much of an AnsibleModule as is asked for."""

    check_mode = False

    def __init__(self, **params: Any) -> None:
        self.params = params

    def warn(self, text: str) -> None:
        raise AssertionError(text)

    def fail_json(self, msg: str) -> None:
        raise FailedError(msg)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What systemctl was told."""
    told: list[str] = []
    monkeypatch.setattr(systemd, "show", lambda names, _: {name: RUNNING[name] for name in names})
    monkeypatch.setattr(systemd, "call", lambda *words: told.append(" ".join(words)))
    return told


def test_what_watches_stops_before_it_is_disabled(calls: list[str]) -> None:
    done = killswitch.retire(["watch.service"], ["watch.service", "boot.service"], check=False)
    assert calls == ["stop -- watch.service", "disable -- watch.service boot.service"]
    assert done == ["watch.service runs", "watch.service is enabled", "boot.service is enabled"]


def test_check_mode_predicts_the_same_and_does_nothing(calls: list[str]) -> None:
    done = killswitch.retire(["watch.service"], ["boot.service"], check=True)
    assert done == ["watch.service runs", "boot.service is enabled"]
    assert calls == []


def test_units_that_are_not_there_are_nothing_to_do(calls: list[str]) -> None:
    assert killswitch.retire(["gone.service"], ["gone.service"], check=False) == []
    assert calls == []


def test_after_the_countdown_the_watcher_is_left_alone(
    calls: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The server has gone back by then: a watcher that was stopped now would stay stopped."""
    monkeypatch.setattr(killswitch.kernel, "rehearse", lambda *_: {"table": "", "rules": {}})
    module = Module(
        table="",
        rules={},
        state="applied",
        stopped=["watch.service"],
        disabled=["watch.service"],
        guard="killswitch-that-is-not-armed",
        lease="",
        lease_directory=str(tmp_path),
        lease_wait=1.0,
    )
    with pytest.raises(FailedError, match="countdown was over before this change began"):
        killswitch.run(module)
    assert calls == []
