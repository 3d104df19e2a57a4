"""Ways of being let in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.unit.apps.double import Application, serving

from ansible_collections.mediastack.core.plugins.module_utils.apps.auth import signed_in
from ansible_collections.mediastack.core.plugins.module_utils.http import HttpError

SECRETS = {"app/key": "k-sentinel"}
HEADER = {"kind": "header", "header": "X-Api-Key", "format": "{secret}", "secret": "app/key"}
FORM = {
    "kind": "form",
    "path": "/in",
    "fields": {"username": "admin"},
    "secret_field": "password",
    "secret": "app/key",
}
TOKEN = {
    "kind": "token",
    "path": "/in",
    "headers": {"Authorization": "MediaBrowser Client"},
    "json": {"Username": "admin"},
    "secret_field": "Pw",
    "secret": "app/key",
    "answer": "AccessToken",
    "header": "Authorization",
    "format": 'MediaBrowser Token="{token}"',
}


def sent(auth: dict[str, Any], **routes: Any) -> Any:
    with serving(Application({"GET /x": (200, None), "POST /in": routes["answer"]} if routes else {})) as app:
        signed_in(app.url, auth, SECRETS).get("/x")
        return app.requests


def test_none() -> None:
    assert "X-Api-Key" not in sent({"kind": "none"})[0].headers


def test_header() -> None:
    assert sent(HEADER)[0].headers["X-Api-Key"] == "k-sentinel"


def test_header_from_a_file_on_the_server(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-file\n")
    auth = {
        "kind": "header",
        "header": "Authorization",
        "format": 'MediaBrowser Token="{secret}"',
        "secret_file": str(tmp_path / "key"),
    }
    assert sent(auth)[0].headers["Authorization"] == 'MediaBrowser Token="from-file"'
    (tmp_path / "key").unlink()
    with pytest.raises(HttpError, match="key cannot be read"):
        sent(auth)


def test_basic() -> None:
    request = sent({"kind": "basic", "username": "admin", "secret": "app/key"})[0]
    assert request.headers["Authorization"] == "Basic YWRtaW46ay1zZW50aW5lbA=="


@pytest.mark.parametrize("answer", [(200, b"Ok.", {"Set-Cookie": "SID=1"}), (204, None, {"Set-Cookie": "SID=1"})])
def test_form_takes_any_success_and_sends_the_cookie_back(answer: Any) -> None:
    login, call = sent(FORM, answer=answer)
    assert login.form == {"username": "admin", "password": "k-sentinel"}
    assert call.headers["Cookie"] == "SID=1"


@pytest.mark.parametrize("answer", [(200, b"Fails."), (401, None), (403, b"banned")])
def test_form_refused(answer: Any) -> None:
    with pytest.raises(HttpError) as caught:
        sent(FORM, answer=answer)
    assert "k-sentinel" not in str(caught.value)


def test_token() -> None:
    login, call = sent(TOKEN, answer=(200, {"AccessToken": "t"}))
    assert login.json == {"Username": "admin", "Pw": "k-sentinel"}
    assert login.headers["Authorization"] == "MediaBrowser Client"
    assert call.headers["Authorization"] == 'MediaBrowser Token="t"'


@pytest.mark.parametrize("answer", [(401, None), (200, {}), (200, []), (200, b"<html>")])
def test_token_refused(answer: Any) -> None:
    with pytest.raises(HttpError) as caught:
        sent(TOKEN, answer=answer)
    assert "k-sentinel" not in str(caught.value)


def test_a_missing_secret_is_named() -> None:
    with pytest.raises(HttpError, match="the secret other/key is missing"):
        sent({**HEADER, "secret": "other/key"})


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(HttpError, match="unknown kind of authorisation: magic"):
        sent({"kind": "magic"})
