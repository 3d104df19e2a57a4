"""SSH moves to another port and answers there, also where systemd's ssh.socket listens for it."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Iterator

import pytest
import yaml
from tests.integration.servers import Server, server

from mediastack_provision.sandbox.docker import find_engine

PORT = 2200
HARDEN = "playbooks/harden.yml"
ROLES = ("--tags", "firewall,ssh")
SOCKET_UNIT = "/etc/systemd/system/ssh.socket.d/60-mediastack.conf"
TO_SOCKET = "systemctl disable --now ssh.service; systemctl enable --now ssh.socket"
WAYS = [("debian12", "service"), ("debian13", "service"), ("debian12", "socket"), ("debian13", "socket")]


@pytest.fixture(scope="module", params=WAYS, ids=["-".join(way) for way in WAYS])
def made(request: pytest.FixtureRequest) -> Iterator[tuple[Server, str]]:
    release, way = request.param
    with server(f"it-port-{release}-{way}", release=release, kind="bare", ports=(PORT,)) as fresh:
        if way == "socket":
            fresh.root(TO_SOCKET)
        yield fresh, way


def choose(made: Server, **choices: object) -> None:
    made.choices.write_text(yaml.safe_dump({"ssh_rollback_seconds": 60, **choices}), encoding="utf-8")


def answers(made: Server, port: int) -> bool:
    """Whether a new connection to a port of this machine, which leads to the server's, comes in."""
    argv = dataclasses.replace(made.sandbox, port=port).ssh_argv("true")
    # The key is known under the port that the sandbox began with.
    alias = f"HostKeyAlias=[{made.sandbox.host}]:{made.sandbox.port}"
    argv[1:1] = ["-F", "/dev/null", "-o", "ControlPath=none", "-o", "BatchMode=yes", "-o", alias]
    return subprocess.run(argv, capture_output=True, timeout=30, check=False).returncode == 0


def listening(made: Server) -> set[str]:
    """The ports on which SSH is listened for."""
    return set(made.root("ss -Hltnp | awk '/sshd|systemd/ {sub(/.*:/, \"\", $4); print $4}' | sort -u").split())


def open_ports(made: Server) -> set[str]:
    """The ports at which the firewall lets SSH in."""
    listed = made.root("nft list set inet mediastack_firewall ssh_ports")
    return set(listed.partition("elements = {")[2].partition("}")[0].replace(",", " ").split())


def test_the_port_moves_and_stays_moved(made: tuple[Server, str]) -> None:
    server, way = made
    outside = server.sandbox.ports[str(PORT)]
    choose(server, ssh_port=PORT, ssh_port_outside=outside)
    assert answers(server, server.sandbox.port)
    assert not answers(server, outside)

    moved = server.play(HARDEN, *ROLES)
    assert moved.returncode == 0, moved.output[-6000:]
    assert answers(server, outside)
    assert not answers(server, server.sandbox.port)
    assert listening(server) == {str(PORT)}
    active = server.root("systemctl is-active ssh.socket || true").strip()
    assert (active == "active") is (way == "socket")
    assert (server.root(f"ls {SOCKET_UNIT} 2>/dev/null || true").strip() == SOCKET_UNIT) is (way == "socket")
    assert server.root("ls -A /var/lib/mediastack/guard") == ""

    # The firewall kept the old port open until the new one was confirmed, and closed it in the same run.
    assert moved.changed.count("firewall : Load the table") == 2
    assert open_ports(server) == {str(PORT)}
    # An owner sets ansible_port, and accepts the server's key under its new address once.
    known_key = f"-o HostKeyAlias=[{server.sandbox.host}]:{server.sandbox.port}"
    again = server.play(HARDEN, *ROLES, "-e", f"ansible_port={outside}", env={"ANSIBLE_SSH_EXTRA_ARGS": known_key})
    assert (again.returncode, again.changed) == (0, []), again.output[-6000:]


def test_it_answers_there_after_a_reboot(made: tuple[Server, str]) -> None:
    server, _way = made
    reboot(server)
    assert answers(server, server.sandbox.ports[str(PORT)])
    assert not answers(server, server.sandbox.port)


def reboot(made: Server) -> None:
    """Reboot, and wait until systemd has started what it starts."""
    restart = ["docker", "restart", "--time", "5", made.sandbox.container]
    subprocess.run(restart, env=find_engine().environment, capture_output=True, timeout=60, check=True)
    made.root(
        "for n in $(seq 60); do systemctl is-system-running --wait 2>/dev/null | grep -q . && break; sleep 1; done"
    )
