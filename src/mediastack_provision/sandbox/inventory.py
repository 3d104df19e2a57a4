"""The inventory of a sandbox: the one that ships with the project, filled in.

`demo` uses the checkout's inventories/sandbox itself, so that what newcomers read is what runs; every other sandbox
gets a copy of its own. Both have a vault with the WireGuard key of the sandbox's provider, and its password beside it.
"""

from __future__ import annotations

import secrets
import shutil
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from mediastack_provision.exits import Exit, UserError
from mediastack_provision.private import write_new
from mediastack_provision.project import find_project, import_collection

if TYPE_CHECKING:
    from mediastack_provision.sandbox.state import Sandbox

DEFAULT = "demo"
PASSWORD = ".vault-password"  # noqa: S105  a file's name
VAULT = Path("group_vars/mediastack/vault.yml")
# What the inventory says of the sandbox beyond how to reach it.
SURROUNDINGS = ("subnet", "internet_address", "http_port", "https_port", "registry", "docker_repository")
CONNECTION = Path("host_vars/sandbox/connection.yml")


def connection(sandbox: Sandbox) -> str:
    """The text of connection.yml: how the server is reached, and what surrounds it, as plain values.

    Ansible templates connection variables anew for every task; plain ones cost nothing.
    """
    wireguard = {key: value for key, value in asdict(sandbox.wireguard).items() if key != "private_key"}
    variables = {
        "ansible_host": sandbox.host,
        "ansible_port": sandbox.port,
        "ansible_user": sandbox.user,
        "ansible_become": sandbox.user != "root",
        "ansible_ssh_private_key_file": sandbox.private_key,
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={sandbox.known_hosts} -o IdentitiesOnly=yes",
        "sandbox": {name: getattr(sandbox, name) for name in SURROUNDINGS} | {"wireguard": wireguard},
    }
    return "---\n# Written by `sandbox up`, removed by `sandbox down`.\n" + yaml.safe_dump(variables, sort_keys=False)


def write(sandbox: Sandbox) -> None:
    """Make the sandbox's inventory current; secrets that are in its vault stay."""
    target = sandbox.inventory
    shipped = find_project().root / "inventories" / "sandbox"
    if sandbox.name == DEFAULT and find_project().checkout:
        if target.resolve() != shipped.resolve():
            _discard(target)
            target.symlink_to(shipped)
    else:
        _copy(shipped, target)
    path = target / CONNECTION
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(connection(sandbox), encoding="utf-8")
    _write_vault(target, sandbox.wireguard.private_key)


def _copy(shipped: Path, target: Path) -> None:
    if target.is_symlink():
        target.unlink()
    if not (shipped / "hosts.yml").is_file():
        raise UserError(f"{shipped} is missing: this installation is not complete. Install it again.", Exit.FAILED)
    shutil.copytree(
        shipped,
        target,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("vault.yml", PASSWORD, CONNECTION.name, "__pycache__"),
    )


def _write_vault(inventory: Path, private_key: str) -> None:
    """Put the WireGuard key into the vault. One that our password does not open belonged to an older sandbox."""
    import_collection(find_project())
    from ansible_collections.mediastack.core.plugins.plugin_utils import vault_file

    secret = VaultSecret(_password(inventory).encode())
    cipher = VaultLib([("default", secret)])
    path = inventory / VAULT
    try:
        content: dict[str, Any] = vault_file.read(path, cipher)
    except vault_file.VaultError:
        content = {}
    known = content.setdefault("mediastack_secrets", {})
    if known.get("gluetun", {}).get("wireguard_private_key") == private_key:
        return
    known.setdefault("gluetun", {})["wireguard_private_key"] = private_key
    vault_file.write(path, content, cipher, secret)


def _password(inventory: Path) -> str:
    path = inventory / PASSWORD
    with suppress(FileExistsError):
        write_new(path, secrets.token_urlsafe(32) + "\n")
    return path.read_text(encoding="ascii").strip()


def forget(directory: Path) -> None:
    """Remove what `write` has put into the checkout for the sandbox whose files lie in `directory`."""
    inventory = directory / "inventory"
    if not inventory.is_symlink():
        return
    for path in (inventory / VAULT, inventory / PASSWORD, inventory / CONNECTION):
        path.unlink(missing_ok=True)
    inventory.unlink()


def _discard(target: Path) -> None:
    if target.is_symlink():
        target.unlink()
    elif target.is_dir():
        shutil.rmtree(target)
