"""A run that is held up between its countdown's start and its change: it changes nothing that nobody would undo."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.integration.forced import forced
from tests.integration.lockout import AGAIN, HARDEN, choose, wait_until
from tests.integration.servers import Server, on_releases, server

COUNTDOWN = 5
HELD_UP = "while [ -e /var/lib/mediastack/guard/firewall/state.json ]; do sleep 0.2; done"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every release in a soak; the newest in the gate."""
    on_releases(metafunc, "made")


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest) -> Iterator[Server]:
    with server(f"it-heldup-{request.param}", release=request.param, kind="bare") as fresh:
        fresh.root("apt-get -q update && apt-get -q install --yes --no-install-recommends nftables")
        yield fresh


def test_a_table_that_blocks_ssh_and_comes_too_late_is_never_loaded(made: Server) -> None:
    choose(made, firewall_rollback_seconds=COUNTDOWN)
    # As another server of the same run, or a laptop that sleeps, may hold a run up: until the server has gone back.
    *words, given = forced({"ssh_ports": [2022]})
    late = json.loads(given)
    late["__firewall_plan"]["disable"] = [["timeout", "60", "sh", "-c", HELD_UP]]
    result = made.play(HARDEN, *words, json.dumps(late))
    assert result.returncode != 0, result.output[-4000:]
    wait_until(made, True, AGAIN)
    assert "countdown was over before this change began" in result.failure, result.output[-4000:]
    assert made.root("nft list tables | grep mediastack || true; ls -A /var/lib/mediastack/guard") == ""
