"""What `files` finds to change: compared in a real directory, nothing written."""

from __future__ import annotations

import grp
import os
import pwd
import time
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.mediastack.core.plugins.module_utils.files_plan import (
    SECRET_TEXT,
    FilesError,
    Ids,
    check_absent,
    diff_of,
    make_plan,
    mode_of,
)
from ansible_collections.mediastack.core.plugins.module_utils.safe_path import Directories

if TYPE_CHECKING:
    from pathlib import Path

ME = {"owner": pwd.getpwuid(os.geteuid()).pw_name, "group": grp.getgrgid(os.getegid()).gr_name}


def plan(*, check: bool = False, **params: Any):
    whole = {"directories": [], "files": [], "absent": [], "roots": [], "secret_contents": {}, **params}
    with Directories() as directories:
        return make_plan(whole, Ids(may_be_missing=check), directories)


def brief(found: Any) -> list[tuple[str, str]]:
    return [(change["path"].rpartition("/")[2], change["action"]) for change in found.changes]


def test_a_new_file_and_its_directory(tmp_path: Path) -> None:
    found = plan(
        directories=[{"path": f"{tmp_path}/a", "mode": "0750", **ME}],
        files=[{"path": f"{tmp_path}/a/f", "content": "x\n", "mode": "0640", **ME}],
    )
    assert brief(found) == [("a", "create"), ("f", "create")]
    assert found.changes[1]["after"] == f"file {ME['owner']}:{ME['group']} 0640"
    assert list(tmp_path.iterdir()) == []


def test_nothing_where_all_is_right(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("x\n")
    path.chmod(0o640)
    assert plan(files=[{"path": str(path), "content": "x\n", "mode": "0640", **ME}]).changes == []


@pytest.mark.parametrize(
    ("item", "actions"),
    [
        ({"content": "y\n", "mode": "0640"}, ["content"]),
        ({"content": "x\n", "mode": "0600"}, ["mode"]),
        ({"content": "longer than that\n", "mode": "0600"}, ["content", "mode"]),
        ({"content": "y\n", "mode": "0640", "policy": "seed"}, []),
        ({"content": "y\n", "mode": "0600", "policy": "seed"}, []),
        ({"content": "y\n", "policy": "seed", "owner": "4242", "group": "4243"}, ["owner"]),
        ({"content": "x\n", "mode": "0640", "owner": "4242", "group": "4243"}, ["owner"]),
    ],
)
def test_each_kind_of_drift(tmp_path: Path, item: dict[str, Any], actions: list[str]) -> None:
    path = tmp_path / "f"
    path.write_text("x\n")
    path.chmod(0o640)
    assert [action for _, action in brief(plan(files=[{"path": str(path), **item}]))] == actions


def test_a_user_that_does_not_exist_yet_is_fine_in_check_mode_only(tmp_path: Path) -> None:
    item = {"path": f"{tmp_path}/f", "content": "", "owner": "nobody-of-that-name"}
    assert brief(plan(check=True, files=[item])) == [("f", "create")]
    with pytest.raises(FilesError, match="there is no user 'nobody-of-that-name'"):
        plan(files=[item])


def test_missing_parents_look_like_the_nearest_listed_directory(tmp_path: Path) -> None:
    found = plan(
        directories=[{"path": f"{tmp_path}/config", "mode": "0750", "owner": "4242", "group": "4243"}],
        files=[{"path": f"{tmp_path}/config/a/b/f", "content": "x", "mode": "0600"}],
    )
    assert brief(found) == [("config", "create"), ("a", "create"), ("b", "create"), ("f", "create")]
    assert {step.entry.uid for step in found.steps[:3]} == {4242}
    assert {step.entry.mode for step in found.steps[:3]} == {0o750}


def test_directories_may_come_in_any_order(tmp_path: Path) -> None:
    listed = [{"path": f"{tmp_path}/a/b"}, {"path": f"{tmp_path}/a"}]
    assert brief(plan(directories=listed)) == [("a", "create"), ("b", "create")]


def test_links_are_refused_and_never_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("precious")
    (tmp_path / "f").symlink_to("target")
    with pytest.raises(FilesError, match="is a symbolic link"):
        plan(files=[{"path": f"{tmp_path}/f", "content": "x"}])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's link")
def test_a_link_of_another_user_on_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "mine").symlink_to("real")
    (tmp_path / "theirs").symlink_to("real")
    os.chown(tmp_path / "theirs", 4242, 4242, follow_symlinks=False)
    assert brief(plan(files=[{"path": f"{tmp_path}/mine/f", "content": "x"}])) == [("f", "create")]
    with pytest.raises(FilesError, match="made by uid 4242"):
        plan(files=[{"path": f"{tmp_path}/theirs/f", "content": "x"}])
    with pytest.raises(FilesError, match="made by uid 4242"):
        plan(absent=[f"{tmp_path}/theirs/f"], roots=[str(tmp_path)])


def test_a_directory_in_a_files_place_and_the_reverse(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "f").write_text("")
    with pytest.raises(FilesError, match="is a directory, and should be a file"):
        plan(files=[{"path": f"{tmp_path}/d", "content": "x"}])
    with pytest.raises(FilesError, match="is a file, and should be a directory"):
        plan(directories=[{"path": f"{tmp_path}/f"}])
    with pytest.raises(FilesError, match="is not a directory"):
        plan(files=[{"path": f"{tmp_path}/f/below", "content": "x"}])


def test_all_refusals_are_told_at_once(tmp_path: Path) -> None:
    files = [
        {"path": f"{tmp_path}/a", "content": "x", "mode": "9999"},
        {"path": "relative", "content": "x"},
        {"path": f"{tmp_path}/../b", "content": "x"},
        {"path": f"{tmp_path}/c"},
        {"path": f"{tmp_path}/d", "secret": "nowhere"},
        {"path": f"{tmp_path}/e", "content": "x", "validate": ["true"]},
        {"path": f"{tmp_path}/g", "content": "x"},
        {"path": f"{tmp_path}/g", "content": "x"},
    ]
    with pytest.raises(FilesError) as caught:
        plan(files=files)
    lines = str(caught.value).splitlines()
    assert len(lines) == 7
    assert "mode '9999' is not an octal mode such as \"0640\"" in lines[0]
    assert lines[-1].endswith("listed twice")


@pytest.mark.parametrize("path", ["/etc", "/etc/passwd", "/opt/x", "/opt/x/../../etc", "/opt/xyz/a", "opt/x/a", "/"])
def test_nothing_outside_the_roots_is_removed(path: str) -> None:
    with pytest.raises(FilesError):
        check_absent([path], ["/opt/x"])


def test_what_is_below_a_root_is_removed(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    found = plan(absent=[f"{tmp_path}/old", f"{tmp_path}/gone"], roots=[str(tmp_path)])
    assert brief(found) == [("old", "remove")]


def test_wanted_and_absent_at_once_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FilesError, match="as absent and as wanted"):
        plan(files=[{"path": f"{tmp_path}/a", "content": ""}], absent=[f"{tmp_path}/a"], roots=[str(tmp_path)])


def test_a_diff_shows_text_and_never_a_secret(tmp_path: Path) -> None:
    (tmp_path / "open").write_text("one\n")
    (tmp_path / "key").write_text("old-SENTINEL")
    found = plan(
        files=[{"path": f"{tmp_path}/open", "content": "two\n"}, {"path": f"{tmp_path}/key", "secret": "k"}],
        secret_contents={"k": "new-SENTINEL"},
    )
    shown = diff_of(found)
    assert (shown[0]["before"], shown[0]["after"]) == ("one\n", "two\n")
    assert shown[1]["after"] == SECRET_TEXT + "\n"
    assert "SENTINEL" not in str(shown) + str(found.changes)


def test_a_new_secret_file_shows_its_attributes_only(tmp_path: Path) -> None:
    found = plan(files=[{"path": f"{tmp_path}/key", "secret": "k", "mode": "0400"}], secret_contents={"k": "SENTINEL"})
    assert "SENTINEL" not in str(diff_of(found))
    assert any("0400" in entry["after"] for entry in diff_of(found))


def test_binary_content_is_described_not_shown(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"\xff\xfe\x00")
    found = plan(files=[{"path": f"{tmp_path}/f", "content": "text\n"}])
    assert diff_of(found)[0]["before"] == "(binary, 3 bytes)\n"


@pytest.mark.parametrize(
    ("text", "mode"), [("0640", 0o640), ("2775", 0o2775), (None, None), ("", None), ("640", 0o640)]
)
def test_modes(text: str | None, mode: int | None) -> None:
    assert mode_of(text) == mode


def test_ten_times_the_files_take_about_ten_times_as_long(tmp_path: Path) -> None:
    files = []
    for number in range(300):
        path = tmp_path / f"app{number % 40}" / f"f{number}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{number}\n" * 200)
        files.append({"path": str(path), "content": f"{number}\n" * 200, "mode": "0644"})

    def cost(some: list[dict[str, str]]) -> float:
        took = []
        for _ in range(5):  # the best: beside others on its core, the same work takes longer
            started = time.process_time()
            assert plan(files=some).changes == []
            took.append(time.process_time() - started)
        return min(took)

    ratio = cost(files) / cost(files[:30])
    assert ratio < 30, "each file is compared with each other"
