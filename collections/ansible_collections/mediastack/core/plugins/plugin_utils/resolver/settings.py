"""The settings of a server: validated, with defaults, and coherent among themselves."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.plugin_utils.schema import CHOICES, SERVICE_VARIABLES
from ansible_collections.mediastack.core.plugins.plugin_utils.validate import check

if TYPE_CHECKING:
    from ansible_collections.mediastack.core.plugins.plugin_utils.resolver.model import Server

WIDEST, NARROWEST = 8, 21
PRIVATE = tuple(
    IPv4Network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15", "100.64.0.0/10")
)


def read_settings(server: Server) -> None:
    """Validate every variable that is not an instance and fill in defaults."""
    for name, node in CHOICES.items():
        if name in SERVICE_VARIABLES:
            continue
        given = server.choices.values.get(name)
        value = _empty(node.default) if given is None else given
        server.settings[name], problems = check(node, value, (name,))
        server.problems += problems
    _usable(server)
    _edge(server)
    _subnet(server)
    _media(server)
    _usable(server)


def _empty(default: Any) -> Any:
    return dict(default) if isinstance(default, dict) else default


def _usable(server: Server) -> None:
    """Put defaults where the owner's value is unusable, so that the rest can be judged too."""
    for name, node in CHOICES.items():
        if name not in SERVICE_VARIABLES and any(p.path[0] == name for p in server.problems):
            server.settings[name] = check(node, _empty(node.default))[0]


def _edge(server: Server) -> None:
    edge = server.setting("edge")
    if edge["proxy"] and not edge["domain"]:
        server.add(
            ("mediastack_edge", "domain"),
            f"the edge proxy '{edge['proxy']}' needs a domain, below which every service gets its name.",
            "Example: domain: home.example. Without names: proxy: null.",
        )
    if edge["proxy"] and edge["http_port"] == edge["https_port"]:
        server.add(
            ("mediastack_edge", "https_port"),
            f"{edge['https_port']} is the port for HTTP too.",
            "Choose another port.",
        )


def _subnet(server: Server) -> None:
    path = ("mediastack_network", "subnet")
    text = server.setting("network")["subnet"]
    try:
        network = IPv4Network(text)
    except ValueError:
        fixed = IPv4Network(text, strict=False)
        server.add(path, f"'{text}' is an address inside a network.", f"The network is {fixed}.")
        return
    if not WIDEST <= network.prefixlen <= NARROWEST:
        server.add(
            path,
            f"'{text}' has no room for our networks.",
            f"Choose a prefix length from {WIDEST} to {NARROWEST}.",
        )
    elif not any(network.subnet_of(private) for private in PRIVATE):
        server.add(
            path,
            f"'{text}' belongs to the Internet.",
            "Choose a private network, for example 172.31.240.0/20.",
        )
    for number, lan in enumerate(server.setting("network")["lan"]):
        if IPv4Network(lan, strict=False).overlaps(network):
            where = ("mediastack_network", "lan", f"[{number}]")
            server.add(where, f"'{lan}' overlaps our own network {network}.", "Move mediastack_network.subnet.")


def _media(server: Server) -> None:
    media, paths = server.setting("media"), server.setting("paths")
    own = (paths["root"], paths["state"])
    for name, folder in zip(("root", "state"), own, strict=True):
        if _within(media["root"], folder) or _within(folder, media["root"]):
            text = f"'{media['root']}' and mediastack_paths.{name} '{folder}' lie inside one another."
            server.add(("mediastack_media", "root"), text, "Give the media a folder of their own.")


def _within(inner: str, outer: str) -> bool:
    return f"{inner.rstrip('/')}/".startswith(f"{outer.rstrip('/')}/")
