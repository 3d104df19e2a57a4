"""ports: real sockets, judged by the kernel's own tables."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.unit.apps.conftest import free_port
from tests.unit.modules.verify_doubles import container, context, process, until

from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import Failed
from ansible_collections.mediastack.core.plugins.module_utils.checks.ports import (
    ANY,
    Port,
    listening_sockets,
    plain,
    ports,
)

LISTEN = """
import socket, sys, time
family, kind, address, port = sys.argv[1:5]
s = socket.socket(getattr(socket, family), getattr(socket, kind))
s.bind((address, int(port)))
if kind == "SOCK_STREAM":
    s.listen()
time.sleep(60)
"""


@contextmanager
def listener(port: int, address: str = "127.0.0.1", **how: str) -> Iterator[int]:
    """A process that listens; with a `name` it calls itself so, `to` is the container it works for."""
    kind, family = how.get("kind", "SOCK_STREAM"), how.get("family", "AF_INET")
    command = [how.get("name") or sys.executable, "-c", LISTEN, family, kind, address, str(port)]
    protocol = "tcp" if kind == "SOCK_STREAM" else "udp"
    python = str(Path(sys.executable).resolve())
    with process(*command, "-container-ip", how.get("to", ""), executable=python) as pid:
        until(lambda: Port(protocol, plain(address), port) in listening_sockets())
        yield pid


def declared(*items: tuple[str, str, int]) -> list[dict[str, Any]]:
    return [{"protocol": p, "address": a, "port": n, "instance": "caddy"} for p, a, n in items]


def check(*items: tuple[str, str, int], names: tuple[str, ...] = ("caddy",)) -> dict[str, Any]:
    return {"declared": declared(*items), "containers": list(names)}


PUBLISHED = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18080"}], "443/tcp": None}


def test_published_and_declared_passes() -> None:
    seen = context(container("caddy", ports=PUBLISHED))
    assert ports(check(("tcp", "127.0.0.1", 18080)), seen).startswith("127.0.0.1:18080/tcp")


def test_published_but_not_declared_fails() -> None:
    with pytest.raises(Failed, match=r"127\.0\.0\.1:18080/tcp answers for caddy, not declared"):
        ports(check(), context(container("caddy", ports=PUBLISHED)))


def test_published_on_another_address_fails_twice() -> None:
    everywhere = {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "18080"}]}
    with pytest.raises(Failed) as caught:
        ports(check(("tcp", "127.0.0.1", 18080)), context(container("caddy", ports=everywhere)))
    assert "*:18080/tcp answers for caddy, not declared" in str(caught.value)
    assert "127.0.0.1:18080/tcp is silent, declared for caddy" in str(caught.value)


def test_both_wildcards_are_one() -> None:
    both = {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "18080"}, {"HostIp": "::", "HostPort": "18080"}]}
    ports(check(("tcp", "0.0.0.0", 18080)), context(container("caddy", ports=both)))


def test_declared_but_silent_fails() -> None:
    with pytest.raises(Failed, match=r"127\.0\.0\.1:18080/tcp is silent, declared for caddy"):
        ports(check(("tcp", "127.0.0.1", 18080)), context(container("caddy")))


def test_a_stopped_container_publishes_nothing() -> None:
    stopped = container("caddy", status="exited", ports=PUBLISHED)
    with pytest.raises(Failed, match="is silent"):
        ports(check(("tcp", "127.0.0.1", 18080)), context(stopped))


def test_a_managed_container_outside_the_list_counts_too() -> None:
    with pytest.raises(Failed, match="answers for stray"):
        ports(check(), context(container("stray", ports=PUBLISHED)))


def test_a_foreign_container_does_not_count() -> None:
    ports(check(), context(container("foreign", managed=False, ports=PUBLISHED)))


@pytest.mark.parametrize(("address", "family"), [("127.0.0.1", "AF_INET"), ("::1", "AF_INET6"), ("::", "AF_INET6")])
def test_a_port_that_a_containers_process_opens_on_the_host_is_seen(address: str, family: str) -> None:
    port = free_port()
    with listener(port, address, family=family) as pid:
        seen = context(container("caddy", pid=pid))
        ports(check(("tcp", address, port)), seen)
        with pytest.raises(Failed, match=f":{port}/tcp answers for caddy, not declared"):
            ports(check(), seen)


def test_a_dual_stack_listener_is_what_0_0_0_0_declares() -> None:
    port = free_port()
    with listener(port, "::", family="AF_INET6") as pid:
        ports(check(("tcp", "0.0.0.0", port)), context(container("caddy", pid=pid)))


def test_dockers_proxy_for_our_container_is_ours() -> None:
    port = free_port()
    with listener(port, name="/usr/bin/docker-proxy", to="198.18.0.9"):
        seen = context(container("caddy", address="198.18.0.9"))
        with pytest.raises(Failed, match=f"127.0.0.1:{port}/tcp answers for caddy, not declared"):
            ports(check(), seen)


def test_dockers_proxy_for_a_foreign_container_is_not_ours() -> None:
    port = free_port()
    with listener(port, name="/usr/bin/docker-proxy", to="198.18.0.10"):
        evidence = ports(check(), context(container("caddy", address="198.18.0.9")))
    assert "of other programs are not ours" in evidence


def test_a_udp_question_on_its_way_is_not_a_port() -> None:
    with listener(45999, kind="SOCK_DGRAM") as pid:
        ports(check(), context(container("caddy", pid=pid)))


def test_a_udp_port_below_the_clients_range_is_one() -> None:
    with (
        listener(17359, kind="SOCK_DGRAM") as pid,
        pytest.raises(Failed, match="17359/udp answers for caddy"),
    ):
        ports(check(), context(container("caddy", pid=pid)))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("0.0.0.0", ANY),
        ("::", ANY),
        ("", ANY),
        ("[::1]", "::1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("192.0.2.7", "192.0.2.7"),
    ],
)
def test_one_spelling_for_an_address(address: str, expected: str) -> None:
    assert plain(address) == expected
