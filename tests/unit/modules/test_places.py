"""What changed on a server since the record was made, without the record knowing any text."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mediastack.core.plugins.filter.views import places as places_of
from ansible_collections.mediastack.core.plugins.filter.views import written
from ansible_collections.mediastack.core.plugins.module_utils.fingerprint import keyed_hash
from ansible_collections.mediastack.core.plugins.module_utils.places import displaced

KEY = "k" * 64


@pytest.fixture
def record(tmp_path: Path) -> dict[str, Any]:
    """A folder with a managed file and a seed, and what is recorded of them."""
    me = {"owner": str(os.getuid()), "group": str(os.getgid())}
    folder = tmp_path / "config"
    folder.mkdir(mode=0o750)
    files = [("managed.conf", "managed", "0640", "text ä\n"), ("seed.conf", "seed", "0600", "seed\n")]
    for name, _, mode, text in files:
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(int(mode, 8))
    wanted = [
        {"path": str(folder / name), "policy": policy, "mode": mode, "content": text, **me}
        for name, policy, mode, text in files
    ]
    hashes = {item["path"]: keyed_hash(KEY, {"": item["content"]}) for item in wanted if item["policy"] == "managed"}
    found = places_of([{"path": str(folder), "mode": "0750", **me}], wanted)
    return {"places": found, "files": hashes}


def test_nothing_is_displaced_that_is_as_it_was_written(record: dict[str, Any]) -> None:
    assert len(record["places"]) == 3
    assert displaced(record, KEY) == []


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("config/managed.conf", lambda path: path.write_text("text b\n")),
        ("config/managed.conf", lambda path: path.write_bytes(b"\xff\xfe")),
        ("config/managed.conf", lambda path: path.chmod(0o644)),
        ("config/managed.conf", lambda path: path.unlink()),
        ("config/managed.conf", lambda path: (path.unlink(), path.mkdir())),
        ("config/managed.conf", lambda path: (path.rename(f"{path}.old"), path.symlink_to(f"{path}.old"))),
        ("config/seed.conf", lambda path: path.unlink()),
        ("config", lambda path: path.chmod(0o755)),
    ],
)
def test_what_changed_is_named(record: dict[str, Any], tmp_path: Path, name: str, spoil: Any) -> None:
    spoil(tmp_path / name)
    assert displaced(record, KEY) == [str(tmp_path / name)]


@pytest.mark.parametrize("key", ["owner", "group"])
def test_another_owner_is_noticed(record: dict[str, Any], tmp_path: Path, key: str) -> None:
    path = str(tmp_path / "config/seed.conf")
    record["places"][path][key] = "64999"
    assert displaced(record, KEY) == [path]


def test_a_seed_belongs_to_its_application_once_it_is_there(record: dict[str, Any], tmp_path: Path) -> None:
    seed = tmp_path / "config/seed.conf"
    seed.write_text("rewritten")
    seed.chmod(0o644)
    assert displaced(record, KEY) == []


@pytest.mark.parametrize(("known", "key"), [(False, KEY), (True, "")])
def test_without_record_or_key_nothing_can_be_said(record: dict[str, Any], known: bool, key: str) -> None:
    assert displaced(record if known else None, key) is None


def test_files_are_written_again_unless_record_and_server_agree(record: dict[str, Any]) -> None:
    wanted, hashes, host = record["places"], record["files"], {"generation": record, "displaced": []}
    assert written(wanted, hashes, host)
    assert not written(wanted, hashes, {**host, "displaced": None})
    assert not written(wanted, hashes, {**host, "displaced": ["/x"]})
    assert not written(wanted, hashes, {**host, "generation": None})
    assert not written({}, hashes, host)
    assert not written(wanted, {}, host)
