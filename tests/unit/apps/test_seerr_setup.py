"""The first sign-in of Seerr and its forerunners, against a double with Seerr's rules and the stand-ins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.unit.apps.double import Answer, Application, Request, serving
from tests.unit.apps.test_jellyfin_setup import params as jellyfin_params

from ansible_collections.mediastack.core.plugins.module_utils.apps import jellyfin_setup
from ansible_collections.mediastack.core.plugins.module_utils.apps.seerr_setup import PLEX_ONLY, set_up
from ansible_collections.mediastack.core.plugins.module_utils.apps.setting_up import Outcome
from ansible_collections.mediastack.core.plugins.module_utils.http import HttpError

Start = Callable[..., str]
PASSWORD = "correct horse"
API_KEY = "0123456789abcdef0123456789abcdef"
API = "/api/v1"


@dataclass
class Seerr:
    """What Seerr does: one configuration, one administrator, sessions, a key that acts for it."""

    initialized: bool = False
    server: dict[str, Any] | None = None
    admin: bool = False
    key: str = API_KEY
    app: Application = field(default_factory=Application)

    def __post_init__(self) -> None:
        self.app.routes = {
            f"GET {API}/settings/public": self.public,
            f"POST {API}/auth/jellyfin": self.sign_in,
            f"POST {API}/settings/initialize": self.initialize,
            f"GET {API}/auth/me": lambda request: (200, {"id": 1}) if self.allowed(request) else (403, {}),
        }

    def public(self, _: Request) -> Answer:
        return 200, {"initialized": self.initialized, "mediaServerType": 2 if self.server else 4}

    def sign_in(self, request: Request) -> Answer:
        body = request.json
        if "hostname" in body:
            if self.server:
                return 500, {"error": "Jellyfin hostname already configured"}
            if body.get("serverType") != 2 or not isinstance(body["port"], int):
                return 400, {"error": "bad"}
        elif not self.server:
            return 500, {"error": "no hostname"}
        if (body["username"], body["password"]) != ("admin", PASSWORD):
            return 401, {"message": "Unauthorized"}
        if "hostname" in body:
            self.server = {key: body[key] for key in ("hostname", "port", "useSsl", "urlBase")}
        self.admin = True
        return 200, {"id": 1}, {"Set-Cookie": "connect.sid=session; Path=/; HttpOnly"}

    def allowed(self, request: Request) -> bool:
        by_key = request.headers.get("X-Api-Key") == self.key
        by_session = "connect.sid=session" in (request.headers.get("Cookie") or "")
        return self.admin and (by_key or by_session)

    def initialize(self, request: Request) -> Answer:
        if not self.allowed(request):
            return 403, {"error": "You do not have permission"}
        self.initialized = True
        return 200, {"initialized": True}


@pytest.fixture
def double() -> Iterator[Seerr]:
    made = Seerr()
    with serving(made.app):
        yield made


def params(double: Seerr | None, **more: Any) -> dict[str, Any]:
    return {
        "url": double.app.url if double else "http://127.0.0.1:1",
        "kind": "seerr",
        "username": "admin",
        "password": PASSWORD,
        "email": "admin@example.org",
        "api_key": API_KEY,
        "media_server": {"hostname": "jellyfin", "port": 8096, "use_ssl": False, "url_base": ""},
        "timeout": 5,
        **more,
    }


@pytest.mark.parametrize("variant", ["seerr", "jellyseerr"])
def test_first_sign_in_then_nothing(double: Seerr, variant: str) -> None:
    assert set_up(params(double, kind=variant), check_mode=False) == Outcome(["sign_in", "initialize"])
    assert double.initialized
    assert double.server == {"hostname": "jellyfin", "port": 8096, "useSsl": False, "urlBase": ""}
    before = len(double.app.requests)
    assert set_up(params(double, kind=variant), check_mode=False) == Outcome([])
    assert all(request.method == "GET" for request in double.app.requests[before:])


def test_an_interrupted_set_up_is_finished(double: Seerr) -> None:
    double.server, double.admin = {"hostname": "jellyfin"}, True
    assert set_up(params(double), check_mode=False).actions == ["sign_in", "initialize"]
    assert double.initialized


def test_check_mode_predicts_and_touches_nothing(double: Seerr) -> None:
    assert set_up(params(double), check_mode=True).actions == ["sign_in", "initialize"]
    assert all(request.method == "GET" for request in double.app.requests)


def test_check_mode_predicts_for_an_application_that_is_not_there() -> None:
    assert set_up(params(None), check_mode=True).actions == ["sign_in", "initialize"]


def test_one_that_is_not_there_is_an_error() -> None:
    with pytest.raises(HttpError, match="does not answer within 1"):
        set_up(params(None, timeout=1), check_mode=False)


def test_a_wrong_password_is_an_error_that_does_not_say_it(double: Seerr) -> None:
    with pytest.raises(HttpError, match="/auth/jellyfin: status 401") as caught:
        set_up(params(double, password="wrong"), check_mode=False)
    assert "wrong" not in str(caught.value)
    assert not double.initialized


def test_a_key_that_it_does_not_take_is_an_error(double: Seerr) -> None:
    double.key = "its own"
    with pytest.raises(HttpError, match="refuses its API key"):
        set_up(params(double), check_mode=False)


def test_without_jellyfins_address_the_first_sign_in_is_refused(double: Seerr) -> None:
    with pytest.raises(HttpError, match="option media_server is needed"):
        set_up(params(double, media_server=None), check_mode=False)
    assert f"POST {API}/auth/jellyfin" not in double.app.seen()


def test_overseerr_is_left_to_a_person(double: Seerr) -> None:
    for check_mode in (True, False):
        assert set_up(params(double, kind="overseerr"), check_mode=check_mode) == Outcome([], PLEX_ONLY)
    assert all(request.method == "GET" for request in double.app.requests)


@pytest.mark.parametrize("variant", ["seerr", "jellyseerr"])
def test_with_jellyfin_beside_it(jellyfin: Start, seerr: Start, tmp_path: Path, variant: str) -> None:
    """Both stand-ins, one after the other, as an apply does it; twice."""
    server = jellyfin()
    media = jellyfin_params(server, tmp_path)
    where = {"hostname": "127.0.0.1", "port": urlsplit(server).port, "use_ssl": False, "url_base": ""}
    wanted = params(None, url=seerr(variant), kind=variant, media_server=where)
    for expected in (["sign_in", "initialize"], []):
        jellyfin_setup.set_up(media, check_mode=False)
        assert set_up(wanted, check_mode=False) == Outcome(expected)


def test_overseerr_itself(seerr: Start) -> None:
    found = set_up(params(None, url=seerr("overseerr"), kind="overseerr"), check_mode=False)
    assert found == Outcome([], PLEX_ONLY)
