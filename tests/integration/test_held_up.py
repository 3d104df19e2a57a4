"""A run that is held up between its countdown's start and its change: it changes nothing that nobody would undo."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.integration.forced import forced
from tests.integration.lockout import HARDEN, choose, comes_in
from tests.integration.servers import Server, on_releases, server

COUNTDOWN = 5


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
    # As long as another server of the same run, or a laptop that sleeps, may hold a run up.
    *words, given = forced({"ssh_ports": [2022]})
    late = json.loads(given)
    late["__firewall_plan"]["disable"] = [["sleep", str(COUNTDOWN + 3)]]
    result = made.play(HARDEN, *words, json.dumps(late))
    assert result.returncode != 0, result.output[-4000:]
    assert comes_in(made)
    assert "countdown was over before this change began" in result.failure, result.output[-4000:]
    assert made.root("nft list tables | grep mediastack || true; ls -A /var/lib/mediastack/guard") == ""
