"""How long a confirmation is tried: a busy server gets its time, and one that says no is believed at once."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from tests.unit.clock import Clock

from ansible_collections.mediastack.core.plugins.action import guard

FAILED = "Failed to connect to the host via ssh: "
LATE = FAILED + "Connection timed out during banner exchange\r\nConnection to 192.0.2.1 port 22 timed out"
REFUSED = FAILED + "ssh: connect to host 192.0.2.1 port 22: Connection refused"
STARTING = FAILED + "kex_exchange_identification: Connection closed by remote host\r\nConnection closed by 192.0.2.1"
CIPHER = FAILED + "Unable to negotiate with 192.0.2.1 port 22: no matching cipher found. Their offer: aes128-cbc"
DENIED = FAILED + "admin@192.0.2.1: Permission denied (publickey)."
# Something ran already: a second confirmation would find nothing to confirm.
CUT = FAILED + "Shared connection to 192.0.2.1 closed."


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(guard, "time", made)
    return made


def server(clock: Clock, error: str, *, until: float = 10**6) -> Any:
    """Attempts that fail like this until a moment; one that nobody answers takes all of its time."""

    def attempt(seconds: int) -> dict[str, Any]:
        if clock.now + (seconds if error == LATE else 0) >= until:
            clock.now = max(clock.now, until)
            return {"changed": True}
        clock.now += seconds if error == LATE else 0.1
        raise AnsibleConnectionFailure(error)

    return attempt


@pytest.mark.parametrize(("error", "until"), [(LATE, 25), (REFUSED, 3), (STARTING, 4)])
def test_who_answers_late_has_confirmed(clock: Clock, error: str, until: float) -> None:
    assert guard.persist(server(clock, error, until=until), 120) == {"changed": True}
    assert clock.now < until + 2


@pytest.mark.parametrize(
    ("error", "longest"), [(LATE, 32), (REFUSED, 5), (STARTING, 5), (CIPHER, 0.1), (DENIED, 0.1), (CUT, 0.1)]
)
def test_who_does_not_is_given_up(clock: Clock, error: str, longest: float) -> None:
    with pytest.raises(AnsibleConnectionFailure):
        guard.persist(server(clock, error), 120)
    assert clock.now <= longest


@pytest.mark.parametrize("countdown", [5, 15, 40, 60, 120, 3600])
def test_there_is_time_left_to_go_back_by_hand(clock: Clock, countdown: int) -> None:
    with pytest.raises(AnsibleConnectionFailure):
        guard.persist(server(clock, LATE), countdown)
    assert clock.now <= countdown * 0.75
    assert clock.now <= guard.LONGEST + 2


class Connection:
    """As much of the ssh connection as the action uses."""

    transport = "ssh"

    def __init__(self) -> None:
        self.options = {"ssh_args": "-o ProxyCommand=owner"}

    def get_option(self, name: str) -> str:
        return self.options[name]

    def set_option(self, name: str, value: str) -> None:
        self.options[name] = value


def action(state: str, error: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], Connection]:
    """The action's result, and the connection that it used."""
    made = guard.ActionModule.__new__(guard.ActionModule)
    connection = Connection()
    task = type("Task", (), {"args": {"name": "ssh", "state": state, "seconds": "15"}})
    attempt = server(clock, error)
    monkeypatch.setattr(guard.ActionBase, "run", lambda *_: {})
    made.__dict__ |= {"_connection": connection, "_task": task, "_execute_module": lambda **_: attempt(5)}
    return made.run(None, {}), connection


def test_that_nobody_came_in_is_a_failure_with_its_reason(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    result, connection = action("confirmed", CIPHER, clock, monkeypatch)
    assert result["failed"]
    assert "no new connection: " in result["msg"]
    assert "no matching cipher" in result["msg"]
    words = connection.options["ssh_args"]
    assert words.startswith("-o ControlMaster=no -o ControlPath=none ")
    assert words.endswith(" -o ProxyCommand=owner")  # an owner's way through other hosts is kept


def test_going_back_uses_the_connection_that_is_there(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AnsibleConnectionFailure):
        action("rolled_back", LATE, clock, monkeypatch)
