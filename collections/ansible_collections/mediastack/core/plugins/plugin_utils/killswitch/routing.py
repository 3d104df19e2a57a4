"""The same in policy routing, which a foreign `nft flush ruleset` does not touch. Pure.

Rules of their own, between LOWEST and END, before the main table is asked. What may leave jumps over the black holes;
where a jump has lost its target the kernel goes on to the black hole.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.mediastack.core.plugins.plugin_utils.killswitch.view import Endpoint, Gateway, View

LOWEST, GATEWAY, ALLOWED, MEMBERS, HOLE, END = 700, 710, 720, 730, 780, 790
# By number: a small server has no /etc/protocols, and ip on Debian 12 then knows no names.
PROTOCOLS = {"tcp": "6", "udp": "17"}
MANY = 64  # rules are tried one after the other; the table of nftables holds any number


def rules(view: View) -> dict[str, list[list[str]]]:
    """The words of `ip rule add` for each family, in order of priority: ``{"4": [[…]], "6": [[…]]}``."""
    if not view.gateways:
        return {"4": [], "6": []}
    return {"4": _sorted(_family(view, 4)), "6": _sorted(_family(view, 6))}


def _family(view: View, version: int) -> list[tuple[int, list[str]]]:
    found: list[tuple[int, list[str]]] = []
    for gateway in view.gateways:
        way = ["iif", gateway.bridge]
        found += [(ALLOWED, [*way, *words, "goto", str(END)]) for words in _allowed(gateway, view, version)]
        found.append((HOLE, [*way, "blackhole"]))
    for shared in view.shared:
        way = ["iif", shared.bridge]
        if _version(shared.subnet) == version:
            found += [(GATEWAY, ["from", address, *way, "blackhole"]) for address in shared.gateways]
            found.append((MEMBERS, ["from", shared.subnet, *way, "goto", str(END)]))
        found.append((HOLE, [*way, "blackhole"]))
    return [*found, (END, ["nop"])]


def _allowed(gateway: Gateway, view: View, version: int) -> list[list[str]]:
    """What may leave a gateway's bridge, as selectors."""
    own = ["from", gateway.subnet] if _version(gateway.subnet) == version else None
    if own is None:
        return []  # the bridge has no addresses of this family
    answers = [
        [*own, "to", subnet, "ipproto", PROTOCOLS[protocol], "sport", str(port)]
        for protocol, port in gateway.published
        for subnet in _of(view.lan, version)
    ]
    return [
        *([*own, *words] for words in _ends(gateway.endpoints, version)),
        *([*own, "to", subnet] for subnet in _of(gateway.outbound, version)),
        *answers,
    ]


def _ends(endpoints: Iterable[Endpoint], version: int) -> list[list[str]]:
    """The tunnel's ends; by port alone where there are too many of them to be tried in turn."""
    mine = [one for one in endpoints if one.version in (0, version)]
    if len(mine) > MANY:
        ports = sorted({(one.protocol, one.port) for one in mine})
        return [["ipproto", PROTOCOLS[protocol], "dport", str(port)] for protocol, port in ports]
    return [
        [*(["to", one.address] if one.address else []), "ipproto", PROTOCOLS[one.protocol], "dport", str(one.port)]
        for one in mine
    ]


def _of(subnets: Iterable[str], version: int) -> list[str]:
    return [subnet for subnet in subnets if _version(subnet) == version]


def _version(subnet: str) -> int:
    return ip_network(subnet, strict=False).version


def _sorted(found: list[tuple[int, list[str]]]) -> list[list[str]]:
    """In order of priority, each once."""
    lines = [["priority", str(priority), *words] for priority, words in sorted(found, key=lambda one: one[0])]
    return [words for index, words in enumerate(lines) if words not in lines[:index]]
