"""Logins of Sonarr, Radarr and Prowlarr, against their stand-ins."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.apps.conftest import API_KEY
from tests.unit.apps.double import Application, serving

from ansible_collections.mediastack.core.plugins.module_utils.apps import servarr as api
from ansible_collections.mediastack.core.plugins.module_utils.http import HttpError
from ansible_collections.mediastack.core.plugins.modules.servarr_accounts import ensure_all

PASSWORD = "correct horse"
Start = Callable[..., str]
KINDS = {"radarr": "servarr-v3", "sonarr": "servarr-v3", "prowlarr": "servarr-v1"}


def params(password: str = PASSWORD, username: str = "Admin", **urls: str) -> dict[str, Any]:
    apps = [{"instance": n, "kind": KINDS[n], "url": url, "username": username} for n, url in urls.items()]
    secrets = {name: {"api_key": API_KEY, "ui_password": password, "other": "x"} for name in urls}
    return {"apps": apps, "secrets": secrets, "timeout": 10}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_login_is_made_once(servarr: Start, name: str) -> None:
    url = servarr(name)
    first = ensure_all(params(**{name: url}), check_mode=False)
    assert (first["changed"], first["apps"][name]["drift"]) == (True, ["username"])
    assert "failed" not in first
    assert api.accepts(url, api.Login("admin", PASSWORD))
    second = ensure_all(params(**{name: url}), check_mode=False)
    assert (second["changed"], second["diff"]) == (False, [])


def test_a_password_changed_by_hand_is_put_right(servarr: Start) -> None:
    url = servarr("radarr")
    ensure_all(params(password="old", radarr=url), check_mode=False)
    result = ensure_all(params(radarr=url), check_mode=False)
    assert result["apps"]["radarr"]["drift"] == ["password"]
    assert api.accepts(url, api.Login("admin", PASSWORD))
    assert not api.accepts(url, api.Login("admin", "old"))


def test_another_user_name_is_put_right(servarr: Start) -> None:
    url = servarr("radarr")
    ensure_all(params(username="somebody", radarr=url), check_mode=False)
    assert ensure_all(params(radarr=url), check_mode=False)["apps"]["radarr"]["drift"] == ["username"]
    assert api.accepts(url, api.Login("admin", PASSWORD))


def test_check_mode_predicts_and_touches_nothing(servarr: Start) -> None:
    url = servarr("radarr")
    for _ in range(2):
        assert ensure_all(params(radarr=url), check_mode=True)["changed"]
    assert not api.accepts(url, api.Login("admin", PASSWORD))


def test_check_mode_predicts_for_an_application_that_is_not_there() -> None:
    result = ensure_all(params(radarr="http://127.0.0.1:1"), check_mode=True)
    assert (result["changed"], result["apps"]["radarr"]["drift"]) == (True, ["absent"])


def test_other_settings_survive(servarr: Start) -> None:
    url = servarr("radarr")
    client = api.client_for(url, API_KEY)
    before = api.host_config(client, "/api/v3")
    ensure_all(params(radarr=url), check_mode=False)
    after = api.host_config(client, "/api/v3")
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {"username", "password"}


def test_one_that_is_not_there_does_not_keep_the_other_from_its_login(servarr: Start) -> None:
    url = servarr("radarr")
    both = params(radarr=url, sonarr="http://127.0.0.1:1") | {"timeout": 1}
    result = ensure_all(both, check_mode=False)
    assert result["failed"]
    assert "sonarr: http://127.0.0.1:1/ping does not answer within 1" in result["msg"]
    assert result["apps"]["radarr"]["changed"]
    assert api.accepts(url, api.Login("admin", PASSWORD))


def test_a_wrong_key_is_an_error_without_the_key(servarr: Start) -> None:
    wrong = params(radarr=servarr("radarr"))
    wrong["secrets"]["radarr"]["api_key"] = "wrong-sentinel"
    result = ensure_all(wrong, check_mode=False)
    assert "status 401" in result["msg"]
    assert "wrong-sentinel" not in json.dumps(result)


def test_nothing_secret_is_said(servarr: Start) -> None:
    result = ensure_all(params(radarr=servarr("radarr")), check_mode=False)
    assert result["diff"][0]["before"] == "user nobody\n"
    assert result["diff"][0]["after"] == "user admin\n"
    assert PASSWORD not in json.dumps(result)
    assert API_KEY not in json.dumps(result)


def test_missing_secrets_are_named_before_anything_is_asked() -> None:
    lacking = params(radarr="http://127.0.0.1:1")
    del lacking["secrets"]["radarr"]["ui_password"]
    result = ensure_all(lacking, check_mode=False)
    assert result["msg"] == "secrets are missing: radarr.ui_password"


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
        result = ensure_all(params(radarr=app.url), check_mode=False)
    assert result["apps"]["radarr"]["drift"] == ["method", "username"]
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
        result = ensure_all(params(radarr=app.url), check_mode=False)
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
        assert ensure_all(params(radarr=app.url), check_mode=False)["failed"]
