"""The vocabulary of our schemas: a tree of typed, described nodes.

The same tree validates, fills defaults, and becomes JSON Schema, argument_specs and documentation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Kind = Literal["text", "int", "number", "bool", "list", "map", "record", "any"]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression and what it means to a person."""

    expression: str
    meaning: str
    example: str

    def matches(self, text: str) -> bool:
        """Say whether the whole text fits."""
        return re.fullmatch(self.expression, text) is not None


_OCTET = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = rf"{_OCTET}(\.{_OCTET}){{3}}"
_IPV6 = r"[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*"
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"

PATTERNS = {
    "name": Pattern(_LABEL, "a name of lower-case letters, digits and hyphens", "radarr-4k"),
    "key": Pattern(r"[a-z][a-z0-9_-]*", "a name of lower-case letters, digits, hyphens and underscores", "web"),
    "variable": Pattern(r"[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable", "LOG_LEVEL"),
    "user_name": Pattern(r"[a-z_][a-z0-9_-]{0,31}", "a Linux user or group name", "media"),
    "domain": Pattern(rf"({_LABEL}\.)*{_LABEL}", "a domain name in lower case", "home.example"),
    "email": Pattern(r"[^@\s]+@[^@\s]+", "an e-mail address", "admin@example.org"),
    "url": Pattern(r"https?://\S+", "a web address", "https://radarr.video"),
    "absolute_path": Pattern(r"/([^/\0]+/?)*", "an absolute path", "/srv/media"),
    "relative_path": Pattern(r"(?!/)(?!(.*/)?\.\.(/|$))[^\0]+", "a path inside a folder", "auth/config.toml"),
    "ip_address": Pattern(rf"{_IPV4}|{_IPV6}", "an IP address", "192.0.2.7"),
    "ipv4_network": Pattern(rf"{_IPV4}/([12]?\d|3[0-2])", "an IPv4 network with its prefix length", "172.31.240.0/20"),
    "ip_prefix": Pattern(rf"({_IPV4}|{_IPV6})(/\d{{1,3}})?", "an IP address or network", "10.2.0.2/32"),
    "socket_address": Pattern(rf"({_IPV4}|\[{_IPV6}\]):\d{{1,5}}", "an IP address and a port", "1.1.1.1:53"),
    "wireguard_key": Pattern(
        r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=", "a WireGuard key: 44 characters that end in =", ""
    ),
    "size": Pattern(r"[1-9]\d*(\.\d+)?(B|KiB|MiB|GiB|TiB)", "a size", "10GiB"),
    "octal": Pattern(r"0?[0-7]{3}|[0-7]{4}", "an octal mode in quotes", "0002"),
    "image": Pattern(
        r"[a-z0-9][a-z0-9._-]*(:\d+)?(/[a-z0-9._-]+)*:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}",
        "an image with a tag",
        "lscr.io/linuxserver/radarr:6.3.0",
    ),
    "tag": Pattern(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", "an image tag", "6.3.0"),
    "digest": Pattern(r"sha256:[0-9a-f]{64}", "an image digest", "sha256:0123…"),
    "registry": Pattern(
        r"[a-z0-9][a-z0-9._-]*(:\d+)?(/[a-z0-9._-]+)*", "a registry, without https://", "registry.lan:5000"
    ),
    "timezone": Pattern(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", "a time zone", "Europe/Berlin"),
    "user": Pattern(r"(\d+|\{uid\})(:(\d+|\{gid\}))?", "a numeric user and group", "{uid}:{gid}"),
    "schedule": Pattern(r"\S+", "a systemd calendar time", "daily"),
}


@dataclass(frozen=True, slots=True)
class Node:
    """One value: its type, its limits, what it means, and what it is when nobody says.

    `noun` names the value in messages ("zone"). A record with `short` may be written as
    that one field alone. A `hidden` value is never shown. Text with `numbers` may be written
    without quotes.
    """

    kind: Kind
    description: str = ""
    default: Any = None
    required: bool = False
    nullable: bool = False
    choices: tuple[Any, ...] = ()
    pattern: str = ""
    empty: bool = False
    minimum: int | None = None
    maximum: int | None = None
    fields: Mapping[str, Node] = field(default_factory=dict)
    values: Node | None = None
    keys: str = ""
    short: str = ""
    noun: str = ""
    hidden: bool = False
    numbers: bool = False


def text(description: str, **limits: Any) -> Node:
    """Text; `empty=True` accepts an empty string."""
    return Node("text", description, **limits)


def one_of(noun: str, choices: Sequence[str], description: str, **limits: Any) -> Node:
    """One word out of several."""
    return Node("text", description, choices=tuple(choices), noun=noun, **limits)


def whole(description: str, **limits: Any) -> Node:
    """Build a whole number."""
    return Node("int", description, **limits)


def port(description: str, **limits: Any) -> Node:
    """Build a TCP or UDP port."""
    return Node("int", description, minimum=1, maximum=65535, noun="port", **limits)


def flag(description: str, **limits: Any) -> Node:
    """Yes or no."""
    return Node("bool", description, **limits)


def listing(values: Node, description: str, **limits: Any) -> Node:
    """Build a list of equal values."""
    return Node("list", description, values=values, **limits)


def mapping(values: Node, description: str, keys: str = "key", **limits: Any) -> Node:
    """Build a mapping from names to equal values."""
    return Node("map", description, values=values, keys=keys, **limits)


def record(fields: Mapping[str, Node], description: str, **limits: Any) -> Node:
    """Build a mapping with known keys."""
    return Node("record", description, fields=dict(fields), **limits)


def anything(description: str, **limits: Any) -> Node:
    """Build a value that another program judges."""
    return Node("any", description, **limits)


def optional(node: Node) -> Node:
    """Return the node without default or duty, also in its fields: what an override is."""
    fields = {name: optional(child) for name, child in node.fields.items()}
    return replace(node, default=None, required=False, fields=fields)
