"""One look at the containers and images of the Docker engine, through its command line."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Done = subprocess.CompletedProcess[str]

MANAGED = "mediastack.managed"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what Docker means by no address


class EngineError(Exception):
    """Docker is not installed or does not answer; the message says which."""


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
    """All containers by name, and the image id that an image reference (as `normal` writes it) means now."""

    containers: Mapping[str, Container]
    images: Mapping[str, str] = field(default_factory=dict)

    def image_id(self, reference: str) -> str | None:
        """The id of the image that `reference` means now, None when the engine has none."""
        return self.images.get(normal(reference))


def docker(arguments: Sequence[str], *, timeout: float = 30, check: bool = True) -> Done:
    """Run the docker command. Raises EngineError when it is missing, hangs or, with `check`, fails."""
    try:
        done = subprocess.run(
            ["docker", *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError:
        raise EngineError("Docker is not installed") from None
    except subprocess.TimeoutExpired:
        raise EngineError(f"Docker does not answer within {timeout:.0f} seconds") from None
    if check and done.returncode:
        raise EngineError(f"docker {arguments[0]}: {last_line(done.stderr) or 'failed'}")
    return done


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def snapshot(images: Iterable[str] = (), *, timeout: float = 30) -> Snapshot:
    """Look once. Raises EngineError.

    `images`: references whose image id is wanted; one that the engine does not have is left out.
    """
    ids = docker(["ps", "--all", "--quiet", "--no-trunc"], timeout=timeout).stdout.split()
    containers = [_container(raw) for raw in _inspect("container", ids, timeout)]
    wanted = sorted(set(images))
    found: dict[str, str] = {}
    for raw in _inspect("image", wanted, timeout):
        names = {*(raw.get("RepoTags") or []), *(raw.get("RepoDigests") or [])}
        found.update({normal(name): raw["Id"] for name in names})
    return Snapshot({c.name: c for c in containers}, found)


def normal(reference: str) -> str:
    """A reference the way the engine lists it: without Docker Hub's prefix, without a tag beside a digest."""
    name = reference
    for prefix in ("docker.io/", "index.docker.io/", "library/"):
        name = name.removeprefix(prefix)
    name, at, digest = name.partition("@")
    if at:
        head, slash, last = name.rpartition("/")
        return f"{head}{slash}{last.partition(':')[0]}@{digest}"
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _inspect(kind: str, names: Sequence[str], timeout: float) -> list[dict[str, Any]]:
    if not names:
        return []
    # It prints what it found, and fails when a single one is missing: a container may end in between.
    done = docker([kind, "inspect", *names], timeout=timeout, check=False)
    try:
        return list(json.loads(done.stdout or "[]"))
    except ValueError:
        raise EngineError(f"docker {kind} inspect: {last_line(done.stderr) or 'no JSON'}") from None


def _container(raw: dict[str, Any]) -> Container:
    return Container(name=str(raw["Name"]).lstrip("/"), id=str(raw["Id"]), raw=raw)
