"""Names, subnets and ports of sandboxes."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ports import bind, free

from mediastack_provision.exits import UserError
from mediastack_provision.sandbox import names
from mediastack_provision.sandbox.ports import choose, free_port, is_free

subnets = st.builds(
    lambda third, length: str(ipaddress.ip_network(f"198.18.{third}.0/{length}", strict=False)),
    st.integers(0, 255),
    st.integers(17, 30),
)


@pytest.mark.parametrize("name", ["demo", "a", "a-b", "0", "a" * 40])
def test_valid_names(name: str) -> None:
    assert names.checked_name(name) == name


def test_checkouts_do_not_share_a_name() -> None:
    mine = names.of_checkout("it-slice", Path("/home/anna/mediastack"))
    assert names.checked_name(mine).startswith("it-slice-")
    assert mine == names.of_checkout("it-slice", Path("/home/anna/mediastack"))
    assert mine != names.of_checkout("it-slice", Path("/tmp/clone"))


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a/b", "../x", "a" * 41, "cache", "a\n", "ä"])
def test_invalid_names_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="no name for a sandbox"):
        names.checked_name(name)


@given(st.lists(subnets, max_size=20), st.booleans())
def test_a_chosen_subnet_is_ours_and_overlaps_nothing(used: list[str], with_ipv6: bool) -> None:
    everything = [*used, "2001:db8::/64"] if with_ipv6 else used
    try:
        chosen = names.free_subnet(everything)
    except UserError:
        ranges = [ipaddress.IPv4Network(text) for text in used]
        for third in names.SUBNETS:
            assert any(ipaddress.IPv4Network(f"198.18.{third}.0/24").overlaps(item) for item in ranges)
        return
    assert chosen.prefixlen == 24
    assert chosen.subnet_of(names.RANGE)
    assert not any(chosen.overlaps(ipaddress.IPv4Network(text)) for text in used)


def test_the_subnets_of_sandboxes_leave_room_for_stack_and_tunnel() -> None:
    every = [ipaddress.IPv4Network(f"198.18.{third}.0/24") for third in names.SUBNETS]
    for other in ("198.18.208.0/20", "198.18.255.0/24"):
        assert not any(subnet.overlaps(ipaddress.IPv4Network(other)) for subnet in every)


def test_no_subnet_left_is_an_error_with_a_remedy() -> None:
    with pytest.raises(UserError, match="sandbox down"):
        names.free_subnet(["198.18.0.0/16"])


def test_a_preferred_port_is_taken_only_when_it_is_free() -> None:
    with socket.socket() as holder:
        port = bind(holder)
        holder.listen()
        assert not is_free(port)
        assert free_port(port) != port
    assert free_port(port) == port


def test_two_services_of_a_sandbox_never_get_the_same_port() -> None:
    port = free()
    published = choose((8989, 7878), http=port, https=port)
    outside = [published.ssh, published.http, published.https, *published.extra.values()]
    assert len(set(outside)) == len(outside)
    assert port in outside


def test_a_port_that_somebody_keeps_is_not_chosen() -> None:
    http = free_port()
    https = free_port(taken=frozenset({http}))
    published = choose((), http, https, {http})
    assert http not in published.mapping().values()
    assert published.https == https


def test_the_edge_has_the_same_ports_inside_and_outside() -> None:
    published = choose((8989,), 0, 0)
    mapping = published.mapping()
    assert mapping[published.http] == published.http
    assert mapping[published.https] == published.https
    assert mapping[22] == published.ssh
    assert mapping[8989] == published.extra[8989]
