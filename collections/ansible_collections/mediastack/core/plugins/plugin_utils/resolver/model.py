"""What the resolver works on: one server, its settings and its instances."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.plugin_utils.errors import Path, Problem
from ansible_collections.mediastack.core.plugins.plugin_utils.schema_service import GATEWAY

if TYPE_CHECKING:
    from ansible_collections.mediastack.core.plugins.plugin_utils.catalogue import Catalogue, Service
    from ansible_collections.mediastack.core.plugins.plugin_utils.choices import Choices
    from ansible_collections.mediastack.core.plugins.plugin_utils.stack_types import Port

SHARED_ZONES = ("vpn",)


@dataclass(slots=True)
class Instance:
    """One instance on one server; `spec` is the catalogue entry with the owner's overrides merged in."""

    name: str
    service: Service
    spec: dict[str, Any]
    overrides: dict[str, Any]
    options: dict[str, Any]
    project: str = ""
    gateway: str | None = None
    ports: list[Port] = field(default_factory=list)

    @property
    def zone(self) -> str:
        """Return the zone."""
        return str(self.spec["zone"])

    @property
    def is_gateway(self) -> bool:
        """Say whether it is a VPN gateway."""
        return GATEWAY in self.spec["offers"]

    @property
    def shares_namespace(self) -> bool:
        """Say whether it lives in its gateway's network namespace."""
        return self.zone == "vpn" and not self.is_gateway

    def provides(self, wanted: str) -> bool:
        """Say whether it is the service, or offers the thing, of that name."""
        return wanted == self.service.name or wanted in self.spec["offers"]


@dataclass(slots=True)
class Server:
    """One server on the way from choices to Stack; problems gather here.

    `incomplete`: an instance's service is unknown, so that what is missing may only be mistyped.
    """

    host: str
    choices: Choices
    catalogue: Catalogue
    settings: dict[str, Any] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    incomplete: bool = False

    def add(self, path: Path, text: str, *remedy: str, key: bool = False) -> None:
        """Record a problem."""
        self.problems.append(Problem(path, text, remedy, "key" if key else "value"))

    def wrong(self, instance: Instance, keys: tuple[str, ...], text: str, *remedy: str, key: bool = False) -> None:
        """Record a problem of an instance."""
        self.add(self.choices.path(instance.name, *keys), text, *remedy, key=key)

    def setting(self, name: str) -> Any:
        """Return a setting by its name without the prefix."""
        return self.settings[f"mediastack_{name}"]

    @property
    def gateways(self) -> list[Instance]:
        """Return the VPN gateways by name."""
        return [self.instances[name] for name in sorted(self.instances) if self.instances[name].is_gateway]

    @property
    def has_edge(self) -> bool:
        """Say whether an edge proxy is the way in."""
        return bool(self.setting("edge").get("proxy"))

    def in_order(self) -> list[Instance]:
        """Return the instances by name."""
        return [self.instances[name] for name in sorted(self.instances)]

    def members(self, gateway: str) -> list[Instance]:
        """Return the instances that live in a gateway's namespace."""
        return [one for one in self.in_order() if one.shares_namespace and one.gateway == gateway]
