"""The shape of the resolved Stack: plain JSON, one object per server. See docs/architecture.md."""

from __future__ import annotations

from typing import Any, TypedDict

SCHEMA = 1


class Publication(TypedDict):
    """Where a port stands on the server."""

    address: str
    port: int


class Port(TypedDict):
    """A port an instance listens on, in its own or its gateway's namespace."""

    name: str
    listen: int
    protocol: str
    publish: Publication | None


class Network(TypedDict):
    """A bridge network."""

    key: str
    name: str
    bridge: str
    subnet: str
    gateway: str
    internal: bool
    project: str


class Attachment(TypedDict):
    """An instance's foot in a network; `network` is a network's key."""

    network: str
    address: str


class InstanceNetwork(TypedDict):
    """How an instance is connected: bridge, container (its gateway's namespace), host or none."""

    mode: str
    attachments: list[Attachment]


class Image(TypedDict):
    """An image without the mirror."""

    repository: str
    tag: str
    digest: str | None


class Volume(TypedDict):
    """A bind mount."""

    name: str
    source: str
    target: str
    owner: str
    read_only: bool


class MountedSecret(TypedDict):
    """A secret that the container sees as a file."""

    name: str
    format: str
    source: str
    target: str
    env: str | None
    owner: str


class File(TypedDict):
    """A configuration file on the server; the template is relative to the role's templates."""

    path: str
    template: str
    policy: str
    mode: str
    owner: str
    secret: bool


class Instance(TypedDict):
    """One container, or one native service, with everything that later steps need."""

    name: str
    service: str
    title: str
    role: str | None
    layer: str
    zone: str
    workload: str
    schedule: str | None
    command: list[str] | None
    user: str | None
    project: str
    host: str
    container: str
    image: Image
    reference: str
    gateway: str | None
    options: dict[str, Any]
    offers: list[str]
    network: InstanceNetwork
    ports: list[Port]
    route: str | None
    url: str | None
    internal_url: str | None
    volumes: list[Volume]
    environment: dict[str, str]
    secrets: list[MountedSecret]
    files: list[File]
    health: dict[str, Any] | None
    limits: dict[str, Any]
    hardening: dict[str, Any]
    api: str | None
    web: dict[str, Any] | None
    backup: dict[str, Any] | None
    metrics: dict[str, Any] | None
    kubernetes: dict[str, Any] | None
    depends_on: list[str]
    labels: dict[str, str]
    compose: dict[str, Any]
    architectures: list[str]


class Secret(TypedDict):
    """A secret that must exist; `source` is generated, owner or application."""

    instance: str
    name: str
    format: str
    source: str


class Project(TypedDict):
    """A compose project and its files, in the order in which compose reads them."""

    name: str
    directory: str
    files: list[str]
    instances: list[str]


class Route(TypedDict):
    """A name at the edge and what answers it."""

    host: str
    instance: str
    upstream: str


Allowance = TypedDict("Allowance", {"instance": str, "port": int, "protocol": str, "from": str})


class Stack(TypedDict):
    """Everything about one server."""

    schema: int
    host: str
    timezone: str
    paths: dict[str, str]
    media: dict[str, Any]
    admin: dict[str, str]
    edge: dict[str, Any]
    images: dict[str, str]
    limits: str
    networks: list[Network]
    lan: list[str]
    projects: list[Project]
    instances: dict[str, Instance]
    secrets: list[Secret]
    routes: list[Route]
    allowances: list[Allowance]
    notices: list[str]
