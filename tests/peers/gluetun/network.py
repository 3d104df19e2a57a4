"""Links, routes, rules, firewall: what the kernel has, and what it is told."""

from __future__ import annotations

import ipaddress
import json
import subprocess
from dataclasses import dataclass
from typing import Any

from peers.gluetun.settings import Firewall, Network, Settings, Tunnel

# priorities and tables as the real one has them
LOCAL, OUTBOUND, INBOUND, MARKED = 98, 99, 100, 101
OUTBOUND_TABLE, INBOUND_TABLE, TUNNEL_TABLE = 199, 200, 51820
MARK = 51820
TABLE = "gluetun"


def run(*command: str, text: str | None = None, check: bool = True) -> str:
    """Run a program within 10 seconds and return its output; the error carries what it said."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=10, check=False)
    if check and done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def read_json(*command: str) -> list[dict[str, Any]]:
    """Output of `ip -json …`."""
    return json.loads(run("ip", "-json", *command) or "[]")  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Link:
    """An address of a local interface and its network."""

    interface: str
    address: ipaddress.IPv4Interface | ipaddress.IPv6Interface

    @property
    def network(self) -> Network:
        """The directly connected network."""
        return self.address.network

    @property
    def version(self) -> int:
        """4 or 6."""
        return self.address.version


@dataclass(frozen=True)
class Route:
    """A default route."""

    link: Link
    gateway: str


def links(tunnel: str) -> list[Link]:
    """Addresses of every interface but loopback and the tunnel."""
    found = []
    for entry in read_json("address", "show"):
        if entry["ifname"] in {"lo", tunnel}:
            continue
        for info in entry["addr_info"]:
            if info["scope"] == "global":
                address = ipaddress.ip_interface(f"{info['local']}/{info['prefixlen']}")
                found.append(Link(entry["ifname"], address))
    return found


def defaults(known: list[Link]) -> list[Route]:
    """Default routes of both families, by interface and the address we have there."""
    found = []
    for family in ("-4", "-6"):
        for entry in read_json(family, "route", "show", "default"):
            for link in known:
                if link.interface == entry["dev"] and f"-{link.version}" == family and "gateway" in entry:
                    found.append(Route(link, entry["gateway"]))
                    break
    return found


def ipv6_supported() -> bool:
    """Whether any route but loopback's is IPv6, as the real one decides."""
    return any(entry.get("dev") != "lo" for entry in read_json("-6", "route", "show"))


def _family(network: ipaddress.IPv4Address | ipaddress.IPv6Address | Network) -> str:
    return "ip6" if network.version == 6 else "ip"


def ruleset(
    settings: Firewall,
    tunnel: Tunnel,
    known: list[Link],
    routes: list[Route],
    *,
    forwarded: tuple[int, int] | None = None,
) -> str:
    """The firewall as one nftables transaction: drop in, out and through, both families; then, in this order,
    loopback, established, VPN endpoint, local networks, outbound subnets, input ports, the tunnel.

    `forwarded` is (port that the provider forwards, port it is redirected to or 0).
    """
    into = ['iifname "lo" accept', "ct state established,related accept"]
    out = ['oifname "lo" accept', "ct state established,related accept"]
    endpoint = ipaddress.ip_address(tunnel.endpoint)
    interfaces = sorted({link.interface for link in known})
    default_interfaces = sorted({route.link.interface for route in routes})
    out += [f'oifname "{name}" {_family(endpoint)} daddr {endpoint} udp dport {tunnel.port} accept'
            for name in default_interfaces]  # fmt: skip
    out += [f'oifname "{link.interface}" {_family(link.network)} saddr {link.address.ip} '
            f"{_family(link.network)} daddr {link.network} accept" for link in known]  # fmt: skip
    out += [f'oifname "{name}" icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} accept' for name in interfaces]
    into += [f'iifname "{name}" icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert }} accept'
             for name in interfaces]  # fmt: skip
    out += [f'oifname "{route.link.interface}" {_family(subnet)} saddr {route.link.address.ip} '
            f"{_family(subnet)} daddr {subnet} accept"
            for subnet in settings.outbound_subnets for route in routes
            if route.link.version == subnet.version]  # fmt: skip
    into += [f'iifname "{link.interface}" {_family(link.network)} daddr {link.network} accept' for link in known]
    for port in settings.input_ports:
        into += [f'iifname "{name}" {protocol} dport {port} accept'
                 for name in default_interfaces for protocol in ("tcp", "udp")]  # fmt: skip
    ports = list(settings.vpn_input_ports) + [port for port in (forwarded or ()) if port]
    into += [f'iifname "{tunnel.interface}" {protocol} dport {port} accept'
             for port in ports for protocol in ("tcp", "udp")]  # fmt: skip
    out.append(f'oifname "{tunnel.interface}" accept')
    redirect = ""
    if forwarded and forwarded[1]:
        rules = "; ".join(f'iifname "{tunnel.interface}" {protocol} dport {forwarded[0]} redirect to :{forwarded[1]}'
                          for protocol in ("tcp", "udp"))  # fmt: skip
        redirect = f"chain redirect {{ type nat hook prerouting priority dstnat; {rules} }}"
    return (
        f"table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n"
        + _chain("input", into) + _chain("forward", []) + _chain("output", out) + redirect + "\n}\n"
    )  # fmt: skip


def _chain(name: str, rules: list[str]) -> str:
    lines = "".join(f"    {rule}\n" for rule in rules)
    return f"  chain {name} {{\n    type filter hook {name} priority filter; policy drop;\n{lines}  }}\n"


def closed() -> str:
    """The first transaction: nothing passes but loopback, until links and routes are known."""
    rules = {"input": ['iifname "lo" accept'], "forward": [], "output": ['oifname "lo" accept']}
    chains = "".join(_chain(name, entries) for name, entries in rules.items())
    return f"table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n{chains}}}\n"


def load(rules: str) -> None:
    """Load a ruleset in one transaction."""
    run("nft", "-f", "-", text=rules)


def _rule(version: int, *words: str) -> None:
    """Add a policy rule once."""
    run("ip", f"-{version}", "rule", "del", *words, check=False)
    run("ip", f"-{version}", "rule", "add", *words)


def set_policy(settings: Settings, known: list[Link], routes: list[Route]) -> None:
    """Local networks and outbound subnets outside the tunnel, replies to callers by the way they came."""
    for link in known:
        _rule(link.version, "to", str(link.network), "lookup", "main", "priority", str(LOCAL))
    for route in routes:
        version, device = f"-{route.link.version}", route.link.interface
        for subnet in settings.firewall.outbound_subnets:
            if subnet.version == route.link.version:
                via = ("via", route.gateway, "dev", device, "table", str(OUTBOUND_TABLE))
                run("ip", version, "route", "replace", str(subnet), *via)
                _rule(
                    subnet.version,
                    "to",
                    str(subnet),
                    "lookup",
                    str(OUTBOUND_TABLE),
                    "priority",
                    str(OUTBOUND),
                )
        via = ("via", route.gateway, "dev", device, "table", str(INBOUND_TABLE))
        run("ip", version, "route", "replace", "default", *via)
        own = str(route.link.address.ip)
        _rule(route.link.version, "from", own, "lookup", str(INBOUND_TABLE), "priority", str(INBOUND))


def route_tunnel(tunnel: Tunnel) -> None:
    """Addresses on the tunnel, and everything unmarked through it."""
    for address in tunnel.addresses:
        run("ip", f"-{address.version}", "address", "replace", str(address), "dev", tunnel.interface)
    run("ip", "link", "set", tunnel.interface, "mtu", str(tunnel.mtu), "up")
    versions = {address.version for address in tunnel.addresses}
    for network in tunnel.allowed:
        if network.version in versions:
            run("ip", f"-{network.version}", "route", "replace", str(network), "dev", tunnel.interface,
                "table", str(TUNNEL_TABLE))  # fmt: skip
    for version in versions:
        _rule(version, "not", "fwmark", str(MARK), "lookup", str(TUNNEL_TABLE), "priority", str(MARKED))
