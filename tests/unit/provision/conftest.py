"""A home of its own for every test: nothing of the developer's settings, history or passwords is seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.provision.support import Ansible, Script

from mediastack_provision import runner

VARIABLES = (
    "MEDIASTACK_INVENTORY",
    "MEDIASTACK_INVENTORIES",
    "MEDIASTACK_VAULT_PASSWORD",
    "MEDIASTACK_VAULT_PASSWORD_COMMAND",
    "MEDIASTACK_VAULT_PASSWORD_FILE",
    "ANSIBLE_VAULT_PASSWORD_FILE",
    # They ask for colours where there is no terminal.
    "FORCE_COLOR",
    "GITHUB_ACTIONS",
    "PY_COLORS",
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def inventory(home: Path) -> Path:
    folder = home / "inventories" / "home"
    (folder / "group_vars" / "mediastack").mkdir(parents=True)
    (folder / "hosts.yml").write_text("mediastack: {hosts: {nas: {ansible_connection: local}}}\n")
    return folder


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def ansible(monkeypatch: pytest.MonkeyPatch, inventory: Path) -> Ansible:
    fake = Ansible()
    monkeypatch.setattr(runner, "run", fake.run)
    return fake
