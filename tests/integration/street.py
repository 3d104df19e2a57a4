"""A street before a server: strangers who guess, neighbours who do not, and who of them gets through."""

from __future__ import annotations

import itertools
import time

from tests.integration.servers import Server

# The street: a neighbour, somebody from the LAN and somebody on the allow-list. The yard stands for a
# container: what goes there is forwarded.
STREET = ("192.0.2.67", "192.0.2.77", "198.51.100.77", "2001:db8::67", "2001:db8::77")
ADDRESS = {"street": ("192.0.2.1", "2001:db8::1"), "yard": ("203.0.113.2", "2001:db8:1::2")}
WORLD = """
sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
wire() {  # name, addresses here
    ip netns add $1
    ip link add $1 type veth peer name far netns $1
    sysctl -qw net.ipv6.conf.$1.disable_ipv6=0
    ip netns exec $1 sysctl -qw net.ipv6.conf.all.disable_ipv6=0
    for address in $2; do ip addr add $address dev $1 $(case $address in *:*) echo nodad;; esac); done
    ip link set $1 up
    ip -n $1 link set far up
    ip -n $1 link set lo up
}
wire street "192.0.2.1/24 198.51.100.1/24 2001:db8::1/64"
wire yard "203.0.113.1/24 2001:db8:1::1/64"
for address in 192.0.2.67/24 192.0.2.77/24 198.51.100.77/24; do
    ip -n street addr add $address dev far
done
for address in 2001:db8::67/64 2001:db8::77/64; do ip -n street addr add $address dev far nodad; done
ip -n yard addr add 203.0.113.2/24 dev far
ip -n yard addr add 2001:db8:1::2/64 dev far nodad
ip -n street route add default via 192.0.2.1
ip -n street -6 route add default via 2001:db8::1
ip -n yard route add default via 203.0.113.1
ip -n yard -6 route add default via 2001:db8:1::1
cat > /root/echo.py <<'PYTHON'
import socketserver, sys
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(64):
            self.request.sendall(data)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    address_family = 10
Server(("::", int(sys.argv[1])), Echo).serve_forever()
PYTHON
cat > /root/try.py <<'PYTHON'
import socket, sys
for pair in sys.argv[1:]:
    source, target = pair.split(",")
    try:
        with socket.create_connection((target, 2222), 1, (source, 0)) as line:
            line.sendall(b"hello")
            assert line.recv(5) == b"hello"
    except OSError:
        print(pair)
PYTHON
cat > /root/hold.py <<'PYTHON'
import socket, sys, time
source, target, log = sys.argv[1:]
line = socket.create_connection((target, 2222), 2, (source, 0))
line.settimeout(60)
for number in range(300):
    line.sendall(b"x")
    line.recv(64)
    open(log, "w").write(str(number))
    time.sleep(0.1)
PYTHON
systemd-run -q --unit=echo python3 /root/echo.py 2222
systemd-run -q --unit=echo-yard ip netns exec yard python3 /root/echo.py 2222
"""
NUMBERS = itertools.count(100)
PATIENCE = 90  # seconds: fail2ban with a log, sshd with a log-in, a link address that is asked for anew, two busy cores


def stranger(made: Server, version: int = 4) -> str:
    """An attacker's address that nobody had before: sshd still speaks of one that was cut off minutes later."""
    number = next(NUMBERS)
    source = f"192.0.2.{number}" if version == 4 else f"2001:db8::{number}"
    made.root(f"ip -n street addr add {source}/{24 if version == 4 else 64} dev far {'' if version == 4 else 'nodad'}")
    let_in(made, source)
    return source


def target(source: str, place: str) -> str:
    return ADDRESS[place][1 if ":" in source else 0]


def unreached(made: Server, *sources: str) -> list[str]:
    """Who on the street gets no answer: from the server, or from what stands for a container.

    Not from sshd: it counts those who only knock.
    """
    pairs = [f"{source},{target(source, place)}" for source in sources for place in ADDRESS]
    return made.root(f"ip netns exec street python3 /root/try.py {' '.join(pairs)}").split()


def let_in(made: Server, *sources: str) -> None:
    """Everything comes through; a link address that was asked for during a ban is asked for anew after seconds."""
    deadline = time.monotonic() + PATIENCE
    while missed := unreached(made, *sources):
        assert time.monotonic() < deadline, missed


def reaches(made: Server, source: str) -> bool:
    """Whether somebody gets through, and not only half the way."""
    missed = unreached(made, source)
    assert len(missed) in (0, len(ADDRESS)), missed
    return not missed


def guess(made: Server, source: str) -> None:
    """Four logins with passwords that nobody has."""
    options = "-o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o PubkeyAuthentication=no"
    made.root(
        f"for user in root admin bob eve; do timeout 5 ip netns exec street ssh {options} -o ConnectTimeout=2 "
        f"-b {source} $user@{target(source, 'street')} true </dev/null 2>/dev/null || true; done"
    )


def until(made: Server, script: str, seconds: float = PATIENCE) -> float:
    """Wait for a command to succeed; returns how long it took."""
    start = time.monotonic()
    while not made.root(f"if {script}; then echo yes; fi"):
        assert time.monotonic() < start + seconds, f"{script}: not within {seconds} s"
        time.sleep(0.5)
    return time.monotonic() - start


def cut_off(made: Server, source: str) -> None:
    """Nothing comes through any more, neither to the server nor to a container."""
    until(made, f"nft list table inet mediastack_bans | grep -qwF {source}")
    assert not reaches(made, source)
