"""What is kept of a sandbox on this machine: how to reach it, its keys, its inventory."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mediastack_provision.exits import UserError
from mediastack_provision.private import private_dir
from mediastack_provision.project import state_dir

CONNECTION = "connection.json"


@dataclass(frozen=True)
class WireGuard:
    """The account at the sandbox's VPN provider."""

    private_key: str
    public_key: str  # the provider's
    address: str
    port: int
    addresses: list[str]
    dns: str


@dataclass(frozen=True)
class Sandbox:
    """A sandbox server and how to reach it; connection.json holds the same keys."""

    name: str
    release: str
    kind: str
    container: str
    internet: str
    network: str
    subnet: str
    server_address: str
    internet_address: str
    host: str
    port: int
    user: str
    private_key: str
    known_hosts: str
    http_port: int
    https_port: int
    registry: str
    docker_repository: str
    wireguard: WireGuard
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def directory(self) -> Path:
        """Where its files lie."""
        return directory(self.name)

    @property
    def inventory(self) -> Path:
        """The inventory that belongs to this sandbox alone."""
        return self.directory / "inventory"

    def ssh_argv(self, *command: str) -> list[str]:
        """The ssh command that reaches the server."""
        return [
            "ssh", "-i", self.private_key, "-p", str(self.port),
            "-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "StrictHostKeyChecking=yes",
            "-o", "IdentitiesOnly=yes", "-o", "ConnectTimeout=10", f"{self.user}@{self.host}", *command,
        ]  # fmt: skip


def root() -> Path:
    """Where all sandboxes' files lie."""
    return state_dir() / "sandbox"


def directory(name: str) -> Path:
    """Where one sandbox's files lie."""
    return root() / name


def create(name: str) -> Path:
    """Create the directory of a sandbox, for its owner only."""
    private_dir(root())
    path = private_dir(directory(name))
    path.chmod(0o700)
    return path


def save(sandbox: Sandbox) -> None:
    """Write connection.json; it holds a private key, so nobody else may read it."""
    path = sandbox.directory / CONNECTION
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(asdict(sandbox), stream, indent=2)
        stream.write("\n")
    new.replace(path)


def load(name: str) -> Sandbox | None:
    """Read what was saved; None when there is nothing, or something that an older version wrote."""
    try:
        data = json.loads((directory(name) / CONNECTION).read_text(encoding="utf-8"))
        return Sandbox(**{**data, "wireguard": WireGuard(**data["wireguard"])})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def require(name: str) -> Sandbox:
    """The saved sandbox.

    Raises:
        UserError: when there is none of this name.

    """
    found = load(name)
    if found is None:
        raise UserError(f"There is no sandbox {name!r}. Remedy: mediastack-provision sandbox up {name}")
    return found


def known() -> list[str]:
    """The names of all sandboxes with files on this machine."""
    return sorted(path.parent.name for path in root().glob(f"*/{CONNECTION}"))


def forget(name: str) -> None:
    """Remove a sandbox's files; only ours are there."""
    path = directory(name)
    if path.is_symlink():
        raise UserError(f"{path} is a link: it is not removed.")
    if path.is_dir():
        shutil.rmtree(path)
