"""Which inventory is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediastack_provision import inventories, project
from mediastack_provision.exits import UserError
from mediastack_provision.project import Project


@pytest.fixture
def empty(home: Path) -> Project:
    return Project(home / "nothing", checkout=False)


def make(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "hosts.yml").write_text("mediastack: {}\n")
    return folder


def test_the_only_one_is_meant(empty: Project, inventory: Path) -> None:
    assert inventories.select(empty, None) == inventory


def test_shipped_ones_are_never_meant_without_being_named(empty: Project, home: Path) -> None:
    example = make(home / "inventories" / "example")
    with pytest.raises(UserError, match="There is no inventory yet"):
        inventories.select(empty, None)
    assert inventories.select(empty, "example") == example


def test_several_are_listed(empty: Project, home: Path, inventory: Path) -> None:
    make(home / "inventories" / "cabin")
    with pytest.raises(UserError, match=r"choose one with -i:\n  cabin  inventories/cabin\n  home   inventories/home"):
        inventories.select(empty, None)


def test_a_path_and_a_name_mean_the_same(empty: Project, inventory: Path) -> None:
    assert inventories.select(empty, "inventories/home") == inventories.select(empty, "home") == inventory


def test_an_unknown_name_lists_the_known(empty: Project, inventory: Path) -> None:
    with pytest.raises(UserError, match=r"There is no inventory 'hone'. There are:\n  home"):
        inventories.select(empty, "hone")


def test_the_nearest_directory_wins(home: Path, inventory: Path) -> None:
    checkout = Project(home / "checkout", checkout=True)
    make(checkout.root / "inventories" / "home")
    make(project.config_dir() / "inventories" / "cabin")
    assert inventories.known(checkout) == {
        "home": inventory,
        "cabin": project.config_dir() / "inventories" / "cabin",
    }


def test_new_ones_go_where_inventories_are(empty: Project, home: Path) -> None:
    assert inventories.home_for_new(empty) == project.config_dir() / "inventories"
    (home / "inventories").mkdir()
    assert inventories.home_for_new(empty) == home / "inventories"


def test_control_path_is_short_enough_for_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/" + "x" * 90)
    assert len(str(project.control_path_dir())) <= project.SOCKET_PATH_LIMIT
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    assert project.control_path_dir() == Path("/c/mediastack/cp")


def test_a_relative_xdg_directory_is_ignored(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert project.state_dir() == home / ".local/state/mediastack"
