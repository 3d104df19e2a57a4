"""One look at the containers and images of the Docker engine, through its command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import Docker, DockerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MANAGED = "mediastack.managed"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what Docker means by no address


@dataclass(frozen=True)
class Container:
    """One container, as `docker inspect` describes it."""

    name: str
    id: str
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return (self.raw.get("Config") or {}).get("Labels") or {}

    @property
    def managed(self) -> bool:
        """Whether it is labelled as ours."""
        return self.labels.get(MANAGED) == "true"

    @property
    def state(self) -> str:
        """Created, running, restarting, paused, exited or dead; in lower case."""
        return str((self.raw.get("State") or {}).get("Status", "unknown"))

    @property
    def health(self) -> str | None:
        """Healthy, unhealthy or starting, in lower case; None without a health check."""
        status = ((self.raw.get("State") or {}).get("Health") or {}).get("Status")
        return None if status in (None, "none") else str(status)

    @property
    def pid(self) -> int:
        """The host's id of its first process, 0 when it does not run."""
        return int((self.raw.get("State") or {}).get("Pid") or 0)

    @property
    def network_mode(self) -> str:
        """Such as host, container:<id> or the name of a network."""
        return str((self.raw.get("HostConfig") or {}).get("NetworkMode", ""))

    @property
    def addresses(self) -> set[str]:
        """Its addresses on all its networks."""
        networks = ((self.raw.get("NetworkSettings") or {}).get("Networks") or {}).values()
        found = {net.get(key) for net in networks for key in ("IPAddress", "GlobalIPv6Address")}
        return {address for address in found if address}

    @property
    def published(self) -> list[tuple[str, str, int]]:
        """(protocol, address on the host, port on the host) of every port that it publishes now."""
        ports = (self.raw.get("NetworkSettings") or {}).get("Ports") or {}
        return [
            (inner.partition("/")[2] or "tcp", binding.get("HostIp") or EVERYWHERE, int(binding["HostPort"]))
            for inner, bindings in ports.items()
            for binding in bindings or []
        ]


@dataclass(frozen=True)
class Snapshot:
    """All containers by name, and the image id that an image reference means now."""

    containers: Mapping[str, Container]
    images: Mapping[str, str] = field(default_factory=dict)


def snapshot(images: Iterable[str] = (), *, docker: Docker | None = None) -> Snapshot:
    """Look once. Raises DockerError.

    `images`: references whose image id is wanted; one that the engine does not have is left out.
    """
    engine = docker or Docker()
    try:
        containers = [_container(raw) for raw in engine.containers()]
    except DockerError:
        engine.need_engine()  # says better why
        raise
    return Snapshot({found.name: found for found in containers}, engine.image_ids(images))


def _container(raw: dict[str, Any]) -> Container:
    return Container(name=str(raw["Name"]).lstrip("/"), id=str(raw["Id"]), raw=raw)
