"""What a catalogue entry says about a service, and what an instance may override of it."""

from __future__ import annotations

from .schema_nodes import Node, anything, flag, listing, mapping, one_of, optional, port, record, text, whole

LAYERS = ("vpn", "downloaders", "media", "requests", "infrastructure", "monitoring")
ZONES = ("vpn", "proxied", "apps", "edge", "host", "native", "socket")
ARCHITECTURES = ("amd64", "arm64")
GATEWAY = "vpn-gateway"
DOCKER_API = "docker-api"
PUBLISH = ("auto", "none", "loopback", "lan")

PLACEHOLDERS = {
    "uid": "numeric id of the media user",
    "gid": "numeric id of the media group",
    "umask": "file mode mask",
    "timezone": "time zone",
    "name": "name of the instance",
    "host": "name of the server in the inventory",
    "domain": "domain of the edge proxy",
    "url": "address of the service's page for people, empty when it has none",
    "admin_name": "the administrator's login name",
    "admin_email": "the administrator's e-mail address",
    "input_ports": "for a VPN gateway: ports of its own and of its members, with commas",
    "outbound_subnets": "for a VPN gateway: our own networks and the option `outbound_subnets`, with commas",
    "http_proxy": "for a VPN gateway: on when an instance in the proxied zone uses it, else off",
}

_OFFER = text("Offer", pattern="key")
_NAMES = listing(_OFFER, "Offers", default=[])


def _option(depth: int) -> Node:
    fields = {
        "type": one_of("type", ("text", "int", "bool", "port", "list", "record"), "Type of the value", default="text"),
        "description": text("What it does", default=""),
        "choices": listing(text("Value"), "Accepted values", nullable=True),
        "pattern": text("Name of a pattern of the schema", pattern="key", nullable=True),
        "minimum": whole("Smallest number", nullable=True),
        "maximum": whole("Largest number", nullable=True),
        "default": anything("Value when the owner says nothing", nullable=True),
        "required": flag("Whether the owner must say", default=False),
        "required_when": mapping(text("Value"), "Values of other options with which the owner must", default={}),
        "choices_when": mapping(
            mapping(listing(text("Value"), "Values that it goes with"), "Another option"),
            "Choices that go with some values of other options only",
            default={},
        ),
        "env": text("Environment variable that receives the value", pattern="variable", nullable=True),
        "words": listing(text("Word"), "What true and false are called in the environment", nullable=True),
    }
    if depth:
        fields["fields"] = mapping(_option(depth - 1), "Keys of a record", nullable=True)
    return record(fields, "An option of this service alone")


ENTRY: dict[str, Node] = {
    "name": text("Name in the catalogue", pattern="name", required=True),
    "title": text("Name for people", required=True),
    "summary": text("What it does, in one line", required=True),
    "upstream": text("Web page of the project", pattern="url", required=True),
    "layer": one_of("layer", LAYERS, "Section of the inventory and of the status table", required=True),
    "image": text("Image with its tag", pattern="image", required=True),
    "architectures": listing(
        one_of("architecture", ARCHITECTURES, "Architecture"),
        "Processors the image is built for",
        default=list(ARCHITECTURES),
    ),
    "workload": one_of(
        "workload",
        ("service", "scheduled", "manual"),
        "Always running, at times, or by hand",
        default="service",
    ),
    "schedule": text("When a scheduled workload runs, as a systemd calendar time", nullable=True),
    "command": listing(text("Argument"), "Command instead of the image's own", nullable=True),
    "zone": one_of("zone", ZONES, "Where it stands in the network", required=True),
    "offers": listing(_OFFER, "What others can rely on", default=[]),
    "needs": record(
        {
            "all": listing(_OFFER, "Offers of which each is wanted", default=[]),
            "any": listing(_OFFER, "Offers of which one is wanted", default=[]),
        },
        "Offers that should be there: they order the start, and their absence is a notice",
        default={},
    ),
    "requires": listing(_OFFER, "Offers without which it cannot run", default=[]),
    "excludes": listing(_OFFER, "Services or offers that cannot stand beside it", default=[]),
    "successor": text("Service that replaces this retired one", pattern="name", nullable=True),
    "ports": mapping(
        record(
            {
                "listen": port("Port inside the container", required=True),
                "protocol": one_of("protocol", ("tcp", "udp"), "Protocol", default="tcp"),
                "env": text("Environment variable that moves the port", pattern="variable", nullable=True),
                "publish": one_of(
                    "way to publish",
                    (*PUBLISH, "edge_http", "edge_https"),
                    "Where the server publishes it; `auto` follows the instance, for the web page",
                    nullable=True,
                ),
            },
            "A port",
            short="listen",
        ),
        "Ports by name",
        default={},
    ),
    "volumes": mapping(
        record(
            {
                "target": text("Path inside the container", pattern="absolute_path", required=True),
                "source": text(
                    "Path on the server; by default a folder of the instance's own",
                    pattern="absolute_path",
                    nullable=True,
                ),
                "owner": one_of("owner", ("media", "root"), "Owner of the folder on the server", default="media"),
                "read_only": flag("Whether the container may only read", default=False),
            },
            "A volume",
            short="target",
        ),
        "Volumes: `config` is a folder of its own, `media` the media root, others are folders in `config`",
        default={},
    ),
    "user": text(
        "User and group of the process, where the image does not switch by itself",
        pattern="user",
        nullable=True,
    ),
    "options": mapping(_option(2), "Keys that instances of this service have besides the common ones", default={}),
    "environment": mapping(
        text("Value", nullable=True, empty=True, numbers=True),
        "Environment; names in braces are filled in",
        keys="variable",
        default={},
    ),
    "secrets": mapping(
        record(
            {
                "format": one_of(
                    "format",
                    ("hex32", "hex64", "base64_32", "password", "wireguard_key", "text"),
                    "Shape of the value",
                    required=True,
                ),
                "source": one_of(
                    "source",
                    ("generated", "owner", "application"),
                    "Who makes it: mediastack, the owner, or the application at its first start",
                    default="generated",
                ),
                "mount": flag("Whether the container sees it below /run/secrets", default=True),
                "env": text(
                    "Environment variable that receives the path of the mounted file",
                    pattern="variable",
                    nullable=True,
                ),
                "owner": one_of("owner", ("root", "media"), "Owner of the file", default="root"),
                "when": mapping(text("Value"), "Values of options with which the secret exists", default={}),
            },
            "A secret",
        ),
        "Secrets by name",
        default={},
    ),
    "files": listing(
        record(
            {
                "volume": text("Volume that holds it", pattern="key", required=True),
                "path": text("Path inside the volume", pattern="relative_path", required=True),
                "template": text("Template, relative to the role's templates", pattern="relative_path", required=True),
                "policy": one_of("policy", ("seed", "managed"), "Written once, or kept as rendered", default="managed"),
                "mode": text("Mode, in quotes", pattern="octal", default="0640"),
                "owner": one_of("owner", ("media", "root"), "Owner of the file", default="media"),
                "secret": flag("Whether it contains secrets", default=False),
            },
            "A configuration file",
        ),
        "Configuration files",
        default=[],
    ),
    "health": record(
        {
            "http": record(
                {
                    "port": text("Name of the port", pattern="key", required=True),
                    "path": text("Path of the request", required=True),
                    "json": mapping(anything("Value"), "Values in the answer", keys="", nullable=True),
                    "status": whole(
                        "Status of the answer; by default any that means success",
                        minimum=100,
                        maximum=599,
                        nullable=True,
                    ),
                    "https": flag("Whether the port speaks TLS", default=False),
                },
                "A request",
                nullable=True,
            ),
            "command": listing(text("Argument"), "A command inside the container", nullable=True),
            "interval": whole("Seconds between checks", default=30, minimum=1),
            "timeout": whole("Seconds a check may take", default=10, minimum=1),
            "retries": whole("Failures in a row that make it unhealthy", default=3, minimum=1),
            "start_period": whole("Seconds in which failures do not count", default=60, minimum=0),
        },
        "How one sees that it works",
        nullable=True,
    ),
    "limits": record(
        {
            "memory": text("Memory", pattern="size", nullable=True),
            "pids": whole("Processes and threads", minimum=1, nullable=True),
            "cpus": Node("number", "Processor cores", minimum=0, nullable=True),
        },
        "Limits",
        default={},
    ),
    "hardening": record(
        {
            "read_only": flag("Whether the image's filesystem is read-only", default=False),
            "because": text("Why it is not as strict as it could be", nullable=True),
            "cap_drop": listing(text("Capability"), "Capabilities taken away", default=["ALL"]),
            "cap_add": listing(text("Capability", pattern="variable"), "Capabilities it cannot do without", default=[]),
            "no_new_privileges": flag("Whether programs may gain no privileges", default=True),
            "devices": listing(text("Device", pattern="absolute_path"), "Devices of the server", default=[]),
            "tmpfs": listing(text("Path", pattern="absolute_path"), "Folders in memory", default=[]),
            "sysctls": mapping(text("Value"), "Kernel settings of its own network namespace", keys="", default={}),
        },
        "What it may do",
        default={},
    ),
    "backup": record(
        {
            "paths": listing(text("Path", pattern="absolute_path"), "Paths inside the container", default=[]),
            "exclude": listing(text("Name or glob"), "What is left out", default=[]),
            "quiesce": one_of("way to quiesce", ("none", "api", "stop"), "How it is held still", default="none"),
        },
        "What a backup of it holds",
        nullable=True,
    ),
    "web": record(
        {
            "port": text("Name of the port", pattern="key", required=True),
            "group": text("Group on the dashboard", required=True),
            "icon": text("Icon on the dashboard", nullable=True),
            "exposure": one_of("exposure", ("none", "lan", "internet"), "Who can reach its name", default="lan"),
        },
        "Its web page",
        nullable=True,
    ),
    "api": text("Kind of its API", pattern="key", nullable=True),
    "metrics": record(
        {
            "exporter": text("Kind of exporter", pattern="key", nullable=True),
            "path": text("Path of its own metrics", nullable=True),
            "port": text("Name of the port", pattern="key", nullable=True),
        },
        "Where its metrics are",
        nullable=True,
    ),
    "kubernetes": record(
        {
            "workload": one_of(
                "kind of workload",
                ("statefulset", "deployment", "cronjob", "sidecar", "ingress", "none"),
                "What it is on Kubernetes",
                required=True,
            ),
            "volumes": mapping(text("Size"), "Sizes of its volumes", default={}),
        },
        "Its shape on Kubernetes",
        nullable=True,
    ),
    "labels": mapping(text("Value", empty=True, numbers=True), "Labels of the container", keys="", default={}),
}
ENTRY_RECORD = record(ENTRY, "A service of the catalogue")

_NOT_OVERRIDDEN = {"name", "ports", "options", "environment"}
OVERRIDES: dict[str, Node] = {
    "service": text("Service of the catalogue; by default the instance's own name", pattern="name"),
    "enabled": flag("Whether the instance exists"),
    "host": text("Server of the inventory that runs it; by default every server that has the variable"),
    "project": text("Compose project, with `layout: projects`", pattern="name"),
    "gateway": text("VPN gateway, where there are several", pattern="name"),
    "address": text("Address on the apps network, instead of one of ours", pattern="ip_address"),
    "publish": one_of(
        "way to publish",
        PUBLISH,
        "Where the web page's port is published; `auto`: nowhere with an edge proxy, else `lan`",
    ),
    "ports": mapping(
        record(
            {
                "port": port("Port on the server; also inside, where instances share a namespace"),
                "publish": one_of("way to publish", PUBLISH, "Where it is published"),
                "listen": port("Port inside the container, for a port that the catalogue does not know"),
                "protocol": one_of("protocol", ("tcp", "udp"), "Protocol, for a port that the catalogue does not know"),
            },
            "A port",
            short="port",
        ),
        "Ports by name",
    ),
    "name": text("First part of its name at the edge", pattern="name"),
    "environment": mapping(
        text("Value; null removes the variable", nullable=True, empty=True, numbers=True),
        "Further environment, taken as it stands",
        keys="variable",
    ),
    "compose": anything("Merged last into the compose service"),
    "tag": text("Tag instead of the catalogue's", pattern="tag"),
    "digest": text("Digest, to pin the image", pattern="digest"),
    **{key: optional(node) for key, node in ENTRY.items() if key not in _NOT_OVERRIDDEN},
}
