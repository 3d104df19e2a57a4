"""What the owner is told, from stand-ins, doubles and things that are broken."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.apps.conftest import API_KEY
from tests.unit.apps.double import Application, Request, serving
from tests.unit.apps.test_jellyfin_setup import params as jellyfin_params
from tests.unit.apps.tls import authority
from tests.unit.modules.verify_doubles import container

from ansible_collections.mediastack.core.plugins.module_utils.apps import jellyfin_setup, summaries
from ansible_collections.mediastack.core.plugins.module_utils.apps.text import count, rate, size
from ansible_collections.mediastack.core.plugins.module_utils.checks.engine import Snapshot
from ansible_collections.mediastack.core.plugins.modules import status

Start = Callable[..., str]
KEYED = {"kind": "header", "header": "X-Api-Key", "format": "{secret}", "secret": "app/api_key"}
SECRETS = {"app/api_key": API_KEY}
OPEN = {"kind": "none"}


def read(api: str, url: str, auth: dict[str, Any] = KEYED) -> dict[str, Any]:
    return summaries.read(api, url, auth, SECRETS, timeout=5)


@pytest.mark.parametrize(
    ("name", "api", "note"),
    [
        ("radarr", "servarr-v3", "0 films, 0 in the queue"),
        ("sonarr", "servarr-v3", "0 series, 0 in the queue"),
        ("prowlarr", "servarr-v1", "0 of 0 indexers enabled"),
    ],
)
def test_servarr(servarr: Start, name: str, api: str, note: str) -> None:
    told = read(api, servarr(name))
    assert told["note"].startswith(note)
    assert told["details"]["version"]


def servarr_double(application: str, version: str, **answers: Any) -> Application:
    common = {"system/status": {"version": "6.3.0", "appName": application}, "health": []}
    return Application(
        {f"GET /api/{version}/{k.replace('_', '/')}": (200, v) for k, v in {**common, **answers}.items()}
    )


def test_radarr_counts_films_queue_and_warnings() -> None:
    films = [{"hasFile": True}, {"hasFile": False}]
    health = [{"type": "warning", "message": "No indexers available"}]
    with serving(servarr_double("Radarr", "v3", movie=films, queue_status={"totalCount": 3}, health=health)) as app:
        told = read("servarr-v3", app.url)
    assert told["note"] == "2 films, 3 in the queue, 1 warning"
    assert told["details"]["films_present"] == 1
    assert told["details"]["warnings"] == ["No indexers available"]


def test_prowlarr_counts_indexers() -> None:
    with serving(servarr_double("Prowlarr", "v1", indexer=[{"enable": True}, {"enable": False}])) as app:
        assert read("servarr-v1", app.url)["note"] == "1 of 2 indexers enabled"


def qbittorrent_double() -> Application:
    def guarded(body: Any) -> Callable[[Request], tuple[int, Any]]:
        return lambda request: (200, body) if "SID=1" in (request.headers.get("Cookie") or "") else (403, b"Forbidden")

    return Application(
        {
            "POST /api/v2/auth/login": lambda request: (
                (200, b"Ok.", {"Set-Cookie": "SID=1; path=/"})
                if request.form["password"] == API_KEY
                else (200, b"Fails.")
            ),
            "GET /api/v2/torrents/info": guarded([{"progress": 1}, {"progress": 0.5}]),
            "GET /api/v2/transfer/info": guarded(
                {"dl_info_speed": 1536000, "up_info_speed": 10, "connection_status": "connected"}
            ),
            "GET /api/v2/app/preferences": guarded({"listen_port": 41200}),
            "GET /api/v2/app/version": guarded(b"v5.2.3"),
        }
    )


LOGIN = {
    "kind": "form",
    "path": "/api/v2/auth/login",
    "fields": {"username": "admin"},
    "secret_field": "password",
    "secret": "app/api_key",
}


def test_qbittorrent() -> None:
    with serving(qbittorrent_double()) as app:
        told = read("qbittorrent-v2", app.url, LOGIN)
    assert told["note"] == "2 torrents, 1.5 MiB/s down, 10 B/s up, connected"
    assert told["details"] == {
        "version": "v5.2.3",
        "torrents": 2,
        "downloading": 1,
        "download_speed": 1536000,
        "upload_speed": 10,
        "connection": "connected",
        "listen_port": 41200,
    }


def test_qbittorrent_with_a_wrong_password_is_asked_only_once() -> None:
    """It bans an address after five bad logins."""
    with serving(qbittorrent_double()) as app:
        told = summaries.read("qbittorrent-v2", app.url, LOGIN, {"app/api_key": "wrong"}, timeout=5)
    assert "the login is refused" in told["note"]
    assert app.seen() == ["POST /api/v2/auth/login"]


def gluetun_double(**answers: Any) -> Application:
    told = {
        "vpn/status": {"status": "running"},
        "publicip/ip": {"public_ip": "203.0.113.7", "city": "London", "country": "United Kingdom"},
        "portforward": {"port": 41200},
        **answers,
    }
    return Application({f"GET /v1/{path}": (200, body) for path, body in told.items() if body is not None})


@pytest.mark.parametrize(
    ("answers", "note"),
    [
        ({}, "London, 203.0.113.7, port 41200"),
        ({"portforward": {"port": 0}}, "London, 203.0.113.7"),
        ({"portforward": None}, "London, 203.0.113.7"),
        ({"publicip/ip": {"public_ip": ""}, "portforward": {"port": 0}}, "tunnel running"),
        ({"vpn/status": {"status": "stopped"}, "publicip/ip": {}, "portforward": {}}, "tunnel stopped"),
    ],
)
def test_gluetun(answers: dict[str, Any], note: str) -> None:
    with serving(gluetun_double(**answers)) as app:
        assert read("gluetun", app.url)["note"] == note


def test_jellyfin_before_and_after_its_set_up(jellyfin: Start, tmp_path: Path) -> None:
    wanted = jellyfin_params(jellyfin(), tmp_path)
    assert read("jellyfin", wanted["url"], OPEN)["note"] == "not set up yet"
    jellyfin_setup.set_up(wanted, check_mode=False)
    keyed = {
        "kind": "header",
        "header": "Authorization",
        "format": 'MediaBrowser Token="{secret}"',
        "secret_file": wanted["key_file"],
    }
    told = read("jellyfin", wanted["url"], keyed)
    assert told["details"]["libraries"] == 0
    assert told["note"].startswith("0 libraries, ")
    assert read("jellyfin", wanted["url"], OPEN)["note"].startswith("version ")


def test_seerr_before_its_set_up(seerr: Start) -> None:
    told = read("seerr-v1", seerr("seerr"))
    assert (told["note"], told["details"]["initialized"]) == ("not set up yet", False)


def test_seerr_counts_requests() -> None:
    routes = {
        "GET /api/v1/status": (200, {"version": "3.4.1"}),
        "GET /api/v1/settings/public": (200, {"initialized": True}),
        "GET /api/v1/request/count": (200, {"pending": 1, "total": 9}),
    }
    with serving(Application(routes)) as app:
        assert read("seerr-v1", app.url)["note"] == "1 request pending"


@pytest.mark.parametrize("api", sorted(summaries.READERS))
def test_a_dead_application_is_a_note(api: str) -> None:
    told = read(api, "http://127.0.0.1:1")
    assert "connection refused" in told["note"]
    assert told["details"] == {}


@pytest.mark.parametrize("api", sorted(summaries.READERS))
@pytest.mark.parametrize("body", [b"<html>", b"[]", b"null", b'"text"', b"7", b'[{"a": 1}]', b"\xff"])
def test_nonsense_is_a_note(api: str, body: bytes) -> None:
    class Anything(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            return 200, body

    with serving(Application(Anything())) as app:
        told = read(api, app.url)
    assert isinstance(told["note"], str)
    assert API_KEY not in json.dumps(told)


def test_an_api_without_a_reader_has_nothing_to_tell() -> None:
    assert read("caddy", "http://127.0.0.1:1") == {"note": "", "details": {}}


def item(name: str, **more: Any) -> dict[str, Any]:
    empty = {
        "container": None,
        "zone": "apps",
        "url": f"https://{name}.home.test",
        "api": None,
        "address": None,
    }
    return {"name": name, **empty, "auth": OPEN, **more}


def params(*instances: Any, **more: Any) -> dict[str, Any]:
    return {
        "instances": list(instances), "secrets": SECRETS, "disks": [], "certificates": [], "timeout": 2,
        "parallel": 8, **more,
    }  # fmt: skip


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def show(*containers: Any) -> None:
        monkeypatch.setattr(status, "snapshot", lambda: Snapshot({c.name: c for c in containers}))

    return show


def test_state_comes_from_docker(docker: Callable[..., None]) -> None:
    before = time.time()
    started = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(before - 40))
    docker(
        container("radarr", health="healthy", started=f"{started}.123456789Z"),
        container("bazarr", status="exited", started="2026-11-21T09:12:40.1Z"),
        container("new", status="created", started="0001-01-01T00:00:00Z"),
    )
    result = status.status(params(item("radarr"), item("bazarr"), item("new"), item("gone")))["instances"]
    assert (result["radarr"]["state"], result["radarr"]["health"]) == ("running", "healthy")
    assert 39 <= result["radarr"]["uptime"] <= 42 + time.time() - before
    assert result["radarr"]["since"] == f"{started}Z"
    assert (result["bazarr"]["state"], result["bazarr"]["uptime"]) == ("exited", 0)
    assert (result["new"]["state"], result["new"]["since"]) == ("created", None)
    assert (result["gone"]["state"], result["gone"]["url"]) == ("missing", "https://gone.home.test")
    assert (result["radarr"]["note"], result["radarr"]["details"]) == ("", {})


def test_one_that_is_stopped_is_not_asked(docker: Callable[..., None]) -> None:
    docker(container("radarr", status="exited"))
    with serving(servarr_double("Radarr", "v3")) as app:
        status.status(params(item("radarr", api="servarr-v3", address=app.url, auth=KEYED)))
        assert app.requests == []


def test_one_that_is_missing_is_not_asked_unless_docker_cannot_tell(
    docker: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    docker()
    with serving(servarr_double("Radarr", "v3")) as app:
        gone = item("radarr", api="servarr-v3", address=app.url, auth=KEYED)
        assert status.status(params(gone))["instances"]["radarr"]["note"] == ""
        assert app.requests == []
        monkeypatch.setattr(status, "look", lambda: (Snapshot({}), "no engine answers"))
        status.status(params(gone))
        assert app.requests


def test_the_living_are_told_beside_the_dead_and_the_slow(docker: Callable[..., None]) -> None:
    docker(container("radarr"), container("sonarr"), container("seerr"))

    over = threading.Event()

    def slow(_: Request) -> tuple[int, Any]:
        over.wait(60)
        return 200, {}

    living = servarr_double("Radarr", "v3", movie=[{}], queue_status={})
    hanging = Application({"GET /api/v1/status": slow})
    with serving(living) as alive, serving(hanging) as stuck:
        result = status.status(
            params(
                item("radarr", api="servarr-v3", address=alive.url, auth=KEYED),
                item("sonarr", api="servarr-v3", address="http://127.0.0.1:1", auth=KEYED),
                item("seerr", api="seerr-v1", address=stuck.url),
                timeout=3,  # the living may be slow as well
            )
        )["instances"]
        over.set()
    assert result["radarr"]["note"] == "1 film, 0 in the queue"
    assert "connection refused" in result["sonarr"]["note"]
    assert "timed out" in result["seerr"]["note"]


def test_without_docker_the_applications_are_still_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with serving(servarr_double("Prowlarr", "v1", indexer=[])) as app:
        result = status.status(params(item("prowlarr", api="servarr-v1", address=app.url, auth=KEYED)))
    assert "docker command is not installed" in result["engine"]
    assert result["instances"]["prowlarr"]["note"] == "0 of 0 indexers enabled"


def test_disks(docker: Callable[..., None], tmp_path: Path) -> None:
    docker()
    disks = [{"name": "media", "path": str(tmp_path)}, {"name": "lost", "path": str(tmp_path / "lost")}]
    good, lost = status.status(params(disks=disks))["disks"]
    assert good["total"] >= good["used"] > 0
    assert 0 < good["percent"] <= 100
    assert good["error"] is None
    assert lost["error"] == "no such file or directory"


def test_certificates(docker: Callable[..., None], tmp_path: Path) -> None:
    docker()
    root, pair = authority(tmp_path)
    with serving(Application(), pair) as app:
        edge = {"address": "127.0.0.1", "port": app.port, "ca": str(root)}
        names = [{"name": "radarr.home.test", **edge}, {"name": "other.home.test", **edge}]
        shown = status.status(params(certificates=names))["certificate"]
    assert shown["radarr.home.test"]["error"] is None
    assert 29 * 24 < shown["radarr.home.test"]["hours"] <= 30 * 24
    assert "not valid" in shown["other.home.test"]["error"]


def test_figures_for_people() -> None:
    assert [size(n) for n in (0, 1023, 1024, 1536000, 5 * 1024**4)] == [
        "0 B", "1023 B", "1.0 KiB", "1.5 MiB", "5.0 TiB",
    ]  # fmt: skip
    assert rate(2048) == "2.0 KiB/s"
    assert [count(n, "film", "films") for n in (0, 1, 2)] == ["0 films", "1 film", "2 films"]
