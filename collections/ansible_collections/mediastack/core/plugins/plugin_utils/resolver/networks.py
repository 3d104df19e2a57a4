"""Networks, static addresses, and who stands in which network.

An address is a stable function of the name: its hash, then probing. The names of the catalogue take theirs
first, whether they run or not, so that switching a service on or off moves nothing.
"""

from __future__ import annotations

from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from ansible_collections.mediastack.core.plugins.plugin_utils.resolver.relations import uses_socket

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.mediastack.core.plugins.plugin_utils.resolver.model import Instance, Server
    from ansible_collections.mediastack.core.plugins.plugin_utils.stack_types import Attachment, Network

APPS, PROXIED, SOCKET = "zone_apps", "zone_proxied", "zone_socket"
FIXED = (APPS, PROXIED, SOCKET)
FIRST_HOST, LAST_HOST = 10, 250
BRIDGE_LENGTH = 15
SLOTS = LAST_HOST - FIRST_HOST + 1


def subnets(server: Server) -> dict[str, IPv4Network]:
    """Cut the networks from the subnet, in a fixed order."""
    keys = [*FIXED, *(egress(gateway.name) for gateway in server.gateways)]
    whole = IPv4Network(server.setting("network")["subnet"])
    cut = dict(zip(keys, whole.subnets(new_prefix=24), strict=False))
    if len(cut) < len(keys):
        room = len(cut) - len(FIXED)
        text = f"'{whole}' has room for {room} VPN gateways, and there are {len(server.gateways)}."
        server.add(("mediastack_network", "subnet"), text, "Choose a shorter prefix length.")
        cut |= {key: cut[APPS] for key in keys if key not in cut}
    return cut


def egress(gateway: str) -> str:
    """Return the key of a gateway's egress network."""
    return f"egress_{gateway}"


def bridge(prefix: str, key: str) -> str:
    """Return the name of a network's interface on the host: the firewall knows it before the network is there.

    Linux allows 15 characters (netdevice(7)). What does not fit, or belongs to a stack of another name, is told
    apart by a hash.
    """
    readable = f"ms-{key.removeprefix('zone_').replace('egress_', 'eg-', 1)}"
    if prefix == "mediastack" and len(readable) <= BRIDGE_LENGTH:
        return readable
    return f"{readable[:8]}-{sha256(f'{prefix}_{key}'.encode()).hexdigest()[:6]}"


def memberships(server: Server) -> dict[str, list[str]]:
    """Return, for each instance with an address of its own, the keys of its networks."""
    proxied_through = {one.gateway for one in server.in_order() if one.zone == "proxied"}
    result = {}
    for instance in server.in_order():
        if instance.shares_namespace or instance.zone in ("host", "native"):
            continue
        keys = {"proxied": [PROXIED], "socket": [SOCKET]}.get(instance.zone, [APPS])
        if instance.is_gateway:
            keys = [egress(instance.name), APPS]
            keys += [PROXIED] if instance.name in proxied_through else []
        elif instance.zone in ("apps", "edge"):
            keys += [PROXIED] if proxied_through else []
        if uses_socket(instance) and SOCKET not in keys:
            keys.append(SOCKET)
        result[instance.name] = keys
    return result


def attach(server: Server) -> tuple[list[Network], dict[str, list[Attachment]]]:
    """Return the networks that are used, and each instance's addresses in them."""
    cut, members = subnets(server), memberships(server)
    attachments: dict[str, list[Attachment]] = {name: [] for name in members}
    for key, subnet in cut.items():
        names = [name for name, keys in members.items() if key in keys]
        if len(names) > SLOTS:
            text = f"{len(names)} instances are more than the network {subnet} holds."
            server.add(("mediastack_services",), text, f"Spread them over several servers, {SLOTS} on each at most.")
            continue
        pinned = _pinned(server, subnet, names) if key == APPS else {}
        known = list(server.catalogue) if key in FIXED else []
        given = addresses(subnet, names, known, pinned)
        for name in names:
            attachments[name].append({"network": key, "address": given[name]})
    prefix = server.setting("network")["name"]
    used = {key for keys in members.values() for key in keys} | {APPS}
    networks: list[Network] = [
        {
            "key": key,
            "name": f"{prefix}_{key}",
            "bridge": bridge(prefix, key),
            "subnet": str(subnet),
            "gateway": str(subnet[1]),
            "internal": key in (PROXIED, SOCKET),
            "project": _project(server, [name for name, keys in members.items() if key in keys]),
        }
        for key, subnet in cut.items()
        if key in used
    ]
    return networks, attachments


def addresses(
    subnet: IPv4Network, names: Iterable[str], known: Iterable[str] = (), pinned: dict[str, str] | None = None
) -> dict[str, str]:
    """Give every name an address: pinned ones as they are, then the catalogue's names, then the rest.

    A name goes to the slot of its hash, or to the next free one. A catalogue larger than the network cannot
    reserve: then only the names that run take slots.
    """
    given = dict(pinned or {})
    taken = set(given.values())
    wanted = set(names)
    first = sorted(set(known), key=_rank)
    rest = sorted(wanted - set(first), key=_rank)
    if len(wanted | set(first)) > SLOTS:
        first = sorted(wanted & set(first), key=_rank)
    for name in [*first, *rest]:
        if name in given:
            continue
        start = _rank(name)[0] % SLOTS
        free = (str(subnet[FIRST_HOST + (start + step) % SLOTS]) for step in range(SLOTS))
        address = next(one for one in free if one not in taken)
        given[name] = address
        taken.add(address)
    return {name: given[name] for name in sorted(wanted)}


def _rank(name: str) -> tuple[int, str]:
    return int.from_bytes(sha256(name.encode()).digest()[:4], "big"), name


def _pinned(server: Server, subnet: IPv4Network, names: list[str]) -> dict[str, str]:
    pinned: dict[str, str] = {}
    for name in names:
        address = server.instances[name].overrides.get("address")
        if address is None:
            continue
        instance = server.instances[name]
        usable = ":" not in address and IPv4Address(address) in list(subnet)[2:-1]
        if not usable:
            text = f"'{address}' is not an address of the apps network {subnet}."
            server.wrong(instance, ("address",), text, f"Choose one from {subnet[2]} to {subnet[-2]}.")
        elif address in pinned.values():
            other = next(one for one, taken in pinned.items() if taken == address)
            server.wrong(
                instance,
                ("address",),
                f"'{other}' has the address {address} already.",
                "Choose another address.",
            )
        else:
            pinned[name] = address
    return pinned


def _project(server: Server, names: list[str]) -> str:
    projects = sorted({server.instances[name].project for name in names})
    return projects[0] if projects else str(server.setting("compose")["project"])


def reached_at(instance: Instance, networks: list[Network]) -> str | None:
    """Return the name or address under which others in the apps network reach an instance."""
    if instance.shares_namespace:
        return instance.gateway
    if instance.zone in ("host", "native"):
        return next(network["gateway"] for network in networks if network["key"] == APPS)
    return instance.name
