"""Every run's record: complete, private, numbered, without secrets."""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.unit.provision.support import recorded

from mediastack_provision import history
from mediastack_provision.events import Story
from mediastack_provision.exits import Exit, UserError
from mediastack_provision.redact import Redactor
from mediastack_provision.verbs import history as verb

SENTINEL = "5e1f1e1d5e1f1e1d5e1f1e1d5e1f1e1d"


def story() -> Story:
    told = Story()
    for event in recorded("failed_and_unreachable.jsonl"):
        told.feed(event)
    return told


def record(inventory: Path, **changed: Any) -> dict[str, Any]:
    body = history.compose(
        story(), verb="apply", inventory=inventory, options=["--limit=nas"], code=Exit.FAILED, commit="abc"
    )
    return body | changed


def test_a_record_says_what_happened(inventory: Path) -> None:
    identity = history.save(record(inventory), inventory, Redactor())
    kept = history.load(inventory, identity)
    assert kept["id"] == identity
    assert kept["verb"] == "apply"
    assert kept["result"] == "failed"
    assert kept["exit"] == 1
    assert kept["commit"] == "abc"
    assert kept["user"]
    assert [entry["task"] for entry in kept["changed"]] == ["Touch", "Sleep", "Write"]
    assert [entry["host"] for entry in kept["failures"]] == ["cellar", "nas"]
    assert kept["hosts"]["cellar"]["unreachable"] == 1


def test_records_are_numbered_by_day_and_private(inventory: Path) -> None:
    ids = [history.save(record(inventory), inventory, Redactor()) for _ in range(11)]
    day = ids[0].rpartition(".")[0]
    assert ids == [f"{day}.{number}" for number in range(1, 12)]
    folder = history.directory(inventory)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert [entry["id"] for entry in history.load_all(inventory)] == ids


def test_runs_at_once_do_not_share_a_number(inventory: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: history.save(record(inventory), inventory, Redactor()), range(24)))
    assert len(set(ids)) == 24


def test_a_directory_that_is_being_made_is_nobody_elses(inventory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(history.directory(inventory)))
    history.save(record(inventory), inventory, Redactor())
    assert set(seen) == {history.directory(inventory)}


def test_inventories_of_one_name_that_come_at_once_keep_apart(
    inventory: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = home / "elsewhere" / "home"
    others = iter([other])
    monkeypatch.setattr(os, "fsync", lambda _: [history.save(record(name), name, Redactor()) for name in others])
    history.save(record(inventory), inventory, Redactor())
    assert [entry["inventory"] for entry in history.load_all(inventory)] == [str(inventory)]
    assert [entry["inventory"] for entry in history.load_all(other)] == [str(other)]


def test_a_planted_secret_is_in_no_record(inventory: Path) -> None:
    body = record(
        inventory, failures=[{"host": "nas", "role": "a", "task": "b", "message": f"key {SENTINEL} hunter22"}]
    )
    history.save(body, inventory, Redactor(["hunter22"]))
    text = "".join(path.read_text() for path in history.directory(inventory).iterdir())
    assert SENTINEL not in text
    assert "hunter22" not in text


def test_inventories_of_one_name_keep_apart(inventory: Path, home: Path) -> None:
    other = home / "elsewhere" / "home"
    other.mkdir(parents=True)
    history.save(record(inventory), inventory, Redactor())
    history.save(record(other), other, Redactor())
    assert len(history.load_all(inventory)) == 1
    assert len(history.load_all(other)) == 1


def test_a_damaged_record_is_left_out(inventory: Path) -> None:
    history.save(record(inventory), inventory, Redactor())
    (history.directory(inventory) / "2026-01-01.1.json").write_text("{")
    assert len(history.load_all(inventory)) == 1


def test_an_unknown_id_is_a_message(inventory: Path) -> None:
    with pytest.raises(UserError, match=r"There is no run 'x'"):
        history.load(inventory, "x")


def test_the_table_fits_eighty_columns(inventory: Path) -> None:
    identity = history.save(
        record(inventory, user="a-very-long-user-name (as root)", seconds=3900), inventory, Redactor()
    )
    row = verb.row(history.load(inventory, identity))
    assert len(row) <= 80
    assert row.startswith(identity)
    assert "1 h 5 min" in row
    assert row.endswith("failed, 3 changed")
    assert "Failed: nas · stack · Fail" in verb.details(history.load(inventory, identity))


def test_the_commit_says_whether_files_differ_from_it(home: Path) -> None:
    repository = home / "repository"
    repository.mkdir()
    assert history.commit_of(repository) is None

    def git(*words: str) -> None:
        subprocess.run(
            ["git", "-C", str(repository), "-c", "user.name=t", "-c", "user.email=t@example.org", *words],
            check=True,
            capture_output=True,
        )

    git("init", "-q")
    (repository / "a").write_text("1")
    git("add", "a")
    git("commit", "-q", "-m", "a")
    clean = history.commit_of(repository)
    assert clean is not None
    assert len(clean) == 12
    (repository / "a").write_text("2")
    assert history.commit_of(repository) == f"{clean}+changes"


def test_show_as_json_is_the_record(inventory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    identity = history.save(record(inventory), inventory, Redactor())
    assert verb.show(str(inventory), identity, as_json=True) is Exit.OK
    assert json.loads(capsys.readouterr().out)["id"] == identity
