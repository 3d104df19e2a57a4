"""Records of what was applied: numbered, linked, kept, the same only once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.mediastack.core.plugins.module_utils.generations import (
    GenerationError,
    current,
    new_id,
    prune,
    same,
    write,
)
from ansible_collections.mediastack.core.plugins.modules.generation import outline

NOON = 1795262400.0  # 2026-11-21T12:00:00Z
RECORD = {
    "by": "me",
    "commit": "abc",
    "stack": {"instances": {"radarr": {}}},
    "digests": {"a:1": "sha256:1"},
    "files": {},
}


def test_the_first_and_the_second(tmp_path: Path) -> None:
    assert current(str(tmp_path)) is None
    assert write(str(tmp_path), RECORD, NOON)["id"] == "2026-11-21.1"
    assert write(str(tmp_path), RECORD, NOON)["id"] == "2026-11-21.2"
    found = current(str(tmp_path))
    assert found is not None
    assert (found["id"], found["created"], found["by"]) == ("2026-11-21.2", "2026-11-21T12:00:00Z", "me")
    folder = tmp_path / "generations"
    assert (folder / "current").readlink() == Path("2026-11-21.2.json")
    assert sorted(path.name for path in folder.iterdir()) == ["2026-11-21.1.json", "2026-11-21.2.json", "current"]
    assert (folder / "2026-11-21.1.json").stat().st_mode & 0o007 == 0


def test_same_is_about_what_is_applied_only() -> None:
    other = {**RECORD, "id": "x", "created": "y", "by": "you", "commit": "def"}
    assert same(other, RECORD)
    assert not same({**other, "digests": {"a:1": "sha256:2"}}, RECORD)
    assert not same({**other, "files": {"/f": "1"}}, RECORD)
    assert not same({**other, "services": {"radarr": {"spec": "2"}}}, RECORD)
    assert not same(None, RECORD)


def test_only_the_last_ones_are_kept_and_never_the_current_one_lost(tmp_path: Path) -> None:
    for _ in range(12):
        write(str(tmp_path), RECORD, NOON)
    assert prune(str(tmp_path), 3) == [f"2026-11-21.{number}" for number in range(9, 0, -1)]
    folder = tmp_path / "generations"
    (folder / "current").unlink()
    (folder / "current").symlink_to("2026-11-21.10.json")
    assert prune(str(tmp_path), 1) == ["2026-11-21.11"]
    assert current(str(tmp_path)) is not None


def test_numbers_count_on_past_nine(tmp_path: Path) -> None:
    for number in (2, 10):
        (tmp_path / f"2026-11-21.{number}.json").write_text("{}")
    assert new_id(tmp_path, NOON) == "2026-11-21.11"


@pytest.mark.parametrize("text", ["", "{", "[]", "\xff"])
def test_a_damaged_record_counts_as_none(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "generations"
    folder.mkdir()
    (folder / "current").write_text(text, encoding="latin-1")
    assert current(str(tmp_path)) is None


def test_leftovers_of_a_killed_run_do_not_matter(tmp_path: Path) -> None:
    folder = tmp_path / "generations"
    folder.mkdir()
    (folder / ".current.new").symlink_to("nowhere")
    (folder / ".2026-11-21.1.json.new").write_text("half")
    write(str(tmp_path), RECORD, NOON)
    assert json.loads((folder / "2026-11-21.1.json").read_text())["stack"] == RECORD["stack"]


def test_where_nothing_can_be_written_the_path_is_named(tmp_path: Path) -> None:
    (tmp_path / "generations").write_text("a file")
    with pytest.raises(GenerationError, match="generations"):
        write(str(tmp_path), RECORD, NOON)


def test_a_diff_outlines_the_stack() -> None:
    assert outline(None) == ""
    lines = outline(RECORD).splitlines()
    assert (lines[0], lines[2:]) == ("instances: radarr", ["image: a:1 sha256:1", "commit: abc"])
    assert outline(RECORD) != outline({**RECORD, "stack": {"instances": {"radarr": {"zone": "vpn"}}}})
