"""The packet matrix: who reaches which port of a server, over IPv4 and IPv6, TCP and UDP, is what was declared.

What is expected is computed from the declaration (the resolved Stack and the owner's `firewall_allow`), never from the
rules. The same probes without the table show that a denied cell is denied by the table.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.integration import playbook
from tests.integration.servers import Server, server

TRAFFIC = Path(__file__).with_name("traffic.py")
LAN, WAN = "192.0.2", "203.0.113"
LAN6, WAN6 = "2001:db8:1:", "2001:db8:2:"
FAMILIES, PROTOCOLS = (4, 6), ("tcp", "udp")
SOURCES = ("lan", "wan", "edge", "vpn")
OWN = [
    {"port": 9200, "protocol": "tcp", "from": ["lan"]},
    {"port": "9300-9301", "protocol": "udp", "from": "internet"},
    {"port": 9400, "protocol": "tcp", "from": [f"{WAN}.0/24"]},
    {"port": 18081, "protocol": "tcp", "from": ["lan", f"{WAN6}:/64"]},
]
HOST_PORTS = [9100, 9200, 9300, 9301, 9400]  # of programs on the server itself
RATE = (5, 10)  # of what is logged: a second, and at once
FOREIGN = {"foreign": [18080, 18081]}  # published by a container that is not the stack's
CHOICES: dict[str, Any] = {
    "mediastack_network": {"subnet": "198.18.208.0/20", "lan": ["{{ sandbox.subnet }}", f"{LAN}.0/24"]},
    "mediastack_edge": {
        "proxy": "caddy",
        "domain": "home.example",
        "tls": "internal",
        "http_port": 80,
        "https_port": 443,
    },
    "mediastack_services": {
        "jellyfin": {"web": {"exposure": "internet"}, "publish": "lan"},
        "sonarr": {"publish": "lan", "ports": {"found": {"listen": 7359, "protocol": "udp", "publish": "lan"}}},
        "radarr": {"publish": "loopback"},
        "qbittorrent": {"publish": "lan"},
    },
    "firewall_lan_ipv6": [f"{LAN6}:/64"],
    "firewall_allow": OWN,
    "firewall_rollback_seconds": 60,
}
RESOLVE = """\
- hosts: mediastack
  gather_facts: false
  tasks:
    - mediastack.core.resolve:
    - ansible.builtin.copy: {content: "{{ ansible_facts.mediastack_stack | to_json }}", dest: "%s", mode: "0600"}
      delegate_to: localhost
      become: false
      vars: {ansible_connection: local}
"""
# Two hosts beside the server, each on a link of its own; the server forwards, as an engine makes it.
LINKS = f"""\
sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0 \
  net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
link() {{
  ip netns add "$1"; ip link add "$1" type veth peer name eth0 netns "$1"
  ip addr add "$2.1/24" dev "$1"; ip addr add "$3:1/64" dev "$1" nodad; ip link set "$1" up
  ip -n "$1" addr add "$2.10/24" dev eth0; ip -n "$1" addr add "$3:10/64" dev eth0 nodad
  ip -n "$1" link set eth0 up; ip -n "$1" link set lo up
  ip -n "$1" route add default via "$2.1"; ip -n "$1" route add default via "$3:1"
}}
link lan {LAN} {LAN6}; link wan {WAN} {WAN6}
"""
# A container is the server's own programs behind a network namespace: nothing has to be pulled.
ENGINE = """\
echo '{"experimental": true, "ip6tables": true, "live-restore": false}' > /etc/docker/daemon.json
systemctl restart docker
mkdir -p /run/img/usr /run/img/etc /run/img/tmp; cd /run/img
ln -sfn usr/bin bin; ln -sfn usr/lib lib; ln -sfn usr/lib64 lib64
tar -c . | docker import - stand-in > /dev/null
"""
RUN = "docker run --detach --restart always --volume /usr:/usr:ro --volume /opt/traffic.py:/traffic.py:ro"
AWAY = "systemctl stop mediastack-firewall-watch.service; nft delete table inet mediastack_firewall"
BACK = "systemctl restart mediastack-firewall.service; systemctl start mediastack-firewall-watch.service"
PATIENCE = 30  # seconds that an open port has to answer on busy cores
# The socket that a listener opens last.
LISTENS = """\
listens() {
  for n in $(seq 150); do
    [[ $("${@:2}" ss -Hlun "sport = :$1" 2>/dev/null) == *::* ]] && return 0
    sleep 0.2
  done
  echo "nobody listens on $1: ${*:2}"; return 1
}
inside() { nsenter "--net=/proc/$(docker inspect --format '{{.State.Pid}}' "$1")/ns/net" "${@:2}"; }
"""
PUBLISHED_ON = {"0.0.0.0": ("0.0.0.0", "[::]"), "127.0.0.1": ("127.0.0.1",)}


@dataclass(frozen=True)
class Cell:
    """One probe: from where, to what."""

    source: str
    family: int
    protocol: str
    port: int
    to: str = "server"  # or the name of a container that is asked without the published port


@dataclass
class Place:
    """A server with a resolved stack whose containers are stand-ins."""

    server: Server
    stack: dict[str, Any]
    published: dict[int, tuple[str, str]] = field(default_factory=dict)  # port: (container, address on the server)
    listening: dict[str, int] = field(default_factory=dict)  # container: its last port

    def addresses(self, container: str) -> dict[int, str]:
        """A container's addresses on its first network."""
        found = json.loads(self.server.root(f"docker inspect {container}"))[0]["NetworkSettings"]["Networks"]
        one = found[min(found)]
        return {4: one["IPAddress"], 6: one["GlobalIPv6Address"]}

    def server_at(self, source: str) -> dict[int, str]:
        """The server's own addresses on the link that a source is on."""
        if source in ("lan", "wan"):
            own, own6 = {"lan": (LAN, LAN6), "wan": (WAN, WAN6)}[source]
            return {4: f"{own}.1", 6: f"{own6}:1"}
        number, net = self.network(source)
        return {4: net["gateway"], 6: f"2001:db8:f:{number}::1"}

    def network(self, source: str) -> tuple[int, dict[str, Any]]:
        """The network that a container among the sources is in, with its number."""
        wanted = {"edge": "zone_apps", "vpn": "egress_gluetun"}[source]
        return next((at, net) for at, net in enumerate(self.stack["networks"]) if net["key"] == wanted)

    def wait(self) -> None:
        """Until everything listens: a port that is closed proves nothing before."""
        lines = [f"listens {port} inside {name}" for name, port in self.listening.items()]
        self.server.root("\n".join([LISTENS, *lines, f"listens {max(HOST_PORTS)}"]))

    def probe(self, cells: list[Cell], opened: Callable[[Cell], bool | None]) -> dict[Cell, bool]:
        """Ask all of them; those that should be open again for a while, for a busy machine answers late."""
        found = self.ask(cells)
        deadline = time.monotonic() + PATIENCE
        while (late := [cell for cell in cells if opened(cell) and not found[cell]]) and time.monotonic() < deadline:
            found |= self.ask(late)
        return found

    def ask(self, cells: list[Cell]) -> dict[Cell, bool]:
        """Ask all of them once: one process for each source."""
        direct = {cell.to: self.addresses(cell.to) for cell in cells if cell.to != "server"}
        found: dict[Cell, bool] = {}
        for source in SOURCES:
            mine = [cell for cell in cells if cell.source == source]
            if not mine:
                continue
            server_at = self.server_at(source)
            targets = [(cell.protocol, direct.get(cell.to, server_at)[cell.family], cell.port) for cell in mine]
            inside = f"docker exec {source} python3 /traffic.py"
            outside = f"ip netns exec {source} python3 /opt/traffic.py"
            where = outside if source in ("lan", "wan") else inside
            answers = json.loads(self.server.root(f"{where} probe '{json.dumps(targets)}'"))
            found |= dict(zip(mine, answers, strict=True))
        return found

    def declared(self, cell: Cell) -> bool:
        """Whether the Stack or the owner says that this is open."""
        if cell.to != "server" or cell.source == "vpn":
            return False
        if (cell.port, cell.protocol) == (22, "tcp"):
            return True  # firewall_ssh_from: anywhere
        reach = {"lan": {"lan", "internet"}, "edge": {"lan", "internet"}, "wan": {"internet"}}[cell.source]
        if any(
            (one["port"], one["protocol"]) == (cell.port, cell.protocol) and one["from"] in reach
            for one in self.stack["allowances"]
        ):
            return True
        return any(self.allowed(entry, cell, reach) for entry in OWN)

    def allowed(self, entry: dict[str, Any], cell: Cell, reach: set[str]) -> bool:
        """Whether an entry of `firewall_allow` is for this."""
        first, _, last = str(entry["port"]).partition("-")
        if cell.protocol != entry["protocol"] or not int(first) <= cell.port <= int(last or first):
            return False
        own, own6 = {"lan": (LAN, LAN6), "wan": (WAN, WAN6)}.get(cell.source, ("198.18.208", "2001:db8:f:"))
        address = ip_address(f"{own}.10" if cell.family == 4 else f"{own6}:10")
        words = entry["from"] if isinstance(entry["from"], list) else [entry["from"]]
        return any(word in reach or (("." in word or ":" in word) and address in ip_network(word)) for word in words)

    def open_without(self, cell: Cell) -> bool | None:
        """Whether it is open where there is no table of ours; None where that depends on the engine's version."""
        if cell.to != "server":
            return None
        if cell.port == 22 or cell.port in HOST_PORTS:
            return cell.protocol == "tcp" or cell.port != 22
        _container, address = self.published[cell.port]
        if address == "127.0.0.1":
            return False
        return True if cell.source in ("lan", "wan") else None


def stand_ins(place: Place) -> str:
    """Commands that make the stack's networks, and a container for each instance that publishes something."""
    lines = []
    for number, net in enumerate(place.stack["networks"]):
        internal = "--internal" if net["internal"] else ""
        lines.append(
            f"docker network create {internal} --subnet {net['subnet']} --ipv6 --subnet 2001:db8:f:{number}::/64 "
            f"--opt com.docker.network.bridge.name={net['bridge']} {net['name']} > /dev/null"
        )
    names = {net["key"]: net["name"] for net in place.stack["networks"]}
    ports: dict[str, list[tuple[int, int, str]]] = {}
    for name, one in place.stack["instances"].items():
        holder = name if one["network"]["mode"] == "bridge" else one["gateway"]
        for port in one["ports"]:
            if port["publish"]:
                ports.setdefault(holder, []).append(
                    (port["publish"]["port"], port["listen"], port["publish"]["address"])
                )
    for name, found in ports.items():
        # One network is enough for what is published; what a gateway sends out is asked of `vpn`.
        home = next(
            item for item in place.stack["instances"][name]["network"]["attachments"] if item["network"] == "zone_apps"
        )
        lines.append(container(place, name, found, f"--network {names['zone_apps']} --ip {home['address']}"))
    for name, numbers in FOREIGN.items():
        lines.append(container(place, name, [(port, port, "0.0.0.0") for port in numbers], ""))
    for name in ("edge", "vpn"):
        network = place.network(name)[1]["name"]
        lines.append(f"{RUN} --name {name} --network {network} stand-in sleep infinity > /dev/null")
    return "\n".join(lines)


def container(place: Place, name: str, ports: list[tuple[int, int, str]], network: str) -> str:
    """One stand-in; every port is published for both protocols, so that only the firewall tells them apart."""
    options = []
    for outside, inside, address in ports:
        place.published[outside] = (name, address)
        options += [
            f"--publish {one}:{outside}:{inside}/{protocol}" for one in PUBLISHED_ON[address] for protocol in PROTOCOLS
        ]
    inner = sorted({inside for _outside, inside, _address in ports})
    place.listening[name] = inner[-1]
    listening = json.dumps(inner)
    command = f"python3 -u /traffic.py listen '{json.dumps(PROTOCOLS)}' '{listening}'"
    return f"{RUN} --name {name} {network} {' '.join(options)} stand-in {command} > /dev/null"


def matrix(place: Place) -> list[Cell]:
    """Every source, family and protocol to every port of interest, and past the published ports."""
    ports = sorted({22, *HOST_PORTS, *place.published})
    cells = [Cell(s, f, p, port) for s in SOURCES for f in FAMILIES for p in PROTOCOLS for port in ports]
    inside = place.stack["instances"]["jellyfin"]["ports"][0]["listen"]
    return cells + [Cell(s, f, p, inside, "jellyfin") for s in ("lan", "wan") for f in FAMILIES for p in PROTOCOLS]


def resolved(made: Server, folder: Path) -> dict[str, Any]:
    """The Stack, as the playbooks see it."""
    out = folder / "stack.json"
    play = folder / "resolve.yml"
    play.write_text(RESOLVE % out)
    result = playbook.run(str(play), made.sandbox.inventory, env=made.environment | {"ANSIBLE_ROLES_PATH": "roles"})
    assert result.returncode == 0, result.output
    found: dict[str, Any] = json.loads(out.read_text())
    return found


@pytest.fixture(scope="module", params=["debian12", "debian13"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with server(f"it-packets-{request.param}", release=request.param) as made:
        made.choices.write_text(yaml.safe_dump(CHOICES), encoding="utf-8")
        found = Place(made, resolved(made, tmp_path_factory.mktemp("stack")))
        made.root(f"cat > /opt/traffic.py <<'SCRIPT'\n{TRAFFIC.read_text()}\nSCRIPT")
        made.root(LINKS)
        made.root(ENGINE)
        made.root(stand_ins(found))
        made.root(
            "systemd-run --quiet --unit listeners python3 -u /opt/traffic.py listen "
            f"'{json.dumps(PROTOCOLS)}' '{json.dumps(HOST_PORTS)}'"
        )
        result = made.play("playbooks/harden.yml", "--tags", "firewall")
        assert result.returncode == 0, result.output[-4000:]
        found.wait()
        yield found


def as_declared(place: Place, cells: list[Cell]) -> dict[Cell, bool]:
    """What is open; fails with the cells that are not as declared."""
    found = place.probe(cells, place.declared)
    unlike = [f"{cell}: open={answer}" for cell, answer in found.items() if answer is not place.declared(cell)]
    assert not unlike, "\n".join(unlike)
    return found


def test_every_cell_is_as_declared_and_closed_by_the_table(place: Place) -> None:
    cells = matrix(place)
    assert len(cells) >= 200
    first = as_declared(place, cells)
    assert 20 < sum(first.values()) < len(cells) - 100

    place.server.root(AWAY)
    control = place.probe(cells, lambda cell: place.open_without(cell) or place.declared(cell))
    place.server.root(BACK)
    unlike = [
        f"{cell}: open={answer} without the table"
        for cell, answer in control.items()
        if place.open_without(cell) not in (None, answer)
    ]
    assert not unlike, "\n".join(unlike)
    denied = [cell for cell in cells if not place.declared(cell)]
    opened = Counter(cell.source for cell in denied if control[cell])
    print(f"\n{len(cells)} cells, {len(denied)} denied; open without the table: {dict(opened)}")
    for source, least in {"lan": 30, "wan": 40, "edge": 20, "vpn": 20}.items():
        assert opened[source] >= least, opened
    assert all(control[cell] for cell in cells if place.declared(cell))
    as_declared(place, cells)


def test_it_holds_when_the_engine_is_restarted(place: Place) -> None:
    place.server.root("systemctl restart docker")
    place.wait()
    as_declared(place, matrix(place))


def test_a_flow_that_is_older_than_the_rules_ends_with_them(place: Place) -> None:
    """A datagram flow from outside that the engine let in before there was a table."""
    place.server.root(AWAY)
    ask = f"ip netns exec wan python3 /opt/traffic.py probe '{json.dumps([['udp', f'{WAN}.1', 18080]])}'"
    same_port = (
        'ip netns exec wan python3 -c "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); '
        f"s.bind(('{WAN}.10', 40000)); s.settimeout(2); s.sendto(b'a', ('{WAN}.1', 18080)); print(s.recv(9))\""
    )
    assert json.loads(place.server.root(ask)) == [True]
    assert "b'a'" in place.server.root(same_port)
    place.server.root(BACK)
    assert place.server.root(same_port, check=False) == ""


FLOOD = 300
COUNTED = re.compile(r"counter packets (\d+)")
SEND = (
    "import socket; s = socket.socket(socket.{family}, socket.SOCK_DGRAM); "
    "[s.sendto(b'x', ('{to}', 9100)) for _ in range({count})]"
)


def refusals(place: Place) -> tuple[int, int]:
    """How many packets were logged, and how many were dropped."""
    found = COUNTED.findall(place.server.root("nft list chain inet mediastack_firewall refused"))
    assert len(found) == 2
    return int(found[0]), int(found[1])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_flood_is_dropped_and_little_of_it_is_logged(place: Place, family: int) -> None:
    """The kernel does not print what a container's rules log, so it is counted where the rule passes it on."""
    script = SEND.format(
        family="AF_INET" if family == 4 else "AF_INET6", to=place.server_at("wan")[family], count=FLOOD
    )
    time.sleep(2 * RATE[1] / RATE[0])  # the burst is there in full
    before, began = refusals(place), time.monotonic()
    place.server.root(f'ip netns exec wan python3 -c "{script}"')
    after, took = refusals(place), time.monotonic() - began
    logged, dropped = after[0] - before[0], after[1] - before[1]
    print(f"\nIPv{family}: {dropped} dropped, {logged} logged in {took:.1f} s")
    assert dropped >= FLOOD
    assert 1 <= logged <= RATE[1] + RATE[0] * took + 1
