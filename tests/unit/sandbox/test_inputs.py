"""An image's hash changes with everything it is made of, and with nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediastack_provision.sandbox.inputs import content_hash, package_list, read_packages


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "a" / "image"
    (root / "sub").mkdir(parents=True)
    (root / "init").write_text("#!/bin/sh\n")
    (root / "sub" / "file").write_text("content")
    return root


def test_the_same_content_elsewhere_has_the_same_hash(tree: Path, tmp_path: Path) -> None:
    before = content_hash("fact", paths=[tree])
    os.utime(tree / "init", (0, 0))
    (tree / "__pycache__").mkdir()
    (tree / "__pycache__" / "x.pyc").write_bytes(b"1")
    moved = tmp_path / "b"
    moved.mkdir()
    tree.rename(moved / "image")
    assert content_hash("fact", paths=[moved / "image"]) == before


@pytest.mark.parametrize("change", ["edit", "mode", "rename", "add", "fact", "delete"])
def test_every_change_changes_the_hash(tree: Path, change: str) -> None:
    before = content_hash("fact", paths=[tree])
    fact = "fact"
    if change == "edit":
        (tree / "sub" / "file").write_text("Content")
    elif change == "mode":
        (tree / "init").chmod(0o755)
    elif change == "rename":
        (tree / "init").rename(tree / "unit")
    elif change == "add":
        (tree / "empty").touch()
    elif change == "delete":
        (tree / "init").unlink()
    else:
        fact = "other"
    assert content_hash(fact, paths=[tree]) != before


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_facts_cannot_be_confused(left: list[str], right: list[str]) -> None:
    assert (content_hash(*left) == content_hash(*right)) == (left == right)


def test_package_lists_have_comments(tmp_path: Path) -> None:
    assert package_list("# head\n\ncurl   # why\n  jq\n#gone\n") == ["curl", "jq"]
    (tmp_path / "one").write_text("curl\njq\n")
    (tmp_path / "two").write_text("jq\nacl\n")
    assert read_packages(tmp_path / "one", tmp_path / "two") == ["curl", "jq", "acl"]
