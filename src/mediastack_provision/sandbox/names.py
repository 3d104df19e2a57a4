"""Names, labels and addresses of everything a sandbox makes. Pure functions."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from typing import TYPE_CHECKING

from mediastack_provision.exits import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PREFIX = "mediastack-sandbox"
LABEL = "mediastack.sandbox"  # its value is the sandbox's name; `cache` on what all sandboxes share
CACHE = "cache"
RANGE = ipaddress.IPv4Network("198.18.0.0/16")  # RFC 2544: benchmarks, never routed
SUBNETS = range(1, 200)  # the third byte; from 200 on the range belongs to the stack inside and to the tunnel
INTERNET_HOST, SERVER_HOST = 2, 10  # the last byte in a sandbox's subnet

TUNNEL_GATEWAY, TUNNEL_CLIENT = "198.18.255.1", "198.18.255.2"
TUNNEL_GATEWAY_V6, TUNNEL_CLIENT_V6 = "2001:db8:ffff::1", "2001:db8:ffff::2"
VPN_ADDRESS = "203.0.113.10"  # where the provider's packets come from, on the sandbox's Internet
VPN_PORT = 51820
ECHO_ADDRESS = "198.51.100.1"  # tells a caller its own address
REGISTRY = "registry.internet.test:5000"
DOCKER_REPOSITORY = "http://packages.internet.test/linux/debian"

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


def checked_name(name: str) -> str:
    """A sandbox's name that is valid as part of a container's name and of a directory.

    Raises:
        UserError: otherwise.

    """
    if not _NAME.fullmatch(name) or name == CACHE:
        raise UserError(f"{name!r} is no name for a sandbox: 1-40 of a-z, 0-9 and -, a letter or digit at both ends.")
    return name


def of_checkout(name: str, checkout: Path) -> str:
    """A name for a test's sandbox that a test run of another checkout on the same machine does not take."""
    return f"{name}-{hashlib.sha256(str(checkout).encode()).hexdigest()[:4]}"


def label(name: str) -> str:
    """The label on everything that belongs to the sandbox `name`."""
    return f"{LABEL}={name}"


def network(name: str) -> str:
    """The network that a sandbox's containers share."""
    return f"{PREFIX}-{name}"


def container(name: str, part: str) -> str:
    """A container's name; `part` is `server` or `internet`."""
    return f"{PREFIX}-{name}-{part}"


def volume(name: str) -> str:
    """The volume for the nested engine's data."""
    return f"{PREFIX}-{name}-engine"


def free_subnet(used: Iterable[str]) -> ipaddress.IPv4Network:
    """The first /24 of ours that overlaps no network in `used` (CIDR strings; IPv6 ones do not matter).

    Raises:
        UserError: when none is left.

    """
    taken = [net for net in (ipaddress.ip_network(text, strict=False) for text in used) if net.version == RANGE.version]
    for third in SUBNETS:
        subnet = ipaddress.IPv4Network(f"198.18.{third}.0/24")
        if not any(subnet.overlaps(net) for net in taken):
            return subnet
    raise UserError(
        f"No free subnet is left in {RANGE} for another sandbox: remove one (`sandbox list`, `sandbox down`)."
    )


def address(subnet: ipaddress.IPv4Network, host: int) -> str:
    """The address of host number `host` in a subnet."""
    return str(subnet[host])
