"""The real ufw and firewalld: refused beside ours, replaced when the owner says so, back when ours fails."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from tests.integration import debs
from tests.integration.forced import FIREWALL, forced
from tests.integration.lockout import AGAIN, HARDEN, choose, undone, wait_until
from tests.integration.servers import Server, on_releases, server


@dataclasses.dataclass(frozen=True)
class Other:
    """Another firewall: how it is switched on with SSH and a port of its owner's open, and what it says of itself."""

    name: str
    start: str
    stop: str
    state: str
    on: str
    off: str
    rules: str  # prints what of it is in the kernel


OTHERS = [
    Other(
        name="ufw",
        start="ufw allow 22/tcp; ufw allow 8443/tcp; ufw --force enable",
        stop="ufw --force disable",
        state="ufw status",
        on="Status: active",
        off="Status: inactive",
        rules="iptables -S | grep -e '-P INPUT DROP' -e 'dport 8443' || true",
    ),
    Other(
        name="firewalld",
        start="systemctl enable --now firewalld.service; firewall-cmd --permanent --add-port 8443/tcp; "
        "firewall-cmd --reload",
        stop="systemctl disable --now firewalld.service",
        state="systemctl is-active firewalld.service; systemctl is-enabled firewalld.service",
        on="active\nenabled",
        off="inactive\ndisabled",
        rules="nft list tables | grep firewalld || true",
    ),
]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every release in a soak, else the newest."""
    on_releases(metafunc, "made")


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest) -> Iterator[Server]:
    with server(f"it-others-{request.param}", release=request.param, kind="bare") as fresh:
        debs.install(fresh, "nftables", *(other.name for other in OTHERS))
        # Installing them starts firewalld at once.
        fresh.root("; ".join(other.stop for other in OTHERS))
        yield fresh


@pytest.fixture(params=OTHERS, ids=[other.name for other in OTHERS])
def other(made: Server, request: pytest.FixtureRequest) -> Iterator[Other]:
    """In force, alone."""
    found: Other = request.param
    choose(made, firewall_enabled=False)
    assert made.play(HARDEN, *FIREWALL).returncode == 0
    made.root(found.start)
    assert state(made, found) == found.on
    assert made.root(found.rules)
    wait_until(made, True, AGAIN)
    yield found
    made.choices.unlink()
    made.root(found.stop)


def state(made: Server, other: Other) -> str:
    """What it says of itself, without its rules."""
    lines = made.root(f"{{ {other.state}; }} || true").strip().splitlines()
    return "\n".join(lines[: len(other.on.splitlines())])


def ours(made: Server) -> bool:
    return "mediastack_firewall" in made.root("nft list tables")


def test_beside_it_nothing_is_changed(made: Server, other: Other) -> None:
    everything = (
        f"{other.rules}; nft list tables; ls -A /etc/mediastack/nftables /var/lib/mediastack/guard 2>&1 || true"
    )
    before = made.root(everything)
    choose(made)
    result = made.play(HARDEN, *FIREWALL)
    assert result.returncode != 0
    assert f"{other.name} is active, and two firewalls would fight" in result.failure, result.output[-3000:]
    assert f"firewall_replace: true, which disables {other.name}" in result.failure
    assert result.changed == []
    assert state(made, other) == other.on
    assert made.root(everything) == before


def test_one_that_comes_with_the_next_boot_is_refused_too(made: Server) -> None:
    choose(made, firewall_enabled=False)
    assert made.play(HARDEN, *FIREWALL).returncode == 0
    choose(made)
    made.root("systemctl enable firewalld.service")
    try:
        result = made.play(HARDEN, *FIREWALL)
        assert result.returncode != 0
        assert "firewalld is enabled at boot, and two firewalls would fight" in result.failure, result.output[-3000:]
        assert result.changed == []
    finally:
        made.root("systemctl disable firewalld.service")
        made.choices.unlink()


def test_it_is_replaced_when_the_owner_says_so(made: Server, other: Other) -> None:
    choose(made, firewall_replace=True)
    result = made.play(HARDEN, *FIREWALL)
    assert result.returncode == 0, result.output[-4000:]
    assert result.changed == ["firewall : Disable other firewalls", "firewall : Load the table"]
    assert state(made, other) == other.off
    assert made.root(other.rules) == ""
    assert ours(made)
    wait_until(made, True, AGAIN)
    assert made.play(HARDEN, *FIREWALL).changed == []


def test_it_is_back_when_ours_locks_out(made: Server, other: Other) -> None:
    facts = {"others": {other.name: "active"}, "ssh_ports": [2022]}
    undone(made, f"replaces-{other.name}", *forced(facts, replace=True), brief=False)
    assert state(made, other) == other.on
    assert made.root(other.rules)
    assert not ours(made)
