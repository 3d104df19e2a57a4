"""The firewall stands: in the kernel, in its file and at boot, beside the tables of others."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mediastack_provision.project import state_dir
from mediastack_provision.sandbox import names

FILE = "/etc/mediastack/nftables/mediastack_firewall.nft"


def listed(host: Any) -> str:
    """The table as nft prints it; without /etc/protocols, nft 1.0 prints numbers for them."""
    with host.sudo():
        text = str(host.check_output("nft -s list table inet mediastack_firewall"))
    return text.replace("l4proto 6 ", "l4proto tcp ").replace("priority filter - 10", "priority -10")


@pytest.mark.parametrize(
    "line",
    [
        "type filter hook input priority -10; policy drop;",
        "type filter hook forward priority -10; policy accept;",
        "ct direction reply accept",
        "tcp dport @ssh_ports jump ssh",
        "ip saddr @lan_v4 meta l4proto tcp ct original proto-dst @lan_tcp accept",
        "ip6 saddr @from1_v6 udp dport @from1_udp accept",
        "elements = { 9000-9010 }",
        "elements = { 8096 }",
    ],
)
def test_a_rule_is_in_force(host: Any, line: str) -> None:
    assert line in listed(host)


def test_what_was_put_in_by_hand_is_gone(host: Any) -> None:
    chain = listed(host).partition("chain input {")[2].partition("}")[0]
    assert [line.strip() for line in chain.splitlines() if line.strip() == "accept"] == []


def test_the_file_alone_makes_the_same_table(host: Any) -> None:
    with host.sudo():
        assert oct(host.file(FILE).mode) == "0o640"
        assert "flush ruleset" not in host.file(FILE).content_string
        script = f"nft -f {FILE}; nft -s list table inet mediastack_firewall"
        again = host.check_output(f"unshare --net sh -c '{script}'")
        assert again == host.check_output("nft -s list table inet mediastack_firewall")


def test_it_is_loaded_at_boot_before_the_network(host: Any) -> None:
    unit = host.check_output("systemctl show mediastack-firewall.service --property=UnitFileState,Before,After")
    assert "UnitFileState=enabled" in unit
    assert "network-pre.target" in unit.partition("Before=")[2]
    assert "docker.service" in unit.partition("Before=")[2]
    with host.sudo():
        host.check_output(
            "systemctl stop mediastack-firewall-watch.service; nft delete table inet mediastack_firewall; "
            "systemctl restart mediastack-firewall.service; systemctl start mediastack-firewall-watch.service"
        )
    assert "policy drop" in listed(host)


def test_it_is_watched(host: Any) -> None:
    unit = host.check_output("systemctl show mediastack-firewall-watch.service --property=UnitFileState,ActiveState")
    assert sorted(unit.split()) == ["ActiveState=active", "UnitFileState=enabled"]


def test_the_distributions_service_stays_off(host: Any) -> None:
    assert host.run("systemctl is-enabled nftables.service").stdout.strip() == "disabled"
    assert "/etc/nftables.conf" not in host.run("dpkg --verify nftables").stdout


def test_the_way_in_is_open_and_others_are_not(host: Any) -> None:
    """The controller is outside of the server and in its LAN."""
    mine = "mol-" + host.ansible.get_variables()["inventory_hostname"]
    name = names.of_checkout(mine, Path(os.environ["MOLECULE_PROJECT_DIRECTORY"]))
    address = json.loads((state_dir() / "sandbox" / name / "connection.json").read_text())["server_address"]
    with host.sudo():
        host.run("systemd-run --quiet --unit closed python3 -m http.server 8097")
        host.run("systemd-run --quiet --unit opened python3 -m http.server 8096")
        both = "ss -ltn | grep -q :8097 && ss -ltn | grep -q :8096"
        host.check_output(f"for n in $(seq 150); do {both} && exit; sleep 0.2; done; exit 1")

    def connects(port: int) -> bool:
        probe = f"import socket; socket.create_connection(('{address}', {port}), 2)"
        return subprocess.run(["python3", "-c", probe], capture_output=True, check=False, timeout=10).returncode == 0

    try:
        assert [connects(port) for port in (22, 8096, 8097)] == [True, True, False]
    finally:
        with host.sudo():
            host.run("systemctl stop closed opened")


def test_no_guard_is_left(host: Any) -> None:
    with host.sudo():
        assert host.run("ls -A /var/lib/mediastack/guard").stdout == ""
        assert host.run("find /etc/systemd/system -name 'mediastack-guard*'").stdout == ""
