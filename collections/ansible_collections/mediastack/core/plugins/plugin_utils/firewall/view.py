"""Who may reach what: the Stack's allowances and the owner's own, by the source that they are for. Pure."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LAN, INTERNET = "lan", "internet"
ZONES = (LAN, INTERNET)
PORTS = range(1, 65536)
Network = IPv4Network | IPv6Network
Span = tuple[int, int]


@dataclass
class Source:
    """Somewhere that packets come from, and the ports that are open to it. Without networks: anywhere."""

    name: str
    networks: list[Network] = field(default_factory=list)
    ports: dict[str, set[Span]] = field(default_factory=lambda: {"tcp": set(), "udp": set()})

    def family(self, version: int) -> list[str]:
        """The networks of one family, without overlaps."""
        if version == 4:  # noqa: PLR2004 - versions of IP
            return [str(one) for one in collapse_addresses(n for n in self.networks if isinstance(n, IPv4Network))]
        return [str(one) for one in collapse_addresses(n for n in self.networks if isinstance(n, IPv6Network))]

    def holds(self, address: str) -> bool:
        """Whether an address belongs to it."""
        one = ip_address(address.partition("%")[0])
        return any(one in network for network in self.networks)


@dataclass
class View:
    """All that the table is made of."""

    lan: Source = field(default_factory=lambda: Source("lan"))
    anywhere: Source = field(default_factory=lambda: Source("all"))
    others: list[Source] = field(default_factory=list)
    ssh_ports: list[int] = field(default_factory=list)
    ssh_from: str = "anywhere"
    ssh_rate: int = 20
    inside: list[str] = field(default_factory=list)
    log: bool = True
    log_rate: int = 5

    @property
    def sources(self) -> list[Source]:
        """All of them, the widest first."""
        return [self.anywhere, self.lan, *self.others]


def view_of(stack: Mapping[str, Any], facts: Mapping[str, Any], wanted: Mapping[str, Any], problems: list[str]) -> View:
    """Read the choices; what is wrong with them is added to `problems`, and left out."""
    view = View(
        ssh_ports=ssh_ports(facts, wanted),
        ssh_from=str(wanted["ssh_from"]),
        ssh_rate=int(wanted["ssh_rate"]),
        inside=[one["bridge"] for one in stack["networks"] if not one["key"].startswith("egress_")],
        log=bool(wanted["log"]),
        log_rate=int(wanted["log_rate"]),
    )
    view.lan.networks = [ip_network(one) for one in stack["lan"]]
    for number, text in enumerate(wanted["lan_ipv6"]):
        found = subnet_of(text, f"firewall_lan_ipv6[{number}]", problems)
        if found and not isinstance(found, IPv6Network):
            problems.append(
                f"firewall_lan_ipv6[{number}]: {text} is IPv4. Remedy: IPv4 subnets go to mediastack_network.lan"
            )
        elif found and not found.prefixlen:
            problems.append(f"firewall_lan_ipv6[{number}]: {text} is the whole Internet. Remedy: name your own prefix")
        elif found:
            view.lan.networks.append(found)
    for allowance in stack["allowances"]:
        source = {LAN: view.lan, INTERNET: view.anywhere}.get(allowance["from"])
        if source:
            source.ports[allowance["protocol"]].add((allowance["port"], allowance["port"]))
    for number, entry in enumerate(wanted["allow"]):
        add_own(view, entry, f"firewall_allow[{number}]", problems)
    return view


def ssh_ports(facts: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[int]:
    """Where sshd answers now, and where it will."""
    return sorted({*facts["ssh_ports"], *([wanted["ssh_port"]] if wanted["ssh_port"] in PORTS else [])})


def add_own(view: View, entry: Mapping[str, Any], where: str, problems: list[str]) -> None:
    """One entry of `firewall_allow`: ``{port, protocol, from}``."""
    span = span_of(entry.get("port"), f"{where}.port", problems)
    given = entry.get("from", LAN)
    words = [str(one) for one in (given if isinstance(given, list) else [given])]
    protocol = str(entry.get("protocol", "tcp"))
    networks: list[Network] = []
    for word in words:
        if word in ZONES:
            if span:
                (view.lan if word == LAN else view.anywhere).ports[protocol].add(span)
        elif found := subnet_of(word, f"{where}.from", problems):
            networks.append(found)
    if not words:
        problems.append(f"{where}.from: is empty. Remedy: lan, internet, or subnets")
    if networks and span:
        source = next((one for one in view.others if set(one.networks) == set(networks)), None)
        if source is None:
            source = Source(f"from{len(view.others) + 1}", networks)
            view.others.append(source)
        source.ports[protocol].add(span)


def span_of(given: Any, where: str, problems: list[str]) -> Span | None:
    """A port, or a range such as ``8000-8100``."""
    first, dash, last = str(given).strip().partition("-")
    numbers = [
        int(one) if one.isascii() and one.isdigit() else 0 for one in ((first, last) if dash else (first, first))
    ]
    if any(one not in PORTS for one in numbers) or numbers[0] > numbers[1]:
        problems.append(f"{where}: {given!r} is no port. Remedy: 1 to 65535, or a range such as 8000-8100")
        return None
    return numbers[0], numbers[1]


def subnet_of(text: Any, where: str, problems: list[str]) -> Network | None:
    """A subnet, or a single address."""
    word = str(text)
    try:
        return ip_network(word)
    except ValueError as error:
        zones = f"; zones are {' and '.join(ZONES)}" if where.endswith(".from") else ""
        remedy = "such as 192.168.1.0/24 or 2001:db8::/48"
        with suppress(ValueError):
            remedy = f"write {ip_network(word, strict=False)}"
        problems.append(f"{where}: {word!r} is no subnet ({error}){zones}. Remedy: {remedy}")
        return None


def admitted(view: View, address: str) -> bool:
    """Whether SSH is open to an address."""
    if view.ssh_from != LAN or ip_address(address.partition("%")[0]).is_loopback:
        return True
    return view.lan.holds(address) or any(
        first <= port <= last
        for source in view.sources
        if source is view.anywhere or source.holds(address)
        for first, last in source.ports["tcp"]
        for port in view.ssh_ports
    )


def spans(source: Source, protocol: str) -> Sequence[Span]:
    """The ports that are open to a source."""
    return sorted(source.ports[protocol])


def described(sources: Iterable[Source]) -> list[str]:
    """One line for each source with open ports, for people."""
    return [
        f"{source.name}: {protocol} {', '.join(f'{a}' if a == b else f'{a}-{b}' for a, b in spans(source, protocol))}"
        for source in sources
        for protocol in ("tcp", "udp")
        if source.ports[protocol]
    ]
