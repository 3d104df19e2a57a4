"""The table `mediastack_firewall` as text. Pure.

Docker sends what comes to a published port to the forward hook, already with the container's address: there the port
that the sender asked for is the flow's original one. Every packet of a flow is judged, so that one that is older than
the rules ends with them; answers are told by their direction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.mediastack.core.plugins.plugin_utils.nft_text import (
    chain,
    interfaces,
    merged,
    named_set,
    seen_set,
    text,
)

if TYPE_CHECKING:
    from ansible_collections.mediastack.core.plugins.plugin_utils.firewall.view import Source, View

NAME = "mediastack_firewall"
PRIORITY = -10  # before Docker's and the distribution's rules: what they accept is dropped here all the same
PREFIX = "mediastack drop: "
OURS = '"ms-*"'  # the bridges of the stack; those of later runs as well
VPN = 'iifname "ms-eg-*"'  # what has nothing but a tunnel has nothing to look for on the server
REFUSE = "jump refused"
FAMILIES = ((4, "ip"), (6, "ip6"))
PROTOCOLS = ("tcp", "udp")
SEEN = 65535  # sources that the rate of SSH is counted of at a time; beyond that they are let through
BOGUS = (
    "ct state invalid drop",
    "tcp flags & (fin | syn) == fin | syn drop",
    "tcp flags & (syn | rst) == syn | rst drop",
    "tcp flags & (fin | syn | rst | psh | ack | urg) == 0x0 drop",
    "tcp flags & (fin | syn | rst | psh | ack | urg) == fin | psh | urg drop",
)
ERRORS = "limit rate 50/second burst 100 packets accept"
PING = "limit rate 10/second burst 20 packets accept"
LISTENERS = "{ mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report }"
# Neighbour discovery is not limited: who could flood it is on the link, and would only have to use up the limit to cut
# the server off. A hop limit of 255 shows that it comes from there.
ICMP = (
    f"icmp type {{ destination-unreachable, time-exceeded, parameter-problem }} {ERRORS}",
    f"icmp type echo-request {PING}",
    "icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 accept",
    f"ip6 saddr fe80::/10 icmpv6 type {LISTENERS} accept",
    f"icmpv6 type {{ destination-unreachable, packet-too-big, time-exceeded, parameter-problem }} {ERRORS}",
    f"icmpv6 type echo-request {PING}",
)
OPEN_SSH = ("tcp dport @ssh_ports ct state established accept", "tcp dport @ssh_ports jump ssh")
DHCP = ("udp sport 67 udp dport 68 accept", "ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept")


def render(view: View) -> str:
    """The body of the table."""
    return text(
        *(block for source in view.sources for block in sets_of(source)),
        named_set("ssh_ports", "inet_service", merged((port, port) for port in view.ssh_ports), flags="interval"),
        *ssh_sets(view),
        named_set("inside", "ifname", interfaces(view.inside)),
        refused(view),
        chain("bogus", BOGUS),
        *ssh_chain(view),
        chain("input", input_rules(view), hook=f"type filter hook input priority {PRIORITY}; policy drop;"),
        chain("published", published_rules(view)),
        chain("forward", FORWARD, hook=f"type filter hook forward priority {PRIORITY}; policy accept;"),
    )


def sets_of(source: Source) -> list[list[str]]:
    """A source's networks and open ports; those that are empty are left out."""
    found = [
        named_set(f"{source.name}_v{version}", f"ipv{version}_addr", networks, flags="interval")
        for version, _word in FAMILIES
        if (networks := source.family(version))
    ]
    return found + [
        named_set(f"{source.name}_{protocol}", "inet_service", ports, flags="interval")
        for protocol in PROTOCOLS
        if (ports := merged(source.ports[protocol]))
    ]


def ssh_sets(view: View) -> list[list[str]]:
    """Who has come to SSH in the last minute, where anybody may."""
    if view.ssh_from == "lan":
        return []
    return [seen_set(f"ssh_seen{version}", f"ipv{version}_addr", size=SEEN, timeout="1m") for version, _ in FAMILIES]


def ssh_chain(view: View) -> list[list[str]]:
    """New connections of one source within the rate; of IPv6, a whole /64 is one source."""
    if view.ssh_from == "lan":
        return []
    limit = f"limit rate over {view.ssh_rate}/minute burst {view.ssh_rate} packets"
    rules = [
        f"update @ssh_seen4 {{ ip saddr {limit} }} {REFUSE}",
        f"update @ssh_seen6 {{ ip6 saddr & ffff:ffff:ffff:ffff:: {limit} }} {REFUSE}",
        "accept",
    ]
    return [chain("ssh", rules)]


def refused(view: View) -> list[str]:
    """What is let in by no rule: how much of it was logged is counted, and how much there was."""
    log = f'limit rate {view.log_rate}/second burst {2 * view.log_rate} packets counter log prefix "{PREFIX}"'
    return chain("refused", [*([log] if view.log else []), "counter drop"])


def from_where(source: Source) -> list[str]:
    """Matches of the source's networks."""
    if not source.networks:
        return [""]
    return [f"{word} saddr @{source.name}_v{version} " for version, word in FAMILIES if source.family(version)]


def accepting(source: Source, port: str, *, wheres: list[str] | None = None) -> list[str]:
    """Rules that let a source in at its ports; `port` is the match, with ``{}`` for the protocol."""
    return [
        f"{where}{port.format(protocol)} @{source.name}_{protocol} accept"
        for where in (from_where(source) if wheres is None else wheres)
        for protocol in PROTOCOLS
        if source.ports[protocol]
    ]


def input_rules(view: View) -> list[str]:
    """What is for the server itself. Its own containers reach what the LAN reaches."""
    port = "{} dport"
    return [
        'iifname "lo" accept',
        "jump bogus",
        "ct direction reply accept",
        "ct state related accept",
        f"{VPN} {REFUSE}",
        *ICMP,
        *DHCP,
        *(f"{where}tcp dport @ssh_ports accept" for where in from_where(view.lan) if view.lan.networks),
        *(OPEN_SSH if view.ssh_from != "lan" else []),
        *(rule for source in view.sources if source is not view.lan for rule in accepting(source, port)),
        *(accepting(view.lan, port) if view.lan.networks else []),
        *accepting(view.lan, port, wheres=["iifname @inside "]),
        "meta pkttype { broadcast, multicast } drop",
        REFUSE,
    ]


def published_rules(view: View) -> list[str]:
    """What comes to a published port, of our containers or of others'."""
    port = "meta l4proto {} ct original proto-dst"
    return [
        "jump bogus",
        f"{VPN} {REFUSE}",
        f"ct original ip daddr 127.0.0.0/8 {REFUSE}",
        *(rule for source in view.sources if source is not view.lan for rule in accepting(source, port)),
        *(accepting(view.lan, port) if view.lan.networks else []),
        REFUSE,
    ]


# Whatever else the server forwards (a router's traffic, virtual machines) is not the stack's.
FORWARD = [
    "ct direction reply accept",
    "iifname @inside accept",
    "ct status dnat jump published",
    f"oifname {OURS} {REFUSE}",
]
