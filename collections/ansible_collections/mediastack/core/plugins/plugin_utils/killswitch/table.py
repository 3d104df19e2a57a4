"""The table `inet mediastack_killswitch` as text. Pure.

An accept ends this table's part only; whatever other tables drop stays dropped. There is no accept of established
flows before the drops: a flow that is older than the table must not outlive it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.mediastack.core.plugins.plugin_utils.killswitch.view import (
        Endpoint,
        Gateway,
        Host,
        Shared,
        View,
    )

NAME = "mediastack_killswitch"
PRIORITY = -10  # before Docker's and the distribution's: an accept there cannot override a drop here
FAMILIES = {4: ("v4", "ipv4_addr", "ip"), 6: ("v6", "ipv6_addr", "ip6")}
LOG = 'limit rate 6/minute burst 3 packets log prefix "mediastack-killswitch: " level notice'


def render(view: View) -> str:
    """One transaction that replaces the table, whether it was there or not."""
    sets = [
        *_names("egress", [gateway.bridge for gateway in view.gateways]),
        *_subnets("lan", view.lan),
        *(line for gateway in view.gateways for line in _sets_of(_of(gateway), gateway.endpoints)),
        *(line for gateway in view.gateways for line in _subnets(f"{_of(gateway)}_outbound", gateway.outbound)),
    ]
    if view.host:
        sets += [
            *_names("tunnels", view.host.interfaces),
            *_sets_of("host", view.host.endpoints),
            *_subnets("stack", view.subnets),
        ]
    chains = [
        *(line for gateway in view.gateways for line in _way_out(gateway, view)),
        *(line for shared in view.shared for line in _among_others(shared)),
        *_chain("forward", "forward", _forwarded(view)),
        *_chain("input", "input", _received(view)),
        *(_chain("output", "output", _sent(view.host)) if view.host else []),
    ]
    body = "".join(f"    {line}\n" if line else "\n" for line in [*sets, *chains])
    return f"table inet {NAME}\ndelete table inet {NAME}\ntable inet {NAME} {{\n{body}}}\n"


def _of(gateway: Gateway) -> str:
    """How the names of a gateway's sets begin: its own name may begin with a digit, or be that of another set."""
    return f"of_{gateway.name}"


def _block(head: str, lines: Iterable[str]) -> list[str]:
    return [f"{head} {{", *(f"    {line}" for line in lines), "}", ""]


def _elements(values: Iterable[str]) -> list[str]:
    found = sorted(set(values))
    return [f"elements = {{ {', '.join(found)} }}"] if found else []


def _names(name: str, values: Iterable[str]) -> list[str]:
    return _block(f"set {name}", ["type ifname", *_elements(f'"{value}"' for value in values)])


def _subnets(name: str, values: Iterable[str]) -> list[str]:
    """One set for each family: of subnets."""
    lines = []
    for version, (suffix, kind, _word) in FAMILIES.items():
        mine = [value for value in values if (":" in value) == (version == 6)]  # noqa: PLR2004  the families' names
        lines += _block(f"set {name}_{suffix}", [f"type {kind}", "flags interval", "auto-merge", *_elements(mine)])
    return lines


def _sets_of(name: str, endpoints: Iterable[Endpoint]) -> list[str]:
    """The ends of one tunnel: by address and port, or by port alone where no address is known."""
    endpoints = list(endpoints)
    lines = []
    for version, (suffix, kind, _word) in FAMILIES.items():
        mine = [f"{one.address} . {one.protocol} . {one.port}" for one in endpoints if one.version == version]
        body = [f"type {kind} . inet_proto . inet_service", *_elements(mine)]
        lines += _block(f"set {name}_endpoints_{suffix}", body)
    ports = [f"{one.protocol} . {one.port}" for one in endpoints if one.address is None]
    return lines + _block(f"set {name}_ports", ["type inet_proto . inet_service", *_elements(ports)])


def _to_endpoints(name: str) -> list[str]:
    return [
        *(
            f"{word} daddr . meta l4proto . th dport @{name}_endpoints_{suffix} accept"
            for suffix, _kind, word in FAMILIES.values()
        ),
        f"meta l4proto . th dport @{name}_ports accept",
    ]


def _to(name: str, condition: str = "") -> list[str]:
    return [f"{word} daddr @{name}_{suffix}{condition} accept" for suffix, _kind, word in FAMILIES.values()]


def _way_out(gateway: Gateway, view: View) -> list[str]:
    """What leaves an egress bridge: to the tunnel's end, to declared networks, answers to the LAN."""
    answers = [
        line
        for protocol, port in gateway.published
        for line in _to("lan", f" ct direction reply {protocol} sport {port}")
        if view.lan
    ]
    lines = [*_to_endpoints(_of(gateway)), *_to(f"{_of(gateway)}_outbound"), *answers]
    return _block(f"chain from_{gateway.name}", lines)


def _among_others(shared: Shared) -> list[str]:
    """What leaves a shared bridge: of its members all, of a gateway and of a borrowed address nothing."""
    addresses = ", ".join(shared.gateways)
    return _block(
        f"chain off_{shared.bridge}",
        ["meta nfproto ipv6 drop", f"ip saddr {{ {addresses} }} drop", f"ip saddr != {shared.subnet} drop"],
    )


def _chain(name: str, hook: str, lines: Iterable[str]) -> list[str]:
    return _block(f"chain {name}", [f"type filter hook {hook} priority {PRIORITY}; policy accept;", *lines])


def _forwarded(view: View) -> list[str]:
    lines = [
        f'iifname "{gateway.bridge}" ip saddr {gateway.subnet} jump from_{gateway.name}' for gateway in view.gateways
    ]
    lines += [f"iifname @egress {LOG}", "iifname @egress counter drop"]
    # A frame that stays on its bridge passes here, too, where the kernel shows bridged traffic to this hook.
    lines += [f'iifname "{one.bridge}" oifname != "{one.bridge}" jump off_{one.bridge}' for one in view.shared]
    if view.host:
        lines += ["oifname @tunnels accept", *_to("lan"), *_to("stack"), f"{LOG}", "counter drop"]
    return lines


def _received(view: View) -> list[str]:
    """A gateway asks nothing of the host: a forwarder of names there would carry its questions out.

    It answers what the host asks of its services. The direction of a flow alone does not tell that: where tracking
    begins between a question and its answer, the answer is taken for the first packet. So ports have to fit, too.
    """
    ports = sorted({port for gateway in view.gateways for port in gateway.listens})
    answers = f"tcp sport {{ {', '.join(map(str, ports))} }} tcp dport >= 1024 ct direction reply accept"
    lines = [
        f'iifname "{gateway.bridge}" ip saddr {gateway.subnet} {answers}'
        for gateway in view.gateways
        if gateway.listens
    ]
    lines += [f"iifname @egress {LOG}", "iifname @egress counter drop"]
    for one in view.shared:
        source = f'iifname "{one.bridge}" ip saddr {{ {", ".join(one.gateways)} }}'
        lines += [
            f'iifname "{one.bridge}" meta nfproto ipv6 drop',
            f'iifname "{one.bridge}" ip saddr != {one.subnet} drop',
        ]
        lines += [f"{source} {answers}"] if ports else []
        lines.append(f"{source} counter drop")
    return lines


def _sent(host: Host) -> list[str]:
    """What the server itself sends, where it is behind a VPN of its own.

    A resolver on the LAN asks the provider's or another one past the tunnel: names go there only if the owner says so.
    """
    neighbours = "nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-report, mld2-listener-report"
    return [
        'oifname "lo" accept',
        "oifname @tunnels accept",
        *_to_endpoints("host"),
        *_to("stack"),
        *([] if host.lan_dns else ["meta l4proto { tcp, udp } th dport { 53, 853 } counter drop"]),
        *_to("lan"),
        "udp sport 68 udp dport 67 accept",
        "ip6 daddr { fe80::/10, ff02::/16 } udp sport 546 udp dport 547 accept",
        f"ip6 hoplimit 255 icmpv6 type {{ {neighbours} }} accept",
        f"{LOG}",
        "counter drop",
    ]
