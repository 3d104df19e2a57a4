"""ports: real sockets, judged by the kernel's own tables."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.unit.modules.verify_doubles import container, context, process
from tests.unit.ports import bind as below_clients

from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import Failed
from ansible_collections.mediastack.core.plugins.module_utils.checks.ports import (
    ANY,
    EPHEMERAL,
    plain,
    ports,
)

SLEEP = "import time; time.sleep(60)"


def of_a_client(held: socket.socket, address: str) -> None:
    """Bind to any port of the range that clients get."""
    held.bind((address, 0))


@contextmanager
def listener(
    address: str = "127.0.0.1", bind: Callable[[socket.socket, str], object] = of_a_client, **how: str
) -> Iterator[tuple[int, int]]:
    """A process that listens, and its port; with a `name` it calls itself so, `to` is the container it works for."""
    kind = socket.SOCK_DGRAM if how.get("protocol") == "udp" else socket.SOCK_STREAM
    command = [how.get("name") or sys.executable, "-c", SLEEP, "-container-ip", how.get("to", "")]
    python = str(Path(sys.executable).resolve())
    # Bound here and handed on: a port that is only chosen here could be somebody else's by the time it is taken.
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as held:
        bind(held, address)
        if kind == socket.SOCK_STREAM:
            held.listen()
        port = held.getsockname()[1]
        with process(*command, executable=python, files=(held.fileno(),)) as pid:
            held.close()
            yield pid, port


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


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::"])
def test_a_port_that_a_containers_process_opens_on_the_host_is_seen(address: str) -> None:
    with listener(address) as (pid, port):
        seen = context(container("caddy", pid=pid))
        ports(check(("tcp", address, port)), seen)
        with pytest.raises(Failed, match=f":{port}/tcp answers for caddy, not declared"):
            ports(check(), seen)


def test_a_file_that_is_closed_while_we_look_hides_no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    listdir = os.listdir

    def with_one_that_is_gone(path: str) -> list[str]:
        return ["2147483647", *listdir(path)] if path.endswith("/fd") else listdir(path)

    with listener() as (pid, port):
        monkeypatch.setattr(os, "listdir", with_one_that_is_gone)
        with pytest.raises(Failed, match=f":{port}/tcp answers for caddy, not declared"):
            ports(check(), context(container("caddy", pid=pid)))


def test_a_dual_stack_listener_is_what_0_0_0_0_declares() -> None:
    with listener("::") as (pid, port):
        ports(check(("tcp", "0.0.0.0", port)), context(container("caddy", pid=pid)))


def test_dockers_proxy_for_our_container_is_ours() -> None:
    with listener(name="/usr/bin/docker-proxy", to="198.18.0.9") as (_, port):
        seen = context(container("caddy", address="198.18.0.9"))
        with pytest.raises(Failed, match=f"127.0.0.1:{port}/tcp answers for caddy, not declared"):
            ports(check(), seen)


def test_dockers_proxy_for_a_foreign_container_is_not_ours() -> None:
    with listener(name="/usr/bin/docker-proxy", to="198.18.0.10"):
        evidence = ports(check(), context(container("caddy", address="198.18.0.9")))
    assert "of other programs are not ours" in evidence


def test_a_udp_question_on_its_way_is_not_a_port() -> None:
    with listener(protocol="udp") as (pid, port):
        assert port >= EPHEMERAL
        ports(check(), context(container("caddy", pid=pid)))


def test_a_udp_port_below_the_clients_range_is_one() -> None:
    with (
        listener(bind=below_clients, protocol="udp") as (pid, port),
        pytest.raises(Failed, match=f"{port}/udp answers for caddy"),
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
