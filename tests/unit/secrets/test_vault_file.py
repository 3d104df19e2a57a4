"""The vault file: encrypted, private, atomic, and it keeps what the owner put there."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.mediastack.core.plugins.plugin_utils import vault_file
from ansible_collections.mediastack.core.plugins.plugin_utils.vault_file import VaultError

SENTINEL = "sentinel-vault-value"


def vault(password: bytes = b"password") -> tuple[VaultLib, VaultSecret]:
    secret = VaultSecret(password)
    return VaultLib([("default", secret)]), secret


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "group_vars/mediastack/vault.yml"


def test_round_trip_private_and_encrypted(path: Path) -> None:
    cipher, secret = vault()
    content = {"mediastack_secrets": {"radarr": {"api_key": SENTINEL}}, "own": [1, "ü"]}
    vault_file.write(path, content, cipher, secret)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    raw = path.read_bytes()
    assert raw.startswith(b"$ANSIBLE_VAULT;1.1;AES256")
    assert SENTINEL.encode() not in raw
    assert vault_file.read(path, cipher) == content
    assert list(path.parent.iterdir()) == [path], "no temporary file is left"


def test_there_is_none_yet(path: Path) -> None:
    assert vault_file.read(path, vault()[0]) == {}


def test_the_wrong_password_is_an_error_with_remedies(path: Path) -> None:
    vault_file.write(path, {}, *vault())
    with pytest.raises(VaultError, match="does not open it") as caught:
        vault_file.read(path, vault(b"another")[0])
    assert str(path) in str(caught.value)
    assert "MEDIASTACK_VAULT_PASSWORD_COMMAND" in str(caught.value)
    with pytest.raises(VaultError, match="does not open it"):
        vault_file.read(path, VaultLib([]))


def test_a_failed_write_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cipher, secret = vault()
    vault_file.write(path, {"mediastack_secrets": {}}, cipher, secret)
    before = path.read_bytes()

    def broken(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(VaultError, match="No space left on device"):
        vault_file.write(path, {"mediastack_secrets": {"a": {"b": "c"}}}, cipher, secret)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_linked_vault_stays_a_link(path: Path, tmp_path: Path) -> None:
    kept = tmp_path / "safe/vault.yml"
    kept.parent.mkdir()
    path.parent.mkdir(parents=True)
    path.symlink_to(kept)
    cipher, secret = vault()
    vault_file.write(path, {"a": 1}, cipher, secret)
    assert path.is_symlink()
    assert vault_file.read(kept, cipher) == {"a": 1}


@pytest.mark.parametrize(
    "text",
    [f"mediastack_secrets: {{radarr: {SENTINEL}", f"- {SENTINEL}", f"mediastack_secrets: {SENTINEL}", SENTINEL],
)
def test_what_is_no_vault_is_refused_without_showing_it(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(VaultError) as caught:
        vault_file.read(path, vault()[0])
    assert SENTINEL not in str(caught.value)
    assert "ansible-vault edit" in str(caught.value)
    shown = caught.value.__cause__ or ("" if caught.value.__suppress_context__ else caught.value.__context__)
    assert SENTINEL not in str(shown)


def test_an_unencrypted_file_is_read(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump({"mediastack_secrets": {"radarr": {"api_key": "x"}}}))
    assert vault_file.read(path, vault()[0])["mediastack_secrets"]["radarr"]["api_key"] == "x"


def test_the_placeholder_is_no_password() -> None:
    real, none = VaultSecret(b"real"), VaultSecret(vault_file.NO_PASSWORD)
    assert vault_file.usable_secrets([("default", none), ("home", real)]) == [("home", real)]
    assert vault_file.usable_secrets([("default", none)]) == []
    assert vault_file.usable_secrets(None) == []


def test_the_vault_is_beside_the_inventory_that_has_our_variables(tmp_path: Path) -> None:
    plain, ours = tmp_path / "groups.yml", tmp_path / "home"
    plain.touch()
    (ours / "group_vars/mediastack").mkdir(parents=True)
    (ours / "hosts.yml").touch()
    expected = ours / "group_vars/mediastack/vault.yml"
    assert vault_file.locate([str(plain), str(ours)]) == expected
    assert vault_file.locate([str(ours / "hosts.yml")]) == expected
    assert vault_file.locate([str(plain)]) == tmp_path / "group_vars/mediastack/vault.yml"


@pytest.mark.parametrize("sources", [[], ["nas,"], ["nas,other"]])
def test_a_list_of_hosts_has_no_place_for_secrets(sources: list[str]) -> None:
    with pytest.raises(VaultError, match="-i inventories/<name>"):
        vault_file.locate(sources)
