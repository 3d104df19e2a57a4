"""Files that only their owner may read: there whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mediastack_provision.private import write_new


def test_a_file_is_there_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_new(path, "héllo\n")
    assert path.read_text(encoding="utf-8") == "héllo\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_nobody_finds_a_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    while_written = []
    monkeypatch.setattr(os, "fsync", lambda _: while_written.append(path.exists()))
    write_new(path, "text")
    assert while_written == [False]


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("first")
    with pytest.raises(FileExistsError):
        write_new(path, "second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_new(tmp_path / "secret", "text")
    assert list(tmp_path.iterdir()) == []
