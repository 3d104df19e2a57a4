"""Both layers are in the kernel, are put back, and let the tunnel and the LAN through."""

from __future__ import annotations

import time
from typing import Any

import pytest
from state import state

PROGRAM = "python3 -I /usr/local/lib/mediastack/killswitch.py"
UNITS = ("mediastack-killswitch.service", "mediastack-killswitch-watch.service")
TABLE = "nft list table inet mediastack_killswitch"


def healed(host: Any) -> bool:
    """Wait a little for the watcher."""
    for _ in range(60):
        if host.run(f"{PROGRAM} check").rc == 0:
            return True
        time.sleep(0.2)
    return False


def test_the_kernel_has_what_the_files_say(host: Any) -> None:
    with host.sudo():
        done = host.run(f"{PROGRAM} check")
        assert (done.rc, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS)
def test_units_run_and_come_back(host: Any, unit: str) -> None:
    assert host.service(unit).is_enabled
    assert host.service(unit).is_running


def test_it_is_loaded_before_the_network_and_the_engine(host: Any) -> None:
    before = host.check_output("systemctl show mediastack-killswitch.service --property=Before --value").split()
    assert {"network-pre.target", "docker.service"} <= set(before)
    required = host.check_output("systemctl show docker.service --property=Requires --value").split()
    assert "mediastack-killswitch.service" in required


def test_the_gateway_is_well_behind_it(host: Any) -> None:
    for _ in range(60):
        if state(host, "gluetun") == "healthy":
            break
        time.sleep(1)
    assert state(host, "gluetun") == "healthy"


def test_the_endpoint_is_address_and_port(host: Any) -> None:
    with host.sudo():
        assert "203.0.113.10 . udp . 51820" in host.check_output(TABLE)
        assert "to 203.0.113.10 iif ms-eg-gluetun ipproto udp dport 51820 goto 790" in host.check_output("ip rule")
        assert "iif ms-eg-gluetun blackhole" in host.check_output("ip -6 rule")


@pytest.mark.parametrize(
    "damage",
    [
        "nft delete table inet mediastack_killswitch",
        "nft flush chain inet mediastack_killswitch forward",
        "nft insert rule inet mediastack_killswitch forward accept",
        "ip rule del priority 780 iif ms-eg-gluetun",
        "ip -6 rule del priority 780 iif ms-eg-gluetun",
        "ip rule add priority 701 iif ms-eg-gluetun goto 790",
    ],
)
def test_the_watcher_puts_back(host: Any, damage: str) -> None:
    with host.sudo():
        host.check_output(damage)
        assert healed(host), host.run(f"{PROGRAM} check").stderr
        # It tells of it after it has done it.
        told = f"journalctl --no-pager --output=cat --lines=5 --unit={UNITS[1]} | grep -q 'put back in'"
        host.check_output(f"for n in $(seq 50); do {told} && exit; sleep 0.2; done; exit 1")


def test_a_foreign_flush_passes_over_what_the_watcher_holds(host: Any) -> None:
    with host.sudo():
        left = host.check_output("nft flush ruleset; nft list tables")
        assert "inet mediastack_killswitch_held" in left
        assert host.run("nft delete table inet mediastack_killswitch_held").rc != 0
        assert healed(host)
        host.check_output("systemctl restart docker")  # its own rules


def test_the_watcher_costs_little(host: Any) -> None:
    with host.sudo():
        spent = int(host.check_output(f"systemctl show {UNITS[1]} --property=CPUUsageNSec --value").strip() or 0)
    assert spent < 20_000_000_000


def test_the_gateway_does_not_ask_the_hosts_resolver(host: Any) -> None:
    with host.sudo():
        assert host.check_output("docker inspect gluetun --format '{{.HostConfig.Dns}}'") == "[127.0.0.2]"
