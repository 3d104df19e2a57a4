"""The `docker` command: run it, and read what it says. Nothing here decides anything.

The engine is the one the command line finds by itself: DOCKER_HOST, a context, or the socket.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

READ_SECONDS = 30.0
BRIDGE_OPTION = "com.docker.network.bridge.name"
MISSING, TIMED_OUT = 127, 124
NO_ENGINE = "the Docker engine does not answer: {reason}. See `systemctl status docker`, or run the docker role"
NO_DOCKER = "the docker command is not installed; the docker role installs it"
NO_COMPOSE = (
    "the Docker Compose plugin (v2) is missing: `docker compose version` fails. The docker role installs it; "
    "by hand: apt install docker-compose-plugin (Docker's repository) or docker-compose (Debian 13)"
)


class DockerError(Exception):
    """The command is missing, the engine does not answer, or it refused; the message is for the owner."""


@dataclass(frozen=True)
class Output:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """The last thing it said, for an error message."""
        lines = [line for line in (self.err or self.out).strip().splitlines() if line.strip()]
        return " / ".join(line.strip() for line in lines[-3:])


class Runner(Protocol):
    """Runs a command; tests put recorded answers here."""

    def __call__(self, argv: Sequence[str], timeout: float) -> Output:
        """Run `argv`, never longer than `timeout` seconds."""


def run_command(argv: Sequence[str], timeout: float) -> Output:
    """Run a command without a shell; code 127 where it is missing, 124 where it took too long."""
    environment = {**os.environ, "LC_ALL": "C", "COMPOSE_IGNORE_ORPHANS": "1", "COMPOSE_ANSI": "never"}
    if shutil.which(argv[0]) is None:
        return Output(MISSING, "", f"{argv[0]}: not found")
    try:
        # A session of its own: the compose plugin is a child of `docker`, and has to end with it.
        child = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        return Output(126, "", f"{argv[0]}: {error.strerror}")
    try:
        out, err = child.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        return Output(TIMED_OUT, "", f"`{' '.join(argv[:3])}` took longer than {timeout:.0f} seconds")
    return Output(child.returncode, out, err)


def parallel(*calls: Callable[[], Any]) -> list[Any]:
    """Run independent reads at once; results in the order given."""
    with ThreadPoolExecutor(max_workers=max(1, len(calls))) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


class Docker:
    """The command line of one engine."""

    def __init__(self, runner: Runner = run_command) -> None:
        """Use `runner` for every command."""
        self.runner = runner

    def run(self, *arguments: str, timeout: float = READ_SECONDS) -> Output:
        """Run `docker …` and return what it said, whatever its code."""
        return self.runner(["docker", *arguments], timeout)

    def must(self, *arguments: str, timeout: float = READ_SECONDS) -> str:
        """Run `docker …`; raises DockerError with its own words when it fails."""
        done = self.run(*arguments, timeout=timeout)
        if done.code == MISSING:
            raise DockerError(NO_DOCKER)
        if done.code != 0:
            raise DockerError(f"`docker {' '.join(arguments[:2])}` failed: {done.said}")
        return done.out

    def engine(self) -> dict[str, Any] | None:
        """``{version, api, compose, root_dir, live_restore}``; None without the command or the engine."""
        version, info, compose = parallel(
            lambda: self.run("version", "--format", "{{json .Server}}"),
            lambda: self.run("info", "--format", "{{json .}}"),
            self.compose_version,
        )
        server, about = _mapping(version.out), _mapping(info.out)
        if version.code != 0 or not server.get("Version"):
            return None
        return {
            "version": server["Version"],
            "api": server.get("ApiVersion", ""),
            "compose": compose,
            "root_dir": about.get("DockerRootDir", ""),
            "live_restore": bool(about.get("LiveRestoreEnabled")),
        }

    def compose_version(self) -> str | None:
        """Version of the compose plugin, None where it is missing or older than v2."""
        done = self.run("compose", "version", "--short")
        version = done.out.strip().lstrip("v").partition("-")[0].partition("+")[0]
        return version if done.code == 0 and version[:1].isdigit() else None

    def need_engine(self) -> None:
        """Raise DockerError unless the engine answers."""
        done = self.run("version", "--format", "{{.Server.Version}}")
        if done.code == MISSING:
            raise DockerError(NO_DOCKER)
        if done.code != 0:
            raise DockerError(NO_ENGINE.format(reason=done.said))

    def answers(self) -> bool:
        """Whether there is an engine to ask."""
        return self.version() is not None

    def version(self) -> str | None:
        """Version of the engine; None where there is none to ask."""
        done = self.run("version", "--format", "{{.Server.Version}}")
        return done.out.strip() if done.code == 0 else None

    def inspect(self, names: Sequence[str], kind: str = "container") -> list[dict[str, Any]]:
        """Inspect what exists among `names`; what does not exist is left out.

        Raises:
            DockerError: the engine does not answer.

        """
        if not names:
            return []
        done = self.run(kind, "inspect", *names)
        found = _list(done.out)
        if done.code != 0 and not found and "no such" not in done.err.lower() and "not found" not in done.err.lower():
            raise DockerError(NO_ENGINE.format(reason=done.said))
        return found

    def containers(self, *filters: str) -> list[dict[str, Any]]:
        """Every container, stopped ones too, as `docker inspect` describes it."""
        narrowed = [word for text in filters for word in ("--filter", text)]
        return self.inspect(self.must("ps", "-aq", "--no-trunc", *narrowed).split())

    def networks(self) -> list[dict[str, Any]]:
        """Every network, as `docker network inspect` describes it."""
        return self.inspect(self.must("network", "ls", "-q", "--no-trunc").split(), "network")

    def image_ids(self, references: Iterable[str]) -> dict[str, str]:
        """Local image id of each reference that is here; answers in the order asked make the match."""
        wanted = sorted(set(references))
        done = self.run("image", "inspect", "--format", "{{.Id}}", *wanted) if wanted else Output(0, "", "")
        ids = done.out.split()
        if len(ids) == len(wanted):
            return {wanted[index]: found for index, found in enumerate(ids)}
        # Some are missing, and the output does not say which: ask one by one.
        found = {name: self.run("image", "inspect", "--format", "{{.Id}}", name).out.strip() for name in wanted}
        return {name: image for name, image in found.items() if image}


def _mapping(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _list(text: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return []
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def plain_container(raw: dict[str, Any]) -> dict[str, Any]:
    """A container as the rest of the project sees it.

    ``{id, name, state, health, exit_code, image, image_id, labels{}, started_at, network_mode,
    networks[], restarts, restart_policy}``.
    """
    state, config, host = raw.get("State") or {}, raw.get("Config") or {}, raw.get("HostConfig") or {}
    health = (state.get("Health") or {}).get("Status")
    labels = config.get("Labels") or {}
    return {
        "id": raw.get("Id", ""),
        "name": str(raw.get("Name", "")).lstrip("/"),
        "state": str(state.get("Status", "")),
        "health": None if health in (None, "", "none") else str(health),
        "exit_code": int(state.get("ExitCode") or 0),
        "image": str(config.get("Image", "")),
        "image_id": str(raw.get("Image", "")),
        "labels": dict(labels),
        "started_at": str(state.get("StartedAt", "")),
        "network_mode": str(host.get("NetworkMode", "")),
        "networks": sorted((raw.get("NetworkSettings") or {}).get("Networks") or {}),
        "restarts": int(raw.get("RestartCount") or 0),
        "restart_policy": str((host.get("RestartPolicy") or {}).get("Name") or "no"),
    }


def plain_network(raw: dict[str, Any]) -> dict[str, Any]:
    """A network: ``{id, name, subnets[], labels{}, driver, bridge, internal, containers: [names]}``."""
    blocks = (raw.get("IPAM") or {}).get("Config") or []
    return {
        "id": raw.get("Id", ""),
        "name": str(raw.get("Name", "")),
        "subnets": [block["Subnet"] for block in blocks if block.get("Subnet")],
        "labels": dict(raw.get("Labels") or {}),
        "driver": str(raw.get("Driver", "")),
        "bridge": str((raw.get("Options") or {}).get(BRIDGE_OPTION, "")),
        "internal": bool(raw.get("Internal")),
        "containers": sorted(str(item.get("Name", "")) for item in (raw.get("Containers") or {}).values()),
    }


def familiar(repository: str) -> str:
    """A repository as the engine lists it: without docker.io and library."""
    for prefix in ("docker.io/library/", "index.docker.io/library/", "docker.io/", "index.docker.io/"):
        if repository.startswith(prefix):
            return repository[len(prefix) :]
    return repository


def repository_of(reference: str) -> str:
    """The reference without tag and digest; a registry's port is kept."""
    name = reference.partition("@")[0]
    head, slash, tail = name.rpartition("/")
    return head + slash + tail.partition(":")[0]


def pinned(reference: str, digest: str | None) -> str:
    """What to ask the engine for: by digest when it is known."""
    return f"{repository_of(reference)}@{digest}" if digest else reference
