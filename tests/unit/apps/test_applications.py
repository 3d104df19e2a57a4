"""The module that sets applications up; its logins of Sonarr, Radarr and Prowlarr, against their stand-ins."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.apps.conftest import API_KEY
from tests.unit.apps.double import Application, serving

from ansible_collections.mediastack.core.plugins.filter.views import due, sign_ins
from ansible_collections.mediastack.core.plugins.module_utils.apps import servarr as api
from ansible_collections.mediastack.core.plugins.module_utils.apps.seerr_setup import PLEX_ONLY
from ansible_collections.mediastack.core.plugins.module_utils.apps.set_up import set_up_all
from ansible_collections.mediastack.core.plugins.module_utils.http import HttpError

PASSWORD = "correct horse"
Start = Callable[..., str]
KINDS = {"radarr": "servarr-v3", "sonarr": "servarr-v3", "prowlarr": "servarr-v1"}


def params(password: str = PASSWORD, username: str = "Admin", **urls: str) -> dict[str, Any]:
    one = {"username": username, "timeout": 10}
    apps = [{**one, "instance": name, "kind": KINDS[name], "url": url} for name, url in urls.items()]
    secrets = {name: {"api_key": API_KEY, "password": password} for name in urls}
    return {"applications": apps, "secrets": secrets}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_login_is_made_once(servarr: Start, name: str) -> None:
    url = servarr(name)
    first = set_up_all(params(**{name: url}), check_mode=False)
    assert (first["changed"], first["applications"][name]["actions"]) == (True, ["username"])
    assert "failed" not in first
    assert api.accepts(url, api.Login("admin", PASSWORD))
    second = set_up_all(params(**{name: url}), check_mode=False)
    assert (second["changed"], second["diff"]) == (False, [])


def test_a_password_changed_by_hand_is_put_right(servarr: Start) -> None:
    url = servarr("radarr")
    set_up_all(params(password="old", radarr=url), check_mode=False)
    result = set_up_all(params(radarr=url), check_mode=False)
    assert result["applications"]["radarr"]["actions"] == ["password"]
    assert api.accepts(url, api.Login("admin", PASSWORD))
    assert not api.accepts(url, api.Login("admin", "old"))


def test_another_user_name_is_put_right(servarr: Start) -> None:
    url = servarr("radarr")
    set_up_all(params(username="somebody", radarr=url), check_mode=False)
    assert set_up_all(params(radarr=url), check_mode=False)["applications"]["radarr"]["actions"] == ["username"]
    assert api.accepts(url, api.Login("admin", PASSWORD))


def test_check_mode_predicts_and_touches_nothing(servarr: Start) -> None:
    url = servarr("radarr")
    for _ in range(2):
        assert set_up_all(params(radarr=url), check_mode=True)["changed"]
    assert not api.accepts(url, api.Login("admin", PASSWORD))


def test_check_mode_predicts_for_an_application_that_is_not_there() -> None:
    result = set_up_all(params(radarr="http://127.0.0.1:1"), check_mode=True)
    assert (result["changed"], result["applications"]["radarr"]["actions"]) == (True, ["absent"])


def test_other_settings_survive(servarr: Start) -> None:
    url = servarr("radarr")
    client = api.client_for(url, API_KEY)
    before = api.host_config(client, "/api/v3")
    set_up_all(params(radarr=url), check_mode=False)
    after = api.host_config(client, "/api/v3")
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {"username", "password"}


def test_one_that_is_not_there_does_not_keep_the_other_from_its_login(servarr: Start) -> None:
    url = servarr("radarr")
    both = params(radarr=url, sonarr="http://127.0.0.1:1")
    both["applications"][1]["timeout"] = 1
    result = set_up_all(both, check_mode=False)
    assert result["failed"]
    assert "sonarr: http://127.0.0.1:1/ping does not answer within 1" in result["msg"]
    assert result["applications"]["radarr"]["actions"]
    assert api.accepts(url, api.Login("admin", PASSWORD))


def test_a_wrong_key_is_an_error_without_the_key(servarr: Start) -> None:
    wrong = params(radarr=servarr("radarr"))
    wrong["secrets"]["radarr"]["api_key"] = "wrong-sentinel"
    result = set_up_all(wrong, check_mode=False)
    assert "status 401" in result["msg"]
    assert "wrong-sentinel" not in json.dumps(result)


def test_nothing_secret_is_said(servarr: Start) -> None:
    result = set_up_all(params(radarr=servarr("radarr")), check_mode=False)
    assert result["diff"][0]["before"] == "user nobody\n"
    assert result["diff"][0]["after"] == "user admin\n"
    assert PASSWORD not in json.dumps(result)
    assert API_KEY not in json.dumps(result)


def test_what_is_left_to_a_person_is_no_change() -> None:
    routes = {"GET /api/v1/settings/public": (200, {"initialized": False})}
    with serving(Application(routes)) as app:
        one = {"instance": "o", "kind": "overseerr", "url": app.url, "username": "a", "timeout": 5}
        told = set_up_all({"applications": [one], "secrets": {}}, check_mode=False)
    assert told["notices"] == [PLEX_ONLY]
    assert not told["changed"]


def test_what_was_asked_decides_what_is_due() -> None:
    apps = [{"instance": "a"}, {"instance": "b"}]
    well = {"actions": [], "error": None}
    assert not due(apps, {"applications": {"a": well, "b": well}})
    assert due(apps, {"applications": {"a": well, "b": {**well, "actions": ["password"]}}})
    assert due(apps, {"applications": {"a": well, "b": {**well, "error": "status 401"}}})
    assert due(apps, {"applications": {"a": well}})
    assert due(apps, {"skipped": True})
    assert due(apps, None)
    assert not due([], None)


def test_the_seerr_family_signs_in_as_the_media_servers_administrator() -> None:
    apps = [
        {"instance": "radarr", "kind": "servarr-v3"},
        {"instance": "jellyfin", "kind": "jellyfin"},
        {"instance": "seerr", "kind": "seerr"},
    ]
    secrets = {
        "radarr": {"api_key": "rk", "ui_password": "rp"},
        "jellyfin": {"admin_password": "jp"},
        "seerr": {"api_key": "sk"},
    }
    assert sign_ins(secrets, apps, "jellyfin") == {
        "radarr": {"api_key": "rk", "password": "rp"},
        "jellyfin": {"password": "jp"},
        "seerr": {"api_key": "sk", "password": "jp"},
    }
    assert sign_ins(secrets, apps)["seerr"] == {"api_key": "sk"}


def test_missing_secrets_are_named_before_anything_is_asked() -> None:
    lacking = params(radarr="http://127.0.0.1:1")
    del lacking["secrets"]["radarr"]["password"]
    result = set_up_all(lacking, check_mode=False)
    assert result["msg"] == "secrets are missing: radarr.password"


def test_a_method_that_is_not_forms_is_set_and_the_application_restarted() -> None:
    state: dict[str, Any] = {
        "id": 1,
        "authenticationMethod": "none",
        "username": "",
        "password": "",
        "port": 7878,
    }

    def save(request: Any) -> tuple[int, Any]:
        state.update(request.json)
        return 202, state

    routes = {
        "GET /ping": (200, {"status": "OK"}),
        "GET /api/v3/config/host": lambda _: (200, state),
        "PUT /api/v3/config/host/1": save,
        "POST /api/v3/system/restart": (200, {}),
        "POST /login": (302, None, {"Location": "/"}),
    }
    with serving(Application(routes)) as app:
        result = set_up_all(params(radarr=app.url), check_mode=False)
    assert result["applications"]["radarr"]["actions"] == ["method", "username"]
    assert "POST /api/v3/system/restart" in app.seen()
    put = next(request.json for request in app.requests if request.method == "PUT")
    assert (put["authenticationMethod"], put["port"], put["passwordConfirmation"]) == (
        "forms",
        7878,
        PASSWORD,
    )


def test_a_login_that_is_refused_after_it_was_written_is_an_error() -> None:
    config = {"id": 1, "authenticationMethod": "forms", "username": ""}
    routes = {
        "GET /ping": (200, {}),
        "GET /api/v3/config/host": (200, config),
        "PUT /api/v3/config/host/1": (202, config),
        "POST /login": (302, None, {"Location": "/login?loginFailed=true"}),
    }
    with serving(Application(routes)) as app:
        result = set_up_all(params(radarr=app.url), check_mode=False)
    assert "is not accepted" in result["msg"]


def test_a_login_page_that_says_neither_yes_nor_no_is_an_error() -> None:
    with (
        serving(Application({"POST /login": (200, None)})) as app,
        pytest.raises(HttpError, match="redirect"),
    ):
        api.accepts(app.url, api.Login("admin", PASSWORD))


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}"])
def test_an_answer_that_is_no_configuration_is_an_error(body: bytes) -> None:
    routes = {"GET /ping": (200, {}), "GET /api/v3/config/host": (200, body)}
    with serving(Application(routes)) as app:
        assert set_up_all(params(radarr=app.url), check_mode=False)["failed"]
