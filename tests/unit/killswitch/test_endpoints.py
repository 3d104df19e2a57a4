"""Where a gateway's tunnel may go."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.killswitch.support import named, stack

from ansible_collections.mediastack.core.plugins.plugin_utils.killswitch.endpoints import (
    PORTS,
    endpoints_of,
    names_to_resolve,
)
from ansible_collections.mediastack.core.plugins.plugin_utils.killswitch.view import Endpoint, Findings

SERVERS = [
    {"vpn": "wireguard", "country": "Vanuatu", "city": "Port Vila", "hostname": "vu1.example", "ips": ["203.0.113.21"]},
    {"vpn": "wireguard", "country": "Nauru", "hostname": "nr1.example", "ips": ["203.0.113.22", "2001:db8::22"]},
    {"vpn": "openvpn", "country": "Nauru", "hostname": "nr2.example", "udp": True, "ips": ["203.0.113.23"]},
    {"vpn": "openvpn", "country": "Nauru", "hostname": "nr3.example", "tcp": True, "ips": ["203.0.113.24"]},
]


def ends(
    found: dict[str, Any],
    declared: list[dict[str, Any]] | None = None,
    servers: list[dict[str, Any]] | None = None,
    names: dict[str, list[str]] | None = None,
) -> tuple[set[tuple[str | None, str, int]], Findings]:
    findings = Findings()
    answer = endpoints_of(found["instances"]["gluetun"], declared or [], servers, names or {}, findings)
    return {(one.address, one.protocol, one.port) for one in answer}, findings


def test_a_server_of_ones_own_is_one_address_and_port() -> None:
    assert ends(stack()) == ({("198.51.100.7", "udp", 51820)}, Findings())


def test_a_setting_by_environment_counts_as_the_gateway_uses_it() -> None:
    found = stack()
    found["instances"]["gluetun"]["environment"]["WIREGUARD_ENDPOINT_PORT"] = "1234"
    assert ends(found)[0] == {("198.51.100.7", "udp", 1234)}


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("wireguard", {}, {"203.0.113.21", "203.0.113.22", "2001:db8::22"}),
        ("wireguard", {"country": ["nauru"]}, {"203.0.113.22", "2001:db8::22"}),
        ("wireguard", {"hostnames": ["VU1.example"]}, {"203.0.113.21"}),
        ("wireguard", {"city": ["Port Vila"], "country": ["Vanuatu"]}, {"203.0.113.21"}),
        ("openvpn", {}, {"203.0.113.23"}),
    ],
)
def test_a_companys_servers_are_those_that_gluetun_may_choose(
    kind: str, options: dict[str, Any], expected: set[str]
) -> None:
    found, findings = ends(named("mullvad", kind, **options), servers=SERVERS)
    assert {address for address, _, _ in found} == expected
    assert {(protocol, port) for _, protocol, port in found} == {("udp", 51820 if kind == "wireguard" else 1194)}
    assert findings == Findings()


def test_openvpn_over_tcp() -> None:
    found = named("mullvad", "openvpn")
    found["instances"]["gluetun"]["environment"]["OPENVPN_PROTOCOL"] = "tcp"
    assert ends(found, servers=SERVERS)[0] == {("203.0.113.24", "tcp", 443)}


def test_without_a_list_the_port_alone_is_left_and_it_is_said_plainly() -> None:
    found, findings = ends(named("protonvpn"))
    assert found == {(None, "udp", 51820)}
    assert not findings.problems
    assert "anything may leave to udp port 51820" in findings.notices[0]
    assert "killswitch_endpoints" in findings.notices[0]


def test_a_list_without_a_fitting_server_is_no_list() -> None:
    assert ends(named("mullvad", country=["Tuvalu"]), servers=SERVERS)[0] == {(None, "udp", 51820)}


def test_what_the_owner_declares_comes_first_and_names_are_resolved() -> None:
    declared = [{"gateway": "gluetun", "addresses": ["vpn.example", "203.0.113.9"], "port": 1194, "protocol": "tcp"}]
    found, findings = ends(named("mullvad"), declared, SERVERS, {"vpn.example": ["203.0.113.8", "2001:db8::8"]})
    assert found == {(address, "tcp", 1194) for address in ("203.0.113.8", "203.0.113.9", "2001:db8::8")}
    assert findings == Findings()


def test_a_name_that_does_not_resolve_is_refused() -> None:
    declared = [{"gateway": "gluetun", "addresses": ["vpn.example"], "port": 1194, "protocol": "udp"}]
    _, findings = ends(stack(), declared, names={"vpn.example": []})
    (problem,) = findings.problems
    assert problem.startswith("killswitch_endpoints: 'vpn.example' does not resolve on this server")


def test_what_cannot_be_known_is_asked_for() -> None:
    _, findings = ends(named("custom", "openvpn"))
    assert "where the tunnel of gluetun goes is not known (custom, openvpn)" in findings.problems[0]


def test_names_are_asked_of_the_server() -> None:
    found = stack()
    found["instances"]["gluetun"]["environment"]["WIREGUARD_ENDPOINT_IP"] = "home.example"
    declared = [{"gateway": "host", "addresses": ["vpn.example", "203.0.113.9", "2001:db8::1"], "port": 1}]
    assert names_to_resolve(declared, [found["instances"]["gluetun"]]) == ["home.example", "vpn.example"]


def test_every_provider_of_the_catalogue_has_ports_for_what_it_offers() -> None:
    assert all(any(kinds) for kinds in PORTS.values())
    assert Endpoint(None, "udp", 1).version == 0
