"""The secrets and render tasks in a real play, against a vault file of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from tests.unit.render.support import OWNER, ROOT, example_stack

from ansible_collections.mediastack.core.plugins.plugin_utils import vault_file

PASSWORD = "sentinel-vault-password"
PLAY = """
- hosts: mediastack
  gather_facts: false
  tasks:
    - name: Make secrets
      mediastack.core.secrets:
        stack: "{{ lookup('ansible.builtin.file', stack_file) | from_json }}"
        secrets: "{{ mediastack_secrets | default({}) }}"
      register: made
    - name: Render
      mediastack.core.render:
        stack: "{{ lookup('ansible.builtin.file', stack_file) | from_json }}"
        secrets: "{{ ansible_facts.mediastack_secrets }}"
        engine_version: 28.1.0
        roles: ["{{ roles }}"]
    - name: Keep what came out
      ansible.builtin.copy:
        content: "{{ {'secrets': ansible_facts.mediastack_secrets, 'render': ansible_facts.mediastack_render,
                      'changed': made.changed, 'generated': made.generated} | to_json }}"
        dest: "{{ inventory_dir }}/out-{{ inventory_hostname }}.json"
        mode: "0600"
      no_log: true
      check_mode: false
      diff: false
"""


class Home:
    """An inventory folder and a way to run the play against it."""

    def __init__(self, path: Path, hosts: tuple[str, ...] = ("nas",)) -> None:
        self.path = path
        self.vault = path / "inventory/group_vars/mediastack/vault.yml"
        (path / "inventory").mkdir()
        entries = {
            host: {"ansible_connection": "local", "ansible_python_interpreter": sys.executable} for host in hosts
        }
        (path / "inventory/hosts.yml").write_text(json.dumps({"mediastack": {"hosts": entries}}))
        (path / "stack.json").write_text(json.dumps(example_stack()))
        (path / "play.yml").write_text(PLAY)

    def write(self, content: dict[str, Any]) -> None:
        secret = VaultSecret(PASSWORD.encode())
        vault_file.write(self.vault, content, VaultLib([("default", secret)]), secret)

    def read(self) -> dict[str, Any]:
        return vault_file.read(self.vault, VaultLib([("default", VaultSecret(PASSWORD.encode()))]))

    def run(self, *arguments: str, password: str | None = PASSWORD) -> subprocess.CompletedProcess[str]:
        environment = {
            "HOME": str(self.path),
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "LC_ALL": "C.UTF-8",
        }
        if password is not None:
            environment["MEDIASTACK_VAULT_PASSWORD"] = password
        extra = json.dumps({"stack_file": str(self.path / "stack.json"), "roles": str(ROOT / "roles")})
        return subprocess.run(
            [
                Path(sys.executable).parent / "ansible-playbook",
                "-i",
                self.path / "inventory",
                "-e",
                extra,
                *arguments,
                self.path / "play.yml",
            ],
            env=environment,
            cwd=self.path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def out(self, host: str = "nas") -> dict[str, Any]:
        result: dict[str, Any] = json.loads((self.path / f"inventory/out-{host}.json").read_text())
        return result


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_made_once_kept_encrypted_and_never_shown(home: Home) -> None:
    home.write({"mediastack_secrets": OWNER, "own_variable": "kept"})
    first = home.run("-vvv", "--diff")
    assert first.returncode == 0, first.stdout + first.stderr
    out = home.out()
    assert out["changed"]
    assert "radarr.api_key" in out["generated"]
    kept = home.read()
    assert kept["own_variable"] == "kept"
    assert kept["mediastack_secrets"] == out["secrets"]
    assert home.vault.stat().st_mode & 0o777 == 0o600
    values = [value for names in out["secrets"].values() for value in names.values()]
    for value in [*values, PASSWORD]:
        assert value not in first.stdout + first.stderr
    before = home.vault.read_bytes()
    second = home.run()
    assert second.returncode == 0
    again = home.out()
    assert not again["changed"]
    assert again["secrets"] == out["secrets"]
    assert again["render"] == out["render"], "rendering twice gives the same"
    assert home.vault.read_bytes() == before


def test_hosts_that_run_side_by_side_share_one_vault(tmp_path: Path) -> None:
    home = Home(tmp_path, ("nas", "nas2", "nas3"))
    home.write({"mediastack_secrets": OWNER})
    done = home.run()
    assert done.returncode == 0, done.stdout + done.stderr
    results = [home.out(host) for host in ("nas", "nas2", "nas3")]
    assert results[0]["secrets"] == results[1]["secrets"] == results[2]["secrets"] == home.read()["mediastack_secrets"]
    assert sum(result["changed"] for result in results) == 1


def test_check_mode_predicts_and_writes_nothing(home: Home) -> None:
    home.write({"mediastack_secrets": OWNER})
    before = home.vault.read_bytes()
    done = home.run("--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert home.out()["changed"]
    assert len(home.out()["secrets"]["radarr"]["api_key"]) == 32
    assert home.vault.read_bytes() == before
    assert [path.name for path in home.vault.parent.iterdir()] == ["vault.yml"]


def test_secrets_from_elsewhere_win_and_are_not_copied(home: Home) -> None:
    extra = json.dumps({"mediastack_secrets": {**OWNER, "radarr": {"api_key": "mine"}}})
    done = home.run("-e", extra)
    assert done.returncode == 0, done.stdout + done.stderr
    assert home.out()["secrets"]["radarr"]["api_key"] == "mine"
    kept = home.read()["mediastack_secrets"]
    assert "gluetun" not in kept or "wireguard_private_key" not in kept["gluetun"]
    assert set(kept["radarr"]) == {"ui_password"}


@pytest.mark.parametrize("mode", [(), ("--check",)])
def test_without_password_nothing_is_made(home: Home, mode: tuple[str, ...]) -> None:
    done = home.run(*mode, "-e", json.dumps({"mediastack_secrets": OWNER}), password=None)
    assert done.returncode == 2
    output = done.stdout + done.stderr
    assert "there is no vault password" in output
    for remedy in ("--vault-password-file", "MEDIASTACK_VAULT_PASSWORD_COMMAND", "mediastack-provision init"):
        assert remedy in output
    assert not home.vault.exists()


def test_missing_owner_secret_names_file_key_and_remedy(home: Home) -> None:
    done = home.run()
    assert done.returncode == 2
    output = done.stdout + done.stderr
    assert "group_vars/mediastack/vault.yml" in output
    assert "mediastack_secrets.gluetun.wireguard_private_key: missing" in output
    assert "ansible-vault edit" in output
    assert not home.vault.exists()
