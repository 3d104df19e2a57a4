"""Jellyfin's first start, against its stand-in and against doubles for what it cannot be made to do."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.apps.double import Application, serving

from ansible_collections.mediastack.core.plugins.module_utils.apps import jellyfin as api
from ansible_collections.mediastack.core.plugins.module_utils.apps.jellyfin_setup import read_key, set_up, write_key
from ansible_collections.mediastack.core.plugins.module_utils.http import Client, HttpError

PASSWORD = "correct horse"
Start = Callable[..., str]


def params(url: str, tmp_path: Path, **more: Any) -> dict[str, Any]:
    return {
        "url": url,
        "username": "admin",
        "password": PASSWORD,
        "server_name": "media",
        "ui_culture": "en-US",
        "metadata_country": "US",
        "metadata_language": "en",
        "remote_access": True,
        "key_name": "mediastack",
        "key_file": str(tmp_path / "secrets" / "api_key"),
        "timeout": 15,
        **more,
    }


def signed_in(url: str) -> Client:
    client = Client(url)
    assert api.sign_in(client, "admin", PASSWORD)
    return client


def test_first_start_then_nothing(jellyfin: Start, tmp_path: Path) -> None:
    wanted = params(jellyfin(), tmp_path)
    assert set_up(wanted, check_mode=False).actions == ["wizard", "key", "key_file"]
    path = Path(wanted["key_file"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    keys = api.keys(signed_in(wanted["url"]), "mediastack")
    assert keys == [path.read_text().strip()]
    assert set_up(wanted, check_mode=False).actions == []
    assert api.keys(signed_in(wanted["url"]), "mediastack") == keys


def test_the_key_in_the_file_works(jellyfin: Start, tmp_path: Path) -> None:
    wanted = params(jellyfin(), tmp_path)
    set_up(wanted, check_mode=False)
    key = Path(wanted["key_file"]).read_text().strip()
    client = Client(wanted["url"], headers={"Authorization": f'MediaBrowser Token="{key}"'})
    assert client.get("/Library/VirtualFolders").ok
    assert Client(wanted["url"]).get("/Library/VirtualFolders").status == 401


def test_the_setup_server_of_a_start_is_not_believed(jellyfin: Start, tmp_path: Path) -> None:
    """While it starts, it says that the wizard is not done, also when it is."""
    wanted = params(jellyfin(), tmp_path)
    set_up(wanted, check_mode=False)
    wanted["url"] = jellyfin(2)  # the same state, a second process that migrates for two seconds
    assert set_up(wanted, check_mode=False).actions == []


def test_a_lost_key_file_gets_the_key_that_there_is(jellyfin: Start, tmp_path: Path) -> None:
    wanted = params(jellyfin(), tmp_path)
    set_up(wanted, check_mode=False)
    path = Path(wanted["key_file"])
    key = path.read_text()
    path.unlink()
    assert set_up(wanted, check_mode=True).actions == ["key_file"]
    assert not path.exists()
    assert set_up(wanted, check_mode=False).actions == ["key_file"]
    assert path.read_text() == key


def test_a_key_revoked_by_hand_is_replaced(jellyfin: Start, tmp_path: Path) -> None:
    wanted = params(jellyfin(), tmp_path)
    set_up(wanted, check_mode=False)
    path = Path(wanted["key_file"])
    old = path.read_text()
    signed_in(wanted["url"]).request("DELETE", f"/Auth/Keys/{old.strip()}").expect()
    assert set_up(wanted, check_mode=True).actions == ["key", "key_file"]
    assert set_up(wanted, check_mode=False).actions == ["key", "key_file"]
    assert path.read_text() != old


def test_a_key_file_that_others_can_read_is_written_anew(jellyfin: Start, tmp_path: Path) -> None:
    wanted = params(jellyfin(), tmp_path)
    set_up(wanted, check_mode=False)
    Path(wanted["key_file"]).chmod(0o644)
    assert set_up(wanted, check_mode=False).actions == ["key_file"]
    assert stat.S_IMODE(Path(wanted["key_file"]).stat().st_mode) == 0o600


def test_check_mode_predicts_and_touches_nothing(jellyfin: Start, tmp_path: Path) -> None:
    wanted = params(jellyfin(), tmp_path)
    for _ in range(2):
        assert set_up(wanted, check_mode=True).actions == ["wizard", "key", "key_file"]
    assert not Path(wanted["key_file"]).parent.exists()
    assert api.info(Client(wanted["url"]))["StartupWizardCompleted"] is False


def test_check_mode_predicts_for_a_server_that_is_not_there(tmp_path: Path) -> None:
    predicted = set_up(params("http://127.0.0.1:1", tmp_path), check_mode=True).actions
    assert predicted == ["wizard", "key", "key_file"]


def test_a_server_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HttpError, match="/System/Ping does not answer within 1 seconds"):
        set_up(params("http://127.0.0.1:1", tmp_path, timeout=1), check_mode=False)


def test_a_password_changed_in_jellyfin_is_reported_with_a_remedy(jellyfin: Start, tmp_path: Path) -> None:
    url = jellyfin()
    set_up(params(url, tmp_path), check_mode=False)
    with pytest.raises(HttpError, match="refuses the password of admin: store") as caught:
        set_up(params(url, tmp_path, password="another"), check_mode=False)
    assert "another" not in str(caught.value)


@pytest.mark.parametrize("done", ["configuration", "user"])
def test_an_interrupted_wizard_is_finished(jellyfin: Start, tmp_path: Path, done: str) -> None:
    url = jellyfin()
    client = Client(url)
    client.post("/Startup/Configuration", json={"ServerName": "x", "UICulture": "en-US"}).expect()
    if done == "user":
        client.get("/Startup/User").expect()
        client.post("/Startup/User", json={"Name": "admin", "Password": PASSWORD}).expect()
    assert set_up(params(url, tmp_path), check_mode=False).actions == ["wizard", "key", "key_file"]
    assert signed_in(url)


def test_one_device_however_often_it_runs(jellyfin: Start, tmp_path: Path) -> None:
    wanted = params(jellyfin(), tmp_path)
    for _ in range(3):
        set_up(wanted, check_mode=False)
    state = next(tmp_path.rglob("jellyfin.standin.json")).read_text()
    assert len(json.loads(state)["devices"]) == 1


def test_a_key_that_is_not_listed_after_it_was_made_is_an_error() -> None:
    routes = {"POST /Auth/Keys": (204, None), "GET /Auth/Keys": (200, {"Items": []})}
    with serving(Application(routes)) as app, pytest.raises(HttpError, match="not listed"):
        api.make_key(Client(app.url), "mediastack")


def test_no_file_is_left_when_the_key_cannot_be_put_in_place(tmp_path: Path) -> None:
    (tmp_path / "api_key").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_key(tmp_path / "api_key", "k")
    assert [path.name for path in tmp_path.iterdir()] == ["api_key"]


def test_a_link_in_place_of_the_key_file_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("k")
    victim.chmod(0o600)
    link = tmp_path / "api_key"
    link.symlink_to(victim)
    assert read_key(link) is None
    write_key(link, "new")
    assert (victim.read_text(), link.is_symlink(), link.read_text()) == ("k", False, "new\n")
