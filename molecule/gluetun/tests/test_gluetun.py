"""A member's network is its gateway's, and the gateway's way out is the tunnel."""

from __future__ import annotations

from typing import Any

from state import network_namespace, state


def test_both_are_healthy(host: Any) -> None:
    assert (state(host, "gluetun"), state(host, "qbittorrent")) == ("healthy", "healthy")


def test_member_is_in_the_gateways_namespace(host: Any) -> None:
    assert network_namespace(host, "qbittorrent") == network_namespace(host, "gluetun")


def test_the_way_out_is_the_tunnel(host: Any) -> None:
    assert "tun0" in host.check_output("docker exec qbittorrent cat /proc/net/dev")


def test_key_of_the_tunnel_is_roots_alone(host: Any) -> None:
    found = host.file("/opt/mediastack/secrets/gluetun/wireguard_private_key")
    assert (found.user, found.mode) == ("root", 0o400)
