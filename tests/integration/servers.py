"""A sandbox server for tests: made on demand, reached like an owner's, and looked at from outside."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from tests.integration import playbook

from mediastack_provision.sandbox import lifecycle, names
from mediastack_provision.sandbox.docker import find_engine
from mediastack_provision.sandbox.state import Sandbox

RELEASES = ("debian12", "debian13")


@dataclasses.dataclass(frozen=True)
class Server:
    """A sandbox server and the inventory that goes with it."""

    sandbox: Sandbox

    @property
    def choices(self) -> Path:
        """Where a test adds its own choices, as an owner would."""
        return self.sandbox.inventory / "group_vars" / "mediastack" / "test.yml"

    @property
    def environment(self) -> dict[str, str]:
        """The vault password, given in one of the documented ways."""
        return {"MEDIASTACK_VAULT_PASSWORD_FILE": str(self.sandbox.inventory / ".vault-password")}

    def play(self, name: str, *words: str, **options: Any) -> playbook.Result:
        """Run one of the project's playbooks against the server."""
        env = {**self.environment, **options.pop("env", {})}
        return playbook.run(name, self.sandbox.inventory, *words, env=env, **options)

    def apply(self, *words: str) -> playbook.Result:
        """Apply; fail the test with the run's output when it does not succeed."""
        result = self.play("playbooks/apply.yml", *words)
        assert result.returncode == 0, result.output[-6000:]
        return result

    def plan(self, *words: str) -> playbook.Result:
        """Check mode of the same."""
        result = self.play("playbooks/apply.yml", "--check", "--diff", *words)
        assert result.returncode == 0, result.output[-6000:]
        return result

    def settled(self) -> None:
        """A further run changes nothing."""
        result = self.apply()
        assert result.changed == [], changes(result)

    def root(self, script: str, *, check: bool = True) -> str:
        """Run a shell script on the server as root, beside the way that is under test."""
        argv = ["docker", "exec", "-i", self.sandbox.container, "/bin/bash", "-euo", "pipefail", "-s"]
        done = subprocess.run(
            argv,
            input=script,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env=find_engine().environment,
        )
        if check:
            assert done.returncode == 0, f"{script}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done.stdout

    def secrets(self) -> dict[str, dict[str, str]]:
        """Every secret of the inventory's vault, in clear."""
        words = ["view", "group_vars/mediastack/vault.yml", "--vault-password-file", ".vault-password"]
        argv = [str(playbook.ANSIBLE_PLAYBOOK.with_name("ansible-vault")), *words]
        shown = subprocess.run(argv, cwd=self.sandbox.inventory, capture_output=True, text=True, check=True)
        found: dict[str, dict[str, str]] = yaml.safe_load(shown.stdout)["mediastack_secrets"]
        return found

    def generation(self) -> dict[str, Any]:
        """What the server says is applied."""
        found: dict[str, Any] = json.loads(self.root("cat /var/lib/mediastack/generations/current"))
        return found

    def containers(self) -> dict[str, dict[str, Any]]:
        """`docker inspect` of every container on the server, by name."""
        listing = self.root("ids=$(docker ps -aq); [ -z \"$ids\" ] && echo '[]' || docker inspect $ids")
        return {item["Name"].lstrip("/"): item for item in json.loads(listing)}


def changes(result: playbook.Result) -> list[tuple[str, str, str]]:
    """Every single thing that a run changed or would change: (task, what, action), sorted."""
    found: set[tuple[str, str, str]] = set()
    for event in result.events:
        if event["event"] != "ok" or not event["changed"]:
            continue
        items = event["changes"] or [{"action": "changed"}]
        for item in items:
            what = item.get("path") or item.get("instance") or item.get("network") or item.get("name") or ""
            found.add((event["task"], str(what), str(item.get("action"))))
    return sorted(found)


@contextmanager
def server(
    name: str, *, release: str = "debian13", kind: str = "engine", ports: tuple[int, ...] = ()
) -> Iterator[Server]:
    """A fresh server for the length of a test; nothing of it is left."""
    name = names.of_checkout(name, playbook.ROOT)
    lifecycle.down(name)
    try:
        yield Server(lifecycle.up(name, release, kind, ports=ports))
    finally:
        lifecycle.down(name)


def on_releases(metafunc: pytest.Metafunc, fixture: str, scope: Literal["module", "session"] = "module") -> None:
    """Give `fixture`, which has this scope, every release in a soak, else the newest."""
    if fixture in metafunc.fixturenames:
        releases = RELEASES if metafunc.config.getoption("--soak") else RELEASES[-1:]
        metafunc.parametrize(fixture, releases, indirect=True, scope=scope)
