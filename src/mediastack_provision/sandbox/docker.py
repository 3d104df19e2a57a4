"""The container engine's command line: argument lists in, text out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from mediastack_provision.exits import Exit, UserError

PRIVATE_SOCKET = Path("/run/mediastack-engine/docker.sock")  # made by bin/lib/engine.sh
QUICK = 60.0  # seconds; for questions that the engine answers from memory
LONG = 1800.0  # seconds; for builds and pushes


class DockerError(UserError):
    """A command of the engine failed; the message has the command and what it said."""

    def __init__(self, argv: list[str], output: str) -> None:
        """Keep what the command said, to tell one failure from another."""
        super().__init__(f"{' '.join(argv)} failed:\n{output.strip()}", Exit.FAILED)
        self.output = output

    @property
    def absent(self) -> bool:
        """Whether what was asked for is not there."""
        return "no such" in self.output.lower() or "not found" in self.output.lower()


class Docker:
    """One engine. `environment` is what its client is started with."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        """By default the client sees this process's environment."""
        self.environment = dict(os.environ if environment is None else environment)

    def run(self, *arguments: str, stdin: str | None = None, timeout: float = QUICK) -> str:
        """Run one command and return its standard output without the last newline.

        Raises:
            DockerError: when it fails or takes longer than `timeout` seconds.

        """
        argv = ["docker", *arguments]
        try:
            done = subprocess.run(
                argv,
                input="" if stdin is None else stdin,
                capture_output=True,
                text=True,
                timeout=timeout,
                env=self.environment,
                check=False,
            )
        except FileNotFoundError as error:
            raise UserError("There is no docker command. Remedy: bin/lib/engine.sh up", Exit.FAILED) from error
        except subprocess.TimeoutExpired as error:
            raise DockerError(argv, f"no answer after {timeout:.0f} s") from error
        if done.returncode != 0:
            raise DockerError(argv, done.stderr + done.stdout)
        return done.stdout.rstrip("\n")

    def lines(self, *arguments: str) -> list[str]:
        """Run one command and return its output's lines that are not empty."""
        return [line for line in self.run(*arguments).splitlines() if line]

    def inspect(self, kind: str, name: str) -> dict[str, Any] | None:
        """What the engine knows of an object (kind: container, image, network or volume); None when there is none."""
        try:
            found = json.loads(self.run(kind, "inspect", name))
        except DockerError as error:
            if error.absent:
                return None
            raise
        first: dict[str, Any] = found[0]
        return first

    def inspect_all(self, kind: str, *filters: str) -> list[dict[str, Any]]:
        """What the engine knows of all objects of a kind; one that is removed while it is asked for does not count."""
        deadline = time.monotonic() + QUICK
        while True:
            names = self.lines(kind, "ls", "--quiet", *filters)
            try:
                found: list[dict[str, Any]] = json.loads(self.run(kind, "inspect", *names)) if names else []
            except DockerError as error:
                if not error.absent or time.monotonic() > deadline:
                    raise
            else:
                return found

    def logs(self, container: str) -> str:
        """The last lines that a container has written, on either stream."""
        done = subprocess.run(
            ["docker", "logs", "--tail", "20", container],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=QUICK,
            env=self.environment,
            check=False,
        )
        return done.stdout.strip()

    def exists(self, kind: str, name: str) -> bool:
        """Whether the engine has an object of this kind and name."""
        return self.inspect(kind, name) is not None

    def ids(self, kind: str, label: str) -> list[str]:
        """The ids (volumes: the names) of all objects of a kind that bear a label."""
        listing = {"container": ("container", "ls", "--all"), "volume": ("volume", "ls"), "network": ("network", "ls")}
        verb = listing.get(kind, ("image", "ls"))
        return sorted(set(self.lines(*verb, "--quiet", "--filter", f"label={label}")))

    def remove(self, kind: str, label: str) -> int:
        """Remove all containers, networks or volumes that bear a label; returns how many there were."""
        found = self.ids(kind, label)
        flags = ["--force", "--volumes"] if kind == "container" else []
        if found:
            self.run(kind, "rm", *flags, *found, timeout=LONG)
        return len(found)

    def layers(self, image: str) -> list[str]:
        """The layers of an image, lowest first; none for an image that is gone."""
        found: list[str] = ((self.inspect("image", image) or {}).get("RootFS") or {}).get("Layers") or []
        return found

    def discard_image(self, image: str) -> bool:
        """Remove an image with all its tags; returns whether it is gone, as one that is in use is not."""
        try:
            self.run("image", "rm", "--force", image, timeout=LONG)
        except DockerError as error:
            if "no such image" in error.output.lower():
                return True
            if "in use" in error.output or "being used" in error.output or "dependent child" in error.output:
                return False
            raise
        return True

    def published(self, label: str) -> set[int]:
        """The machine's ports of all containers that bear a label, also of those that do not run at the moment."""
        return {
            int(binding["HostPort"])
            for item in self.inspect_all("container", "--all", "--filter", f"label={label}")
            for bindings in (item["HostConfig"].get("PortBindings") or {}).values()
            for binding in bindings or []
            if binding.get("HostPort")
        }

    def subnets(self) -> list[str]:
        """The subnets of all the engine's networks, as CIDR strings."""
        return [
            entry["Subnet"]
            for item in self.inspect_all("network")
            for entry in (item.get("IPAM") or {}).get("Config") or []
            if entry.get("Subnet")
        ]


def find_engine() -> Docker:
    """The engine that the environment names, else the private one.

    Raises:
        UserError: when none answers.

    """
    if shutil.which("docker") is None:
        raise UserError("There is no docker command. Remedy: bin/lib/engine.sh up", Exit.FAILED)
    found = [Docker()]
    if PRIVATE_SOCKET.exists():
        found.append(Docker({**os.environ, "DOCKER_HOST": f"unix://{PRIVATE_SOCKET}"}))
    said = ""
    for docker in found:
        try:
            docker.run("version", "--format", "{{.Server.Version}}")
        except DockerError as error:
            said = said or error.output.strip()
        else:
            return docker
    raise UserError(f"No container engine answers. Remedy: bin/lib/engine.sh up\n{said}", Exit.FAILED)
