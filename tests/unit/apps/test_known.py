"""A plan while the application is down: a first time is a change, one that was set up before is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mediastack.core.plugins.filter import views
from ansible_collections.mediastack.core.plugins.module_utils.apps import jellyfin_setup, seerr_setup
from ansible_collections.mediastack.core.plugins.module_utils.apps.known import was_set_up
from ansible_collections.mediastack.core.plugins.module_utils.apps.set_up import set_up_all

NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """The configuration of an application that ran."""
    config = tmp_path / "config"
    config.mkdir()
    (config / "application.db").touch()
    return str(config)


def test_evidence_is_a_folder_with_something_in_it(folder: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert was_set_up(folder)
    assert not any(map(was_set_up, [None, "", str(tmp_path / "empty"), str(tmp_path / "none")]))


def test_a_manager_that_is_down(folder: str) -> None:
    one = {"kind": "servarr-v3", "url": NOBODY, "username": "admin", "timeout": 1}
    apps = [{**one, "instance": "radarr", "known_config": folder}, {**one, "instance": "new", "known_config": None}]
    params = {"applications": apps, "secrets": {app["instance"]: {"api_key": "k", "password": "p"} for app in apps}}
    planned = set_up_all(params, check_mode=True)
    assert {name: told["actions"] for name, told in planned["applications"].items()} == {
        "radarr": [],
        "new": ["absent"],
    }
    assert [item["before_header"] for item in planned["diff"]] == ["new"]
    assert set_up_all(params, check_mode=False)["failed"]


def test_a_jellyfin_that_is_down(folder: str, tmp_path: Path) -> None:
    key = tmp_path / "api_key"
    params = {"url": NOBODY, "timeout": 1, "key_file": str(key), "known_config": folder}
    assert jellyfin_setup.set_up(params, check_mode=True).actions == ["key_file"]
    jellyfin_setup.write_key(key, "k")
    assert jellyfin_setup.set_up(params, check_mode=True).actions == []
    first = {**params, "known_config": None}
    assert jellyfin_setup.set_up(first, check_mode=True).actions == ["wizard", "key", "key_file"]


def test_a_request_manager_that_is_down(folder: str) -> None:
    params = {"url": NOBODY, "timeout": 1, "kind": "seerr", "known_config": folder}
    assert seerr_setup.set_up(params, check_mode=True).actions == []
    assert seerr_setup.set_up({**params, "known_config": None}, check_mode=True).actions == ["sign_in", "initialize"]


def stack(**radarr: Any) -> dict[str, Any]:
    volumes = [{"name": "media", "source": "/srv/media"}, {"name": "config", "source": "/opt/config/radarr"}]
    one = {"name": "radarr", "service": "radarr", "role": "arr", "api": "servarr-v3", "volumes": volumes, "ports": []}
    shape = {"container": "radarr", "gateway": None, "network": {"mode": "bridge", "attachments": []}}
    return {"instances": {"radarr": {**one, **shape, **radarr}}, "networks": []}


@pytest.mark.parametrize(
    ("generation", "known"),
    [
        (None, None),
        ({"stack": {"instances": {}}}, None),
        ({"stack": stack()}, "/opt/config/radarr"),
        ({"stack": stack(service="another")}, None),
        ({"stack": stack(volumes=[{"name": "config", "source": "/elsewhere"}])}, None),
        ({"stack": stack(volumes=[])}, None),
    ],
)
def test_only_what_the_record_holds_is_known(generation: dict[str, Any] | None, known: str | None) -> None:
    assert views.applications(stack(), "arr", generation)[0]["known_config"] == known
    assert views.role_instances(stack(), "arr", generation=generation)[0]["known_config"] == known
