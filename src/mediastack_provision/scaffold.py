"""The files of a new inventory. Pure: answers in, texts out."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP = "group_vars/mediastack"
LOCAL = "local"
WIDTH = 80
NO_VPN = "none"
LAYER_TITLES = {
    "vpn": "The VPN that downloads go through.",
    "downloaders": "What downloads.",
    "media": "What finds, files and plays.",
    "requests": "Where the people at home ask for films and series.",
    "infrastructure": "What the others stand on.",
    "monitoring": "What watches over the stack.",
}
DEFAULT_SERVICES = (
    "gluetun",
    "qbittorrent",
    "prowlarr",
    "flaresolverr",
    "sonarr",
    "radarr",
    "jellyfin",
    "seerr",
    "caddy",
)


@dataclass(frozen=True)
class Answers:
    """What the owner answered; the defaults are what most homes want."""

    host: str = LOCAL
    user: str = ""
    timezone: str = "Etc/UTC"
    media_root: str = "/srv/media"
    domain: str = ""
    vpn: str = NO_VPN
    vpn_type: str = "wireguard"
    vpn_country: str = ""
    vpn_endpoint: str = ""
    vpn_public_key: str = ""
    vpn_address: str = ""
    services: tuple[str, ...] = DEFAULT_SERVICES

    @property
    def has_vpn(self) -> bool:
        """Whether there is a VPN provider."""
        return self.vpn not in {"", NO_VPN}

    @property
    def has_own_server(self) -> bool:
        """Whether the VPN is a WireGuard server that no provider's list knows."""
        return self.vpn == "custom" and self.vpn_type == "wireguard"


@dataclass(frozen=True)
class Entry:
    """What the scaffold must know of a service."""

    name: str
    layer: str
    summary: str
    zone: str


def files(name: str, answers: Answers, catalogue: Mapping[str, Entry]) -> dict[str, str]:
    """Every file of the inventory, by its path in it."""
    found = {
        "hosts.yml": hosts(name, answers),
        f"{GROUP}/stack.yml": stack(answers),
        ".gitignore": "# Never commit these: they open the vault, or are left-overs of editors.\n"
        ".vault-password\n*.orig\n*.swp\n*~\n",
    }
    for layer in LAYER_TITLES:
        entries = [catalogue[service] for service in chosen(answers) if catalogue[service].layer == layer]
        if entries:
            found[f"{GROUP}/{layer}.yml"] = services(layer, entries, answers)
    return found


def chosen(answers: Answers) -> list[str]:
    """The services to run: a VPN gateway and an edge proxy only where they have something to do."""
    skipped = ({"gluetun"} if not answers.has_vpn else set()) | ({"caddy"} if not answers.domain else set())
    return [service for service in dict.fromkeys(answers.services) if service not in skipped]


def hosts(name: str, answers: Answers) -> str:
    """hosts.yml."""
    lines = [
        "---",
        "# The servers. Choices do not belong here but in group_vars/mediastack/.",
        "mediastack:",
        "  hosts:",
        f"    {scalar(host_name(name, answers))}:",
    ]
    if answers.host == LOCAL:
        lines += [
            "      ansible_connection: local           # this very machine",
            "      ansible_python_interpreter: /usr/bin/python3",
        ]
    else:
        lines.append(f"      ansible_host: {scalar(answers.host)}")
        if answers.user:
            lines.append(f"      ansible_user: {scalar(answers.user)}")
        else:
            lines.append("      # ansible_user: admin             # default: your own name, or ~/.ssh/config")
        lines.append("      # ansible_port: 22                # also ansible_ssh_private_key_file, or ~/.ssh/config")
    return "\n".join(lines) + "\n"


def host_name(name: str, answers: Answers) -> str:
    """What the server is called in the inventory: the first label of its name, else the inventory's name."""
    if answers.host == LOCAL:
        return name
    try:
        ipaddress.ip_address(answers.host)
    except ValueError:
        return answers.host.split(".")[0]
    return name


def stack(answers: Answers) -> str:
    """stack.yml: what concerns the whole server."""
    lines = [
        "---",
        "# What concerns the whole server. Every key and its default: docs/services.md",
        "mediastack_schema: 1",
        f"mediastack_timezone: {scalar(answers.timezone)}",
        "",
        "# One root for downloads and library, on one filesystem: imports are hardlinks, not copies.",
        f"mediastack_media: {{root: {scalar(answers.media_root)}}}",
        "",
    ]
    if answers.domain:
        lines += [
            "# Every service gets a name below this domain.",
            "# tls: internal (an authority of our own) | acme (Let's Encrypt) | off",
            f"mediastack_edge: {{proxy: caddy, domain: {scalar(answers.domain)}, tls: internal}}",
        ]
    else:
        lines += [
            "# No names, no HTTPS: services answer on their ports. For names, set proxy: caddy and a domain.",
            "mediastack_edge: {proxy: null}",
        ]
    return "\n".join(lines) + "\n"


def services(layer: str, entries: list[Entry], answers: Answers) -> str:
    """One layer's file: its instances, a name is enough."""
    lines = [
        "---",
        f"# {LAYER_TITLES[layer]}",
        "# A name is enough: the catalogue knows the rest. Any key of a service can be overridden here.",
    ]
    if layer == "vpn":
        lines.append("# The key is in vault.yml: mediastack_secrets: {gluetun: {wireguard_private_key: …}}")
    lines.append(f"mediastack_services_{layer}:")
    for entry in entries:
        overrides = [f"{key}: {scalar(value)}" for key, value in overrides_of(entry, answers).items()]
        lines += comment_of(entry, answers)
        line = f"  {entry.name}: {{{', '.join(overrides)}}}"
        lines += [line] if len(line) <= WIDTH else [f"  {entry.name}:", *(f"    {item}" for item in overrides)]
    return "\n".join(lines) + "\n"


def overrides_of(entry: Entry, answers: Answers) -> dict[str, Any]:
    """What an instance must be told besides its name."""
    if entry.name == "gluetun":
        keys: dict[str, Any] = {"provider": answers.vpn, "type": answers.vpn_type}
        if answers.vpn_country:
            keys["country"] = answers.vpn_country
        if answers.has_own_server:
            keys |= own_server(answers)
        return keys
    if entry.zone in {"vpn", "proxied"} and not answers.has_vpn:
        return {"zone": "apps"}
    return {}


def own_server(answers: Answers) -> dict[str, Any]:
    """How a WireGuard server of one's own is reached, as far as it was answered."""
    address, _, port = answers.vpn_endpoint.rpartition(":")
    endpoint = {"address": address.strip("[]"), "port": int(port) if port.isdecimal() else port}
    keys = {
        "endpoint": endpoint if answers.vpn_endpoint else None,
        "public_key": answers.vpn_public_key,
        "addresses": [part.strip() for part in answers.vpn_address.split(",") if part.strip()],
    }
    return {key: value for key, value in keys.items() if value}


def comment_of(entry: Entry, answers: Answers) -> list[str]:
    """One line above an instance."""
    lines = [f"  # {entry.summary}."]
    if entry.zone in {"vpn", "proxied"} and not answers.has_vpn and entry.name != "gluetun":
        lines.append("  # Without a VPN: others on the Internet see this server's own address.")
    return lines


def scalar(value: Any) -> str:
    """A value as YAML on one line, quoted where it must be: inside of braces, too."""
    import yaml

    text: str = yaml.safe_dump([value], default_flow_style=True, width=10_000, allow_unicode=True)
    return text.strip()[1:-1]
