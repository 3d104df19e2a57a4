"""What an owner may choose: every `mediastack_*` variable, with types, defaults and descriptions."""

from __future__ import annotations

from .schema_nodes import Node, anything, flag, listing, mapping, one_of, port, record, text, whole
from .schema_service import LAYERS, OVERRIDES

SERVICES = "mediastack_services"
SERVICE_VARIABLES = (SERVICES, *(f"{SERVICES}_{layer}" for layer in LAYERS))
ANY_ADDRESS = "0.0.0.0"  # noqa: S104  # the owner's way in; security is the firewall's business

INSTANCE = record(
    OVERRIDES,
    "Overrides of one instance; any key of the service's catalogue entry, and the keys below",
    nullable=True,
)


def _services(layer: str) -> Node:
    about = "Instances by name" if not layer else f"Instances of the {layer} section, by name"
    return mapping(
        INSTANCE,
        f"{about}; merged with every other `{SERVICES}*` variable",
        keys="name",
        default={},
        noun="instance",
    )


CHOICES: dict[str, Node] = {
    "mediastack_schema": whole("Version of this set of variables", default=1, minimum=1, maximum=1),
    "mediastack_timezone": text("Time zone of the server and its services", default="Etc/UTC", pattern="timezone"),
    "mediastack_paths": record(
        {
            "root": text(
                "Configuration, compose files and secrets", default="/opt/mediastack", pattern="absolute_path"
            ),
            "state": text(
                "What is applied, and what was before", default="/var/lib/mediastack", pattern="absolute_path"
            ),
        },
        "Where mediastack keeps its own files on the server",
        default={},
    ),
    "mediastack_media": record(
        {
            "root": text("Folder that holds downloads and library", default="/srv/media", pattern="absolute_path"),
            "user": text("Owner of the media, and user of the services", default="media", pattern="user_name"),
            "group": text("Group of the media", default="media", pattern="user_name"),
            "uid": whole("Numeric id of the user", default=1900, minimum=1, maximum=65533),
            "gid": whole("Numeric id of the group", default=1900, minimum=1, maximum=65533),
            "umask": text("File mode mask of the services, in quotes", default="0002", pattern="octal"),
            "separate_filesystems": one_of(
                "behaviour",
                ("warn", "fail"),
                "What to do when downloads and library lie on two filesystems, so that imports are copies",
                default="warn",
            ),
        },
        "The one media root and its owner",
        default={},
    ),
    "mediastack_admin": record(
        {
            "name": text("Login name in every application", default="admin", pattern="user_name"),
            "email": text("Address for certificates and accounts", default="admin@example.org", pattern="email"),
        },
        "The person who administers the applications",
        default={},
    ),
    "mediastack_network": record(
        {
            "name": text("First part of the names of our networks", default="mediastack", pattern="name"),
            "subnet": text("Private network that ours are cut from", default="172.31.240.0/20", pattern="ipv4_network"),
            "lan": listing(
                text("Network", pattern="ipv4_network"),
                "Networks that count as the owner's own",
                default=["192.168.0.0/16"],
            ),
        },
        "Container networks",
        default={},
    ),
    "mediastack_edge": record(
        {
            "proxy": one_of(
                "edge proxy", ("caddy",), "Service that gives names and HTTPS; null for none", nullable=True
            ),
            "domain": text("Domain below which every service gets a name", pattern="domain", nullable=True),
            "tls": one_of(
                "kind of TLS", ("internal", "acme", "off"), "Where certificates come from", default="internal"
            ),
            "acme": record(
                {
                    "email": text("Account at the certificate authority", pattern="email", nullable=True),
                    "directory": text("Directory of the certificate authority", pattern="url", nullable=True),
                },
                "Certificate authority, for `tls: acme`",
                default={},
            ),
            "http_port": port("Published port for HTTP", default=80),
            "https_port": port("Published port for HTTPS", default=443),
            "address": text(
                "Address of the server on which ports are published",
                default=ANY_ADDRESS,
                pattern="ip_address",
            ),
        },
        "The way in from the network",
        default={},
    ),
    "mediastack_compose": record(
        {
            "layout": one_of(
                "layout",
                ("single", "layered", "projects"),
                "One file, one file per section, or one project per section",
                default="single",
            ),
            "project": text("Name of the compose project", default="mediastack", pattern="name"),
            "limits": one_of(
                "choice",
                ("warn", "ignore"),
                "What `verify` says of a server whose kernel cannot limit memory and processes",
                default="warn",
            ),
        },
        "How compose files are laid out",
        default={},
    ),
    "mediastack_images": record(
        {
            "mirror": text("Registry put before every image", default="", pattern="registry", empty=True),
            "free_space": text(
                "Disk space that must be free before images are pulled", default="10GiB", pattern="size"
            ),
        },
        "Where images come from",
        default={},
    ),
    "mediastack_lease_ttl": whole(
        "Seconds after which a dead run's lease expires", default=900, minimum=30, maximum=86400
    ),
    SERVICES: _services(""),
    **{f"{SERVICES}_{layer}": _services(layer) for layer in LAYERS},
    "mediastack_secrets": mapping(
        mapping(text("Value", hidden=True), "Secrets of one instance"),
        "Secrets by instance and name, from the vault file",
        keys="name",
        default={},
    ),
}
CHOICES_RECORD = record(CHOICES, "The owner's choices")


def option_node(option: dict[str, object]) -> Node:
    """Turn an option that a catalogue entry declares into a node."""
    kind = str(option.get("type", "text"))
    about = str(option.get("description", ""))
    words = ("default", "minimum", "maximum", "required")
    limits = {key: option[key] for key in words if option.get(key) is not None}
    pattern = str(option.get("pattern") or "")
    if kind == "record":
        fields = option.get("fields")
        children = {name: option_node(child) for name, child in fields.items()} if isinstance(fields, dict) else {}
        return record(children, about, **limits)
    if kind == "list":
        return listing(text("Item", pattern=pattern), about, **limits)
    if kind == "bool":
        return flag(about, **limits)
    if kind in ("int", "port"):
        return port(about, **limits) if kind == "port" else whole(about, **limits)
    if kind == "any":
        return anything(about, **limits)
    choices = option.get("choices")
    return text(about, pattern=pattern, choices=tuple(choices) if isinstance(choices, list) else (), **limits)
