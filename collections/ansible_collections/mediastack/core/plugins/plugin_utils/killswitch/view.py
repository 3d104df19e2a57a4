"""What the kill-switch has to know of the Stack: the gateways' ways, and who else stands on them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EGRESS = "egress_"
ALL = ("tcp", "udp")


@dataclass(frozen=True, order=True)
class Endpoint:
    """Where a tunnel goes; `address` None is any address, with this protocol and port alone."""

    address: str | None
    protocol: str
    port: int

    @property
    def version(self) -> int:
        """4, 6, or 0 for any address."""
        return 0 if self.address is None else 6 if ":" in self.address else 4


@dataclass(frozen=True)
class Gateway:
    """A gateway's way out: its egress bridge, the tunnel's ends, and what it may reach besides."""

    name: str
    bridge: str
    subnet: str
    endpoints: tuple[Endpoint, ...] = ()
    outbound: tuple[str, ...] = ()
    published: tuple[tuple[str, int], ...] = ()  # (protocol, port it listens on)
    listens: tuple[int, ...] = ()  # TCP ports in its namespace, which the host itself may ask


@dataclass(frozen=True)
class Shared:
    """A bridge on which gateways stand among others; `gateways` are their addresses there."""

    bridge: str
    subnet: str
    gateways: tuple[str, ...]


@dataclass(frozen=True)
class Host:
    """The whole server behind a VPN of its own: its interfaces and the tunnel's ends."""

    interfaces: tuple[str, ...]
    endpoints: tuple[Endpoint, ...]
    lan_dns: bool = False


@dataclass(frozen=True)
class View:
    """All that rules are made of. `lan`: who may use what the server offers; `subnets`: the stack's own."""

    gateways: tuple[Gateway, ...] = ()
    shared: tuple[Shared, ...] = ()
    lan: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    host: Host | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to keep in."""
        return not self.gateways and self.host is None


@dataclass
class Findings:
    """What was wrong, and what the owner should know."""

    problems: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def gateways_of(stack: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The instances that have an egress network of their own, by name."""
    named = {network["key"].removeprefix(EGRESS) for network in stack["networks"] if network["key"].startswith(EGRESS)}
    return [stack["instances"][name] for name in sorted(named) if name in stack["instances"]]


def gateway_of(stack: Mapping[str, Any], instance: Mapping[str, Any], endpoints: Sequence[Endpoint]) -> Gateway:
    """A gateway with its way out."""
    name = instance["name"]
    network = next(one for one in stack["networks"] if one["key"] == f"{EGRESS}{name}")
    inside = [one for one in stack["instances"].values() if name in (one["name"], one["gateway"])]
    published = {
        (port["protocol"], int(port["listen"]))
        for one in inside
        for port in one["ports"]
        if port["publish"] and port["publish"]["address"] != "127.0.0.1"
    }
    return Gateway(
        name=name,
        bridge=network["bridge"],
        subnet=network["subnet"],
        endpoints=tuple(sorted(endpoints, key=str)),
        outbound=tuple(instance["options"].get("outbound_subnets") or ()),
        published=tuple(sorted(published)),
        listens=tuple(
            sorted({int(port["listen"]) for one in inside for port in one["ports"] if port["protocol"] == "tcp"})
        ),
    )


def shared_of(stack: Mapping[str, Any]) -> tuple[Shared, ...]:
    """The bridges that gateways share with others."""
    addresses: dict[str, list[str]] = {}
    for gateway in gateways_of(stack):
        for attachment in gateway["network"]["attachments"]:
            addresses.setdefault(attachment["network"], []).append(attachment["address"])
    return tuple(
        Shared(network["bridge"], network["subnet"], tuple(sorted(addresses[network["key"]])))
        for network in stack["networks"]
        if network["key"] in addresses and not network["key"].startswith(EGRESS)
    )
