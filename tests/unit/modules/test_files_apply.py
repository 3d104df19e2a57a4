"""What `files` writes: atomic, never through a link, repeatable after a kill at any point."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mediastack.core.plugins.module_utils import files_apply
from ansible_collections.mediastack.core.plugins.module_utils.files_plan import FilesError, Ids, make_plan
from ansible_collections.mediastack.core.plugins.module_utils.safe_path import Directories

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def reconcile(scratch: Path | None = None, **params: Any) -> list[str]:
    whole = {"directories": [], "files": [], "absent": [], "roots": [], "secret_contents": {}, **params}
    with Directories() as directories:
        plan = make_plan(whole, Ids(may_be_missing=False), directories)
        if scratch:
            files_apply.validate_all(plan, str(scratch))
        return [change["action"] for change in files_apply.apply(plan, directories)]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_second_run_changes_nothing(tmp_path: Path) -> None:
    wanted: dict[str, Any] = {
        "directories": [{"path": f"{tmp_path}/d", "mode": "2775"}],
        "files": [
            {"path": f"{tmp_path}/d/f", "content": "x\n", "mode": "0640"},
            {"path": f"{tmp_path}/d/deep/er/s", "secret": "k", "mode": "0400"},
        ],
        "secret_contents": {"k": "hidden"},
    }
    assert len(reconcile(**wanted)) == 5
    assert reconcile(**wanted) == []
    assert mode(tmp_path / "d") == 0o2775
    assert mode(tmp_path / "d/deep/er/s") == 0o400
    assert (tmp_path / "d/deep/er/s").read_text() == "hidden"
    assert sorted(path.name for path in (tmp_path / "d").iterdir()) == ["deep", "f"]


def test_a_replaced_file_keeps_what_was_not_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    path.chmod(0o604)
    assert reconcile(files=[{"path": str(path), "content": "new"}]) == ["content"]
    assert (path.read_text(), mode(path)) == ("new", 0o604)


def test_replacement_is_by_rename_so_an_open_reader_sees_one_version(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    with path.open() as reader:
        reconcile(files=[{"path": str(path), "content": "new"}])
        assert reader.read() == "old"
    assert path.read_text() == "new"


def test_a_hard_link_elsewhere_keeps_its_content(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    (tmp_path / "other").hardlink_to(tmp_path / "f")
    reconcile(files=[{"path": f"{tmp_path}/f", "content": "new"}])
    assert (tmp_path / "other").read_text() == "old"


def test_a_link_that_appears_after_the_comparison_is_replaced_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    params = {"files": [{"path": f"{tmp_path}/f", "content": "new"}]}
    whole = {"directories": [], "absent": [], "roots": [], "secret_contents": {}, **params}
    with Directories() as directories:
        plan = make_plan(whole, Ids(may_be_missing=False), directories)
        (tmp_path / "f").symlink_to("victim")
        files_apply.apply(plan, directories)
    assert (tmp_path / "victim").read_text() == "precious"
    assert not (tmp_path / "f").is_symlink()


def test_a_leftover_of_a_killed_run_is_overwritten_even_where_it_is_a_trap(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / ".f.mediastack-new").symlink_to("victim")
    reconcile(files=[{"path": f"{tmp_path}/f", "content": "new"}])
    assert (tmp_path / "victim").read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f", "victim"]


def test_an_interrupted_write_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_text("old")

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files_apply.os, "rename", fail)
    with pytest.raises(FilesError, match=r"f: No space left on device \(after 0 of 1 changes\)"):
        reconcile(files=[{"path": f"{tmp_path}/f", "content": "new"}])
    assert (tmp_path / "f").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_refused_validation_writes_nothing_at_all(tmp_path: Path) -> None:
    target, scratch = tmp_path / "t", tmp_path / "s"
    target.mkdir()
    scratch.mkdir()
    files = [
        {"path": f"{target}/a", "content": "fine\n"},
        {"path": f"{target}/b", "content": "bad\n", "validate": ["grep", "-q", "good", "%s"]},
    ]
    with pytest.raises(FilesError, match="b: grep refuses"):
        reconcile(scratch, files=files)
    assert list(target.iterdir()) == list(scratch.iterdir()) == []
    files[1]["content"] = "good\n"
    assert reconcile(scratch, files=files) == ["create", "create"]


def test_a_validator_that_quotes_a_secret_is_not_repeated(tmp_path: Path) -> None:
    files = [{"path": f"{tmp_path}/a", "secret": "k", "validate": ["sh", "-c", 'cat "$0" >&2; exit 1', "%s"]}]
    with pytest.raises(FilesError) as caught:
        reconcile(tmp_path, files=files, secret_contents={"k": "SENTINEL"})
    assert "SENTINEL" not in str(caught.value)


def test_a_missing_validator_is_named(tmp_path: Path) -> None:
    files = [{"path": f"{tmp_path}/a", "content": "", "validate": ["no-such-program", "%s"]}]
    with pytest.raises(FilesError, match=r"cannot be validated: .*no-such-program"):
        reconcile(tmp_path, files=files)


def test_a_tree_is_removed_and_links_in_it_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "keep").mkdir()
    (tmp_path / "keep/file").write_text("precious")
    tree = tmp_path / "old/below"
    tree.mkdir(parents=True)
    (tree / "f").write_text("")
    (tree / "to-directory").symlink_to(tmp_path / "keep")
    (tree / "to-file").symlink_to(tmp_path / "keep/file")
    assert reconcile(absent=[f"{tmp_path}/old"], roots=[str(tmp_path)]) == ["remove"]
    assert not (tmp_path / "old").exists()
    assert (tmp_path / "keep/file").read_text() == "precious"


def test_a_link_itself_is_removed(tmp_path: Path) -> None:
    (tmp_path / "keep").mkdir()
    (tmp_path / "link").symlink_to("keep")
    assert reconcile(absent=[f"{tmp_path}/link"], roots=[str(tmp_path)]) == ["remove"]
    assert [path.name for path in tmp_path.iterdir()] == ["keep"]


@needs_root
def test_owner_goes_to_everything_below_only_when_the_top_is_wrong(tmp_path: Path) -> None:
    top = tmp_path / "d"
    (top / "sub").mkdir(parents=True)
    (top / "sub/f").write_text("")
    (top / "link").symlink_to("/etc/hostname")
    shared = tmp_path / "roots-own"
    shared.write_text("")
    (top / "hard").hardlink_to(shared)
    item = {"path": str(top), "owner": "4242", "group": "4243", "recurse_owner": True}
    before = Path("/etc/hostname").stat().st_uid
    assert reconcile(directories=[item]) == ["owner"]
    assert {(top / name).lstat().st_uid for name in ("sub", "sub/f", "link")} == {4242}
    assert Path("/etc/hostname").stat().st_uid == before
    assert shared.stat().st_uid == 0
    os.chown(top / "sub/f", 0, 0)
    assert reconcile(directories=[item]) == []


@needs_root
def test_set_group_bit_survives_a_change_of_owner(tmp_path: Path) -> None:
    path = tmp_path / "d"
    path.mkdir()
    path.chmod(0o2775)
    item = {"path": str(path), "owner": "4242", "group": "4243", "mode": "2775"}
    reconcile(directories=[item])
    assert (mode(path), path.stat().st_uid) == (0o2775, 4242)
    assert reconcile(directories=[item]) == []
