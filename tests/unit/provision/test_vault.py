"""Where the vault password comes from, and that nobody else can read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediastack_provision import vault
from mediastack_provision.exits import UserError


def find(
    inventory: Path, explicit: Path | None = None, typed: str | None = None, forced: bool = False
) -> vault.VaultSource:
    return vault.find_source(inventory, explicit, (lambda: typed) if typed else None, forced=forced)


@pytest.fixture
def encrypted(inventory: Path) -> Path:
    vault.vault_file(inventory).write_text("$ANSIBLE_VAULT;1.1;AES256\n00\n")
    return inventory


def password_file(home: Path, mode: int = 0o600) -> Path:
    path = home / "pw"
    path.write_text("hunter22\n")
    path.chmod(mode)
    return path


def test_nothing_is_asked_where_nothing_is_encrypted(inventory: Path) -> None:
    assert find(inventory, typed="x") == vault.VaultSource()


def test_order_of_sources(encrypted: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find(encrypted, typed="typed") == vault.VaultSource(password="typed")
    created = vault.create_default()
    assert find(encrypted, typed="typed") == vault.VaultSource(file=created)
    monkeypatch.setenv("MEDIASTACK_VAULT_PASSWORD_COMMAND", "pass show x")
    assert find(encrypted, typed="typed") == vault.VaultSource()
    monkeypatch.setenv("MEDIASTACK_VAULT_PASSWORD", "env")
    assert find(encrypted, typed="typed") == vault.VaultSource(password="env")
    assert find(encrypted, typed="typed", forced=True) == vault.VaultSource(password="typed")
    path = password_file(home)
    assert find(encrypted, path, typed="typed", forced=True) == vault.VaultSource(file=path)


def test_without_any_password_an_encrypted_vault_is_a_message_with_remedies(encrypted: Path) -> None:
    with pytest.raises(UserError, match="no password is set") as caught:
        find(encrypted)
    assert "--vault-password-file" in str(caught.value)
    assert "MEDIASTACK_VAULT_PASSWORD" in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_can_read_is_refused(inventory: Path, home: Path, mode: int) -> None:
    with pytest.raises(UserError, match="chmod 600"):
        find(inventory, password_file(home, mode))


def test_a_missing_file_is_refused(inventory: Path, home: Path) -> None:
    with pytest.raises(UserError, match="no such vault password file"):
        find(inventory, home / "nowhere")


def test_the_default_file_is_made_once_and_private() -> None:
    path = vault.create_default()
    assert path is not None
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_text()
    assert len(before) > 32
    assert vault.create_default() is None
    assert path.read_text() == before


def test_a_program_prints_the_password(home: Path) -> None:
    path = home / "pw"
    path.write_text("#!/bin/sh\necho hunter22\n")
    path.chmod(0o755)
    assert vault.read_password(path) == "hunter22"


def test_no_representation_shows_the_password() -> None:
    assert "hunter22" not in repr(vault.VaultSource(password="hunter22"))
