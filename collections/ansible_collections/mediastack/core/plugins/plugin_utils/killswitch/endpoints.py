"""Where a gateway's tunnel goes: address, protocol and port. Pure.

What is known is used in this order: what the owner declares for the gateway, the gateway's own settings, the servers
that Gluetun keeps in servers.json and may choose from; at last the port alone.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.plugin_utils.killswitch.view import Endpoint, Findings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CUSTOM = "custom"
PROTOCOLS = ("udp", "tcp")
# Ports that Gluetun 3.41 uses unless it is told another: OpenVPN over TCP, over UDP, WireGuard (its internal/provider).
PORTS: dict[str, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = {
    "airvpn": ((443,), (1194,), (1637,)),
    "cyberghost": ((443,), (443,), ()),
    "expressvpn": ((), (1195,), ()),
    "fastestvpn": ((4443,), (4443,), (51820,)),
    "giganews": ((), (443,), ()),
    "hidemyass": ((8080,), (553,), ()),
    "ipvanish": ((), (443,), ()),
    "ivpn": ((443,), (1194,), (58237,)),
    "mullvad": ((443,), (1194,), (51820,)),
    "nordvpn": ((443,), (1194,), (51820,)),
    "perfect privacy": ((443,), (443,), ()),
    "privado": ((1194,), (1194,), ()),
    "private internet access": ((501, 502), (1197, 1198), ()),  # by the strength of encryption
    "privatevpn": ((443,), (1194,), ()),
    "protonvpn": ((443,), (1194,), (51820,)),
    "purevpn": ((80,), (53,), ()),
    "slickvpn": ((443,), (443,), ()),
    "surfshark": ((1443,), (1194,), (51820,)),
    "torguard": ((1912,), (1912,), ()),
    "vpn unlimited": ((), (1194,), ()),
    "vpnsecure": ((110,), (1282,), ()),
    "vyprvpn": ((), (443,), ()),
    "windscribe": ((443,), (1194,), (1194,)),
}
HOST = "host"  # what the server itself is called in `killswitch_endpoints`


def protocol_of(instance: Mapping[str, Any]) -> str:
    """What the tunnel is carried by: udp or tcp."""
    environment, options = instance["environment"], instance["options"]
    if environment.get("VPN_TYPE", options.get("type")) == "wireguard":
        return "udp"
    return "tcp" if environment.get("OPENVPN_PROTOCOL", "udp").startswith("tcp") else "udp"


def kind_of(instance: Mapping[str, Any]) -> str:
    """Return wireguard or openvpn, as the gateway is told."""
    return str(instance["environment"].get("VPN_TYPE", instance["options"].get("type")))


def provider_of(instance: Mapping[str, Any]) -> str:
    """Return the provider's name, as the gateway is told."""
    return str(instance["environment"].get("VPN_SERVICE_PROVIDER", instance["options"].get("provider")))


def ports_of(instance: Mapping[str, Any]) -> tuple[int, ...]:
    """Ports of the tunnel's far end: the one that was set, else those that the provider uses."""
    kind, environment = kind_of(instance), instance["environment"]
    told = environment.get("WIREGUARD_ENDPOINT_PORT" if kind == "wireguard" else "OPENVPN_ENDPOINT_PORT")
    if told and str(told).isdigit() and int(told):
        return (int(told),)
    tcp, udp, wireguard = PORTS.get(provider_of(instance), ((), (), ()))
    return wireguard if kind == "wireguard" else tcp if protocol_of(instance) == "tcp" else udp


def told_address(instance: Mapping[str, Any]) -> str | None:
    """The address that the gateway was given, if any: it then uses no other."""
    name = "WIREGUARD_ENDPOINT_IP" if kind_of(instance) == "wireguard" else "OPENVPN_ENDPOINT_IP"
    return instance["environment"].get(name) or None


def names_to_resolve(declared: Iterable[Mapping[str, Any]], gateways: Iterable[Mapping[str, Any]]) -> list[str]:
    """Host names among the endpoints: the server is asked for their addresses when the rules are made."""
    found = {str(address) for entry in declared for address in entry.get("addresses") or []}
    found |= {address for address in map(told_address, gateways) if address}
    return sorted(one for one in found if not is_address(one))


def is_address(text: str) -> bool:
    """Whether it is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def declared_for(
    gateway: str, declared: Iterable[Mapping[str, Any]], names: Mapping[str, Sequence[str]], findings: Findings
) -> list[Endpoint]:
    """What the owner declares for one gateway, or for the host."""
    found: list[Endpoint] = []
    for entry in declared:
        if entry["gateway"] != gateway:
            continue
        protocol, port = str(entry.get("protocol") or "udp"), int(entry.get("port") or 0)
        addresses = addresses_of(entry.get("addresses") or [], names, "killswitch_endpoints", findings)
        found += [Endpoint(address, protocol, port) for address in addresses]
    return found


def addresses_of(given: Iterable[str], names: Mapping[str, Sequence[str]], where: str, findings: Findings) -> list[str]:
    """Addresses as they are, and those of names."""
    found: list[str] = []
    for one in map(str, given):
        if is_address(one):
            found.append(str(ip_address(one)))
        elif names.get(one):
            found += names[one]
        else:
            findings.problems.append(
                f"{where}: {one!r} does not resolve on this server, so it would be blocked. "
                "Correct the name, or give the address itself."
            )
    return found


def endpoints_of(
    instance: Mapping[str, Any],
    declared: Iterable[Mapping[str, Any]],
    servers: Sequence[Mapping[str, Any]] | None,
    names: Mapping[str, Sequence[str]],
    findings: Findings,
) -> list[Endpoint]:
    """Every end that a gateway's tunnel may have.

    Args:
        instance: the gateway in the Stack.
        declared: `killswitch_endpoints`.
        servers: what servers.json has of its provider: ``[{vpn, country, city, hostname, tcp, udp, ips}]``, or None.
        names: addresses of host names, as the server resolves them.
        findings: where problems and notices are added.

    """
    name = instance["name"]
    told = declared_for(name, declared, names, findings)
    if told or findings.problems:
        return told
    protocol, ports = protocol_of(instance), ports_of(instance)
    if not ports:
        findings.problems.append(
            f"killswitch_endpoints: where the tunnel of {name} goes is not known ({provider_of(instance)}, "
            f"{kind_of(instance)}). Add {{gateway: {name}, addresses: [...], port: ..., protocol: {protocol}}}."
        )
        return []
    given = told_address(instance)
    addresses = (
        addresses_of([given], names, f"the endpoint of {name}", findings) if given else chosen(instance, servers or [])
    )
    if not addresses and not findings.problems:
        findings.notices.append(
            f"{name}: the addresses of {provider_of(instance)}'s servers are not known here, so anything may leave "
            f"to {protocol} port {', '.join(map(str, ports))}. Declare killswitch_endpoints, or run this again when "
            "Gluetun has written its servers.json."
        )
        return [Endpoint(None, protocol, port) for port in ports]
    return [Endpoint(address, protocol, port) for address in addresses for port in ports]


def chosen(instance: Mapping[str, Any], servers: Iterable[Mapping[str, Any]]) -> list[str]:
    """Addresses of the servers that Gluetun may choose with the options it has."""
    options, kind, protocol = instance["options"], kind_of(instance), protocol_of(instance)
    found: set[str] = set()
    for server in servers:
        fits = all(
            not options.get(option) or _spelled(server.get(key)) in {_spelled(one) for one in options[option]}
            for option, key in (("country", "country"), ("city", "city"), ("hostnames", "hostname"))
        )
        carried = kind == "wireguard" or server.get(protocol)
        if fits and carried and server.get("vpn") == kind:
            found |= {str(ip_address(one)) for one in server.get("ips") or [] if is_address(one)}
    return sorted(found)


def _spelled(text: Any) -> str:
    return str(text or "").strip().lower()
