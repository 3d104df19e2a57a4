"""The HTTP client: what it returns, what it refuses, and what it must never say."""

from __future__ import annotations

import socket
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.unit.apps.double import Application, serving
from tests.unit.apps.tls import authority

from ansible_collections.mediastack.core.plugins.module_utils import certificate
from ansible_collections.mediastack.core.plugins.module_utils.http import (
    Client,
    HttpError,
    UnreachableError,
    wait_until,
)

SENTINEL = "s3ntinel-5ecret"


@contextmanager
def raw_server(*chunks: bytes, pause: float = 0.0) -> Iterator[str]:
    """Answer one connection with bytes, slowly if wanted, then close."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            for chunk in chunks:
                try:
                    connection.sendall(chunk)
                except OSError:
                    return
                time.sleep(pause)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()


def said(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def test_a_status_is_an_answer_not_an_exception() -> None:
    with serving(Application({"GET /x": (418, {"tea": True})})) as app:
        answer = Client(app.url).get("/x")
    assert (answer.status, answer.ok, answer.json()) == (418, False, {"tea": True})


def test_expect_names_the_request_and_the_status() -> None:
    with (
        serving(Application()) as app,
        pytest.raises(HttpError, match=r"GET http://127.0.0.1:\d+/nowhere: status 404 \(not found\)"),
    ):
        Client(app.url).get("/nowhere", query={"apikey": SENTINEL}).expect(200)


def test_redirects_are_returned_unless_followed() -> None:
    routes = {"GET /a": (302, None, {"Location": "/b"}), "GET /b": (200, "there")}
    with serving(Application(routes)) as app:
        stopped = Client(app.url).get("/a")
        followed = Client(app.url, follow=True).get("/a")
    assert (stopped.status, stopped.location) == (302, "/b")
    assert followed.json() == "there"


def test_cookies_are_kept_only_when_asked() -> None:
    routes = {
        "POST /login": (204, None, {"Set-Cookie": "QBT_SID_8080=abc; HttpOnly; path=/"}),
        "GET /me": lambda request: (200, {"cookie": request.headers.get("Cookie")}),
    }
    with serving(Application(routes)) as app:
        for cookies, expected in ((True, "QBT_SID_8080=abc"), (False, None)):
            client = Client(app.url, cookies=cookies)
            client.post("/login", form={"username": "a"})
            assert client.get("/me").json() == {"cookie": expected}


def test_json_form_and_headers_arrive() -> None:
    with serving(Application({"POST /j": (200, None), "POST /f": (200, None)})) as app:
        client = Client(app.url, headers={"X-Api-Key": "k"})
        client.post("/j", json={"a": "ü"})
        client.post("/f", form={"p": "a&b=c"})
    assert app.requests[0].json == {"a": "ü"}
    assert app.requests[0].headers["X-Api-Key"] == "k"
    assert app.requests[1].form == {"p": "a&b=c"}


def test_the_url_base_is_kept() -> None:
    with serving(Application({"GET /radarr/ping": (200, None)})) as app:
        assert Client(f"{app.url}/radarr/").get("/ping").ok


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    with serving(Application({"GET /": (200, None)})) as app:
        assert Client(app.url).get("/").ok


def test_nobody_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(UnreachableError, match="connection refused"):
        Client(f"http://127.0.0.1:{port}").get("/")


def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    with pytest.raises(UnreachableError, match="does not resolve"):
        Client("http://no-such-host.invalid").get("/")


@pytest.mark.parametrize("chunks", [(), (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort",), (b"nonsense\r\n",)])
def test_a_broken_answer_is_unreachable(chunks: tuple[bytes, ...]) -> None:
    with raw_server(*chunks) as url, pytest.raises(UnreachableError):
        Client(url).get("/")


def test_the_time_limit_covers_an_answer_that_drips() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    with raw_server(head, *[b"x"] * 40, pause=0.1) as url, pytest.raises(UnreachableError, match="timed out"):
        Client(url, timeout=0.5).get("/")


def test_an_endless_body_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.mediastack.core.plugins.module_utils.http.BODY_LIMIT", 1000)
    with serving(Application({"GET /": (200, b"x" * 5000)})) as app, pytest.raises(UnreachableError):
        Client(app.url).get("/")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "radarr:7878", "http://", "ftp://x/"])
def test_only_http_addresses_are_accepted(url: str) -> None:
    with pytest.raises(HttpError):
        Client(url)


class TestSecretsStayUnsaid:
    """A sentinel goes wherever a secret can; nothing of it may come out of an exception."""

    def test_when_nobody_answers(self) -> None:
        client = Client(f"http://user:{SENTINEL}@127.0.0.1:1", headers={"X-Api-Key": SENTINEL})
        with pytest.raises(HttpError) as caught:
            client.post(f"/x?apikey={SENTINEL}", query={"k": SENTINEL}, json={"password": SENTINEL})
        assert SENTINEL not in said(caught.value)

    def test_when_a_header_cannot_be_sent(self) -> None:
        with serving(Application()) as app, pytest.raises(HttpError) as caught:
            Client(app.url).get("/", headers={"X-Api-Key": f"{SENTINEL}\nX: y"})
        assert SENTINEL not in said(caught.value)

    def test_when_a_header_is_not_latin(self) -> None:
        with serving(Application()) as app, pytest.raises(HttpError) as caught:
            Client(app.url).get("/", headers={"X-Api-Key": f"{SENTINEL}ключ"})
        assert SENTINEL not in said(caught.value)

    def test_when_the_path_has_a_space(self) -> None:
        with serving(Application()) as app, pytest.raises(HttpError) as caught:
            Client(app.url).get(f"/x?key={SENTINEL} y")
        assert SENTINEL not in said(caught.value)

    def test_when_the_answer_is_not_json(self) -> None:
        with (
            serving(Application({"GET /": (200, SENTINEL.encode())})) as app,
            pytest.raises(HttpError) as caught,
        ):
            Client(app.url).get("/").json()
        assert SENTINEL not in said(caught.value)

    def test_when_the_status_is_an_error(self) -> None:
        with serving(Application({"GET /": (401, SENTINEL)})) as app, pytest.raises(HttpError) as caught:
            Client(app.url).get("/", headers={"Authorization": SENTINEL}).expect(200)
        assert SENTINEL not in said(caught.value)


class TestTls:
    def test_a_name_is_asked_at_an_address(self, tmp_path: Path) -> None:
        root, pair = authority(tmp_path)
        app = Application({"GET /": lambda request: (200, request.headers["Host"])})
        with serving(app, pair):
            client = Client("https://radarr.home.test", ca_file=str(root), connect=("127.0.0.1", app.port))
            assert client.get("/").json() == "radarr.home.test"

    def test_a_name_that_the_certificate_lacks_is_refused(self, tmp_path: Path) -> None:
        root, pair = authority(tmp_path)
        with (
            serving(Application(), pair) as app,
            pytest.raises(UnreachableError, match="certificate is not valid"),
        ):
            Client("https://sonarr.home.test", ca_file=str(root), connect=("127.0.0.1", app.port)).get("/")

    def test_an_unknown_root_is_refused(self, tmp_path: Path) -> None:
        _, pair = authority(tmp_path)
        with (
            serving(Application(), pair) as app,
            pytest.raises(UnreachableError, match="certificate is not valid"),
        ):
            Client("https://radarr.home.test", connect=("127.0.0.1", app.port)).get("/")

    def test_a_missing_root_is_named(self) -> None:
        with pytest.raises(HttpError, match=r"/nowhere/ca\.crt cannot be read"):
            Client("https://radarr.home.test", ca_file="/nowhere/ca.crt")

    def test_plain_http_behind_https_is_unreachable(self, tmp_path: Path) -> None:
        root, _ = authority(tmp_path)
        with serving(Application()) as app, pytest.raises(UnreachableError, match=r"TLS failed|broke|reset"):
            Client("https://radarr.home.test", ca_file=str(root), connect=("127.0.0.1", app.port)).get("/")

    def test_the_certificate_is_told(self, tmp_path: Path) -> None:
        root, pair = authority(tmp_path, days=30)
        with serving(Application(), pair) as app:
            shown = certificate.of("radarr.home.test", ("127.0.0.1", app.port), ca_file=str(root))
        assert shown["issuer"] == "mediastack test root"
        assert 29 * 24 < shown["hours"] <= 30 * 24 <= shown["lifetime"]

    def test_an_expired_certificate_is_refused(self, tmp_path: Path) -> None:
        root, pair = authority(tmp_path, days=-1)
        with serving(Application(), pair) as app, pytest.raises(UnreachableError, match="expired"):
            certificate.of("radarr.home.test", ("127.0.0.1", app.port), ca_file=str(root))


def test_waiting_ends_when_it_answers() -> None:
    answers = iter([(503, None), (500, None), (200, None)])
    with serving(Application({"GET /ping": lambda _: next(answers)})) as app:
        assert wait_until(Client(app.url), "/ping", time.monotonic() + 60, pause=0.01)


def test_waiting_ends_at_the_deadline() -> None:
    assert not wait_until(Client("http://127.0.0.1:1"), "/ping", time.monotonic() + 0.3, pause=0.05)
