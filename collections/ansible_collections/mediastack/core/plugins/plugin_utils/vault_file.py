"""The vault file beside the inventory: read, merged, written again whole, atomically, for its owner only.

The file is what `ansible-vault create` makes: encrypted YAML with `mediastack_secrets: {instance:
{name: value}}` and whatever else the owner keeps there, which is preserved. It lies in
`<inventory>/group_vars/mediastack/vault.yml`, where Ansible loads it by itself.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

VARIABLE = "mediastack_secrets"
RELATIVE_PATH = Path("group_vars/mediastack/vault.yml")
# What bin/vault-password prints when nothing is configured; never good enough to encrypt with.
NO_PASSWORD = b"mediastack: no vault password"
REMEDIES = """\
Remedies, any one of them:
  ansible-playbook --vault-password-file <file> (or --ask-vault-pass)
  MEDIASTACK_VAULT_PASSWORD_FILE=<file>        a file that holds the password
  MEDIASTACK_VAULT_PASSWORD_COMMAND=<command>  a command that prints it
  MEDIASTACK_VAULT_PASSWORD=<password>         the password itself
  mediastack-provision init                    makes ~/.config/mediastack/vault-password once"""


class VaultError(ValueError):
    """The vault file cannot be read or written; the message says why and what to do."""


class Cipher(Protocol):
    """What is needed of Ansible's VaultLib."""

    def decrypt(self, vaulttext: bytes) -> bytes:
        """Return the text of an encrypted file."""

    def encrypt(self, plaintext: str, secret: Any = None, vault_id: str | None = None) -> bytes:
        """Return an encrypted file."""


def usable_secrets(secrets: Sequence[tuple[str, Any]] | None) -> list[tuple[str, Any]]:
    """Return the vault passwords that Ansible was given, without our place-holder for none."""
    return [(name, secret) for name, secret in secrets or [] if secret and secret.bytes != NO_PASSWORD]


def locate(sources: Sequence[str]) -> Path:
    """Return where the vault of this inventory is: beside the first source with our group_vars.

    `sources` are Ansible's inventory sources: files or folders; host lists ("host,") do not count.
    """
    paths = [Path(source) for source in sources if "," not in str(source)]
    folders = [path if path.is_dir() else path.parent for path in paths]
    if not folders:
        raise VaultError(
            "This inventory is a list of hosts, so there is no folder to keep secrets in. "
            "Remedy: use an inventory folder (-i inventories/<name>)."
        )
    ours = [folder for folder in folders if (folder / "group_vars" / "mediastack").is_dir()]
    return (ours or folders)[0] / RELATIVE_PATH


def read(path: Path, cipher: Cipher) -> dict[str, Any]:
    """Return the content of the vault file, {} where there is none.

    Raises VaultError when it cannot be decrypted or is not a mapping. An unencrypted file is read as
    it is: it is encrypted when it is next written.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise VaultError(f"{path}: cannot be read: {error}.") from error
    if raw.startswith(b"$ANSIBLE_VAULT"):
        raw = decrypt(path, raw, cipher)
    try:
        content = yaml.safe_load(raw)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        # The parser quotes the line it stumbles over, which may hold a secret.
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise VaultError(f"{path}{place}: is not YAML. Remedy: ansible-vault edit {path}") from None
    if content is None:
        return {}
    if not isinstance(content, dict) or not isinstance(content.get(VARIABLE) or {}, dict):
        raise VaultError(
            f"{path}: must be a mapping with `{VARIABLE}: {{instance: {{name: value}}}}`. "
            f"Remedy: ansible-vault edit {path}"
        )
    return content


def decrypt(path: Path, raw: bytes, cipher: Cipher) -> bytes:
    """Return the text of an encrypted vault file."""
    try:
        return cipher.decrypt(raw)
    except Exception as error:  # Ansible's own errors, whose classes moved between 2.19 and 2.21
        raise VaultError(f"{path}: the vault password that was given does not open it.\n{REMEDIES}") from error


def write(path: Path, content: dict[str, Any], cipher: Cipher, secret: Any) -> None:
    """Encrypt `content` and put it in place of the file, atomically, mode 0600.

    A run that is killed leaves the old file or the new one. Raises VaultError.
    """
    header = "# Secrets of this inventory. Change them with: ansible-vault edit\n"
    text = "---\n" + header + yaml.safe_dump(content, default_flow_style=False, sort_keys=True, allow_unicode=True)
    encrypted = cipher.encrypt(text, secret=secret)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        target = path.resolve()  # a linked vault stays a link
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".vault-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(encrypted)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o600)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise VaultError(f"{path}: cannot be written: {error}.") from error
