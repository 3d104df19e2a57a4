"""Where the vault password comes from. It is never an argument, and in no file but the owner's own."""

from __future__ import annotations

import os
import secrets
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mediastack_provision.exits import UserError
from mediastack_provision.private import private_dir, write_new
from mediastack_provision.project import config_dir, display

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# bin/vault-password, which Ansible runs, knows the same variables: plain ansible-playbook finds the same.
PASSWORD_VARIABLE = "MEDIASTACK_VAULT_PASSWORD"  # noqa: S105  the name of a variable
ELSEWHERE = (
    "MEDIASTACK_VAULT_PASSWORD_COMMAND",
    "MEDIASTACK_VAULT_PASSWORD_FILE",
    "ANSIBLE_VAULT_PASSWORD_FILE",
)
BESIDE = ".vault-password"  # a sandbox keeps its password there
REMEDIES = f"""\
  --vault-password-file FILE          a file that holds it
  --ask-vault-pass                    type it
  MEDIASTACK_VAULT_PASSWORD_COMMAND   a command that prints it
  {PASSWORD_VARIABLE}           the password itself"""


@dataclass(frozen=True)
class VaultSource:
    """A vault password: in a file (or printed by an executable one), or typed at Ansible's prompt by us."""

    file: Path | None = None
    password: str | None = None

    def __repr__(self) -> str:
        """Never the password itself: this may stand in a traceback."""
        return f"VaultSource(file={self.file!r}, password={'***' if self.password else None})"


def default_file() -> Path:
    """The file `init` creates."""
    return config_dir() / "vault-password"


def vault_file(inventory: Path) -> Path:
    """The encrypted file beside the owner's choices."""
    return inventory / "group_vars" / "mediastack" / "vault.yml"


def is_encrypted(path: Path) -> bool:
    """Whether a file was written by ansible-vault."""
    try:
        with path.open("rb") as stream:
            return stream.read(14) == b"$ANSIBLE_VAULT"
    except OSError:
        return False


def find_source(  # noqa: PLR0911  one return per source, in order
    inventory: Path, explicit: Path | None, ask: Callable[[], str] | None, *, forced: bool
) -> VaultSource:
    """The vault password's source, the most explicit first.

    Args:
        inventory: the inventory directory
        explicit: `--vault-password-file`
        ask: types the password at a prompt; None where nobody can be asked
        forced: `--ask-vault-pass`

    Raises:
        UserError: when the password is needed and there is none, or its file is readable by others.

    """
    if explicit is not None:
        return VaultSource(file=checked_file(explicit))
    if forced and ask is not None:
        return VaultSource(password=ask())
    if password := os.environ.get(PASSWORD_VARIABLE):
        return VaultSource(password=password)
    if any(os.environ.get(name) for name in ELSEWHERE):
        return VaultSource()  # Ansible and bin/vault-password read these themselves
    for path in (inventory / BESIDE, default_file()):
        if path.is_file():
            return VaultSource(file=checked_file(path))
    if not is_encrypted(vault_file(inventory)):
        return VaultSource()
    if ask is not None:
        return VaultSource(password=ask())
    raise UserError(f"{display(vault_file(inventory))} is encrypted and no password is set. Give one of:\n{REMEDIES}")


def checked_file(path: Path) -> Path:
    """A password file that exists and that nobody else can read.

    Raises:
        UserError: otherwise, with the remedy.

    """
    path = path.expanduser().absolute()
    if not path.is_file():
        raise UserError(f"{display(path)}: there is no such vault password file.")
    mode = path.stat().st_mode
    executable = mode & 0o100
    if mode & 0o077 and not executable:
        raise UserError(
            f"{display(path)}: others can read the vault password (mode {mode & 0o777:04o}). Run: chmod 600 {path}"
        )
    return path


def create_default() -> Path | None:
    """Create the owner's vault password file with a random password, 0600; None when there is one already."""
    path = default_file()
    private_dir(path.parent)
    try:
        write_new(path, secrets.token_urlsafe(32) + "\n")
    except FileExistsError:
        return None
    return path


def read_password(path: Path) -> str:
    """The password in a file, or what it prints when it is a program.

    Raises:
        UserError: when there is no password in it.

    """
    path = checked_file(path)
    if path.stat().st_mode & 0o100:
        done = subprocess.run([str(path)], capture_output=True, text=True, check=False, timeout=120)
        password = done.stdout if done.returncode == 0 else ""
    else:
        password = path.read_text(encoding="utf-8")
    if not password.strip():
        raise UserError(f"{display(path)} holds no vault password.")
    return password.strip("\r\n")
