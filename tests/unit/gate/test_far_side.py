"""What the leak test's far side takes for a leak."""

from __future__ import annotations

import struct
from ipaddress import IPv4Network, ip_address

import pytest
from tests.integration.leak.programs.far_side import leak

SUBNET = IPv4Network("198.18.7.0/24")
TCP, UDP = 6, 17


def packet(destination: str, protocol: int, port: int, body: bytes = b"") -> bytes:
    """As much of a packet as is read."""
    rest = struct.pack("!HH", 40000, port) + body
    address = ip_address(destination)
    if address.version == 4:
        return bytes([0x45]) + bytes(8) + bytes([protocol]) + bytes(6) + address.packed + rest
    return bytes([0x60]) + bytes(5) + bytes([protocol]) + bytes(17) + address.packed + rest


@pytest.mark.parametrize(
    ("destination", "protocol", "port", "expected"),
    [
        ("198.51.100.78", TCP, 6881, ("v4", "peer")),
        ("198.51.100.78", TCP, 6969, ("v4", "peer")),
        ("2001:db8:f::78", TCP, 6881, ("v6", "peer")),
        ("198.51.100.77", TCP, 8081, ("v4", "tcp")),
        ("198.51.100.53", UDP, 53, ("v4", "dns")),
        ("203.0.113.10", UDP, 51820, ("tunnel", "udp")),
        ("203.0.113.10", UDP, 53, ("v4", "dns")),
        ("203.0.113.10", TCP, 51820, ("v4", "tcp")),
        ("203.0.113.20", UDP, 51820, ("v4", "udp")),
        ("198.18.7.2", TCP, 5000, None),
        ("2001:db8:1::2", UDP, 53, None),
        ("fe80::1", UDP, 546, None),
    ],
)
def test_where_a_packet_goes_decides(
    destination: str, protocol: int, port: int, expected: tuple[str, str] | None
) -> None:
    assert leak(ip_address(destination).version, packet(destination, protocol, port), SUBNET) == expected


def test_a_question_that_is_passed_on_is_known_again() -> None:
    asked = packet("198.18.7.2", UDP, 53, b"\x0dleakprobe-v6\x07example")
    assert leak(4, asked, SUBNET) == ("v6", "passed-on")


@pytest.mark.parametrize(
    ("code", "port", "expected"),
    [(1, 51820, None), (3, 51820, None), (3, 53, ("v4", "icmp")), (4, 51820, ("v4", "icmp"))],
)
def test_the_server_may_refuse_packets_of_the_tunnel_and_no_others(
    code: int, port: int, expected: tuple[str, str] | None
) -> None:
    endpoint = ip_address("203.0.113.10")
    came = bytes([0x45]) + bytes(8) + bytes([UDP]) + bytes(2) + endpoint.packed + bytes(4) + struct.pack("!HH", port, 4)
    error = bytes([0x45]) + bytes(8) + bytes([1]) + bytes(6) + endpoint.packed + bytes([3, code]) + bytes(6) + came
    assert leak(4, error, SUBNET) == expected
