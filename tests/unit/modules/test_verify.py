"""The module as a whole, and the checks that ask over HTTP or look at disks."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.unit.apps.double import Application, Request, serving
from tests.unit.apps.tls import authority

from ansible_collections.mediastack.core.plugins.module_utils.checks import run
from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import Accepted, Context, Failed
from ansible_collections.mediastack.core.plugins.module_utils.checks.storage import storage
from ansible_collections.mediastack.core.plugins.module_utils.checks.web import api, https
from ansible_collections.mediastack.core.plugins.modules.verify import verify

KEY = "k-sentinel"
HEADER = {"kind": "header", "header": "X-Api-Key", "format": "{secret}", "secret": "radarr/api_key"}
CONTEXT = Context("not asked", {"radarr/api_key": KEY}, timeout=5)


def check(kind: str, **more: Any) -> dict[str, Any]:
    common = {"id": f"{kind}.x", "kind": kind, "group": "g", "title": "it holds", "remedy": "apply"}
    return {**common, "severity": "fail", "instance": "radarr", **more}


def api_check(url: str, **more: Any) -> dict[str, Any]:
    path = "/api/v3/system/status"
    asked = {"url": url, "path": path, "method": "GET", "expect_status": [200], "auth": HEADER}
    return check("api", **asked, refuse_path=path, refuse_status=[401, 403], **more)


def guarded(request: Request) -> tuple[int, Any]:
    return (200, {}) if request.headers.get("X-Api-Key") == KEY else (401, None)


def test_api_answers_with_its_key_and_refuses_without() -> None:
    with serving(Application({"GET /api/v3/system/status": guarded})) as app:
        assert api(api_check(app.url), CONTEXT) == "200 with key, 401 without"


def test_api_that_answers_everybody_fails() -> None:
    with (
        serving(Application({"GET /api/v3/system/status": (200, {})})) as app,
        pytest.raises(Failed, match="without a key, /api/v3/system/status answers 200, not 401 or 403"),
    ):
        api(api_check(app.url), CONTEXT)


def test_api_that_refuses_its_key_fails() -> None:
    with (
        serving(Application({"GET /api/v3/system/status": (401, {})})) as app,
        pytest.raises(Failed, match="/api/v3/system/status answers 401, not 200") as caught,
    ):
        api(api_check(app.url), CONTEXT)
    assert KEY not in str(caught.value)


def test_api_without_keys_names_what_it_refuses() -> None:
    with serving(Application({"GET /ping": (200, {}), "GET /api/v3/system/status": guarded})) as app:
        limited = {**api_check(app.url), "path": "/ping", "auth": {"kind": "none"}}
        assert api(limited, CONTEXT) == f"200, 401 for {limited['refuse_path']}"


def test_api_with_nothing_to_refuse_is_asked_once() -> None:
    open_to_all = {**api_check("x"), "auth": {"kind": "none"}, "refuse_status": []}
    with serving(Application({"GET /api/v3/system/status": (200, {})})) as app:
        assert api({**open_to_all, "url": app.url}, CONTEXT) == "200"
        assert len(app.requests) == 1


@pytest.mark.parametrize(
    ("public", "status", "evidence"),
    [
        ((200, {"initialized": False}), "warn", "not set up yet: open it and sign in with Plex"),
        ((200, {"initialized": True}), "fail", "/api/v3/system/status answers 401, not 200"),
        ((200, []), "fail", "/api/v3/system/status answers 401, not 200"),
        ((500, None), "fail", "/public: status 500"),
    ],
)
def test_api_that_a_person_must_set_up_is_a_warning_until_then(
    public: tuple[int, Any], status: str, evidence: str
) -> None:
    by_hand = {"path": "/public", "field": "initialized", "task": "sign in with Plex"}
    with serving(Application({"GET /api/v3/system/status": (401, {}), "GET /public": public})) as app:
        given = params(api_check(app.url, by_hand=by_hand), secrets={"radarr/api_key": KEY})
        [result] = verify(given, check_mode=False)["checks"]
    assert result["status"] == status
    assert evidence in result["evidence"]


def test_api_that_answers_everybody_fails_before_its_set_up_too() -> None:
    by_hand = {"path": "/public", "field": "initialized", "task": "sign in with Plex"}
    routes: dict[str, Any] = {"GET /api/v3/system/status": (200, {}), "GET /public": (200, {"initialized": False})}
    with serving(Application(routes)) as app, pytest.raises(Failed, match="without a key") as caught:
        api(api_check(app.url, by_hand=by_hand), CONTEXT)
    assert not isinstance(caught.value, Accepted)


def test_api_that_is_not_there_fails() -> None:
    with pytest.raises(Failed, match="connection refused"):
        api(api_check("http://127.0.0.1:1"), CONTEXT)


def test_api_without_its_secret_fails_with_its_name() -> None:
    with pytest.raises(Failed, match="the secret radarr/api_key is missing"):
        api(api_check("http://127.0.0.1:1"), Context("", {}))


def https_check(port: int, root: Path | None, **more: Any) -> dict[str, Any]:
    asked = {
        "name": "radarr.home.test",
        "scheme": "https",
        "address": "127.0.0.1",
        "port": port,
        "path": "/ping",
    }
    return check("https", **{**asked, "ca": str(root) if root else None, "expect_status": [200, 302, 401], **more})


def test_https_with_a_chain_to_the_root_passes(tmp_path: Path) -> None:
    root, pair = authority(tmp_path)
    with serving(Application({"GET /ping": (302, None, {"Location": "/login"})}), pair) as app:
        evidence = https(https_check(app.port, root), CONTEXT)
    assert evidence.startswith("302, issued by mediastack test root")


def test_https_with_another_root_fails(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    other, _ = authority(tmp_path / "a")
    _, pair = authority(tmp_path / "b")
    with (
        serving(Application({"GET /ping": (200, {})}), pair) as app,
        pytest.raises(Failed, match="not valid"),
    ):
        https(https_check(app.port, other), CONTEXT)


def test_https_for_a_name_that_the_edge_does_not_know_fails(tmp_path: Path) -> None:
    root, pair = authority(tmp_path)
    with (
        serving(Application({"GET /ping": (200, {})}), pair) as app,
        pytest.raises(Failed, match="not valid"),
    ):
        https(https_check(app.port, root, name="sonarr.home.test"), CONTEXT)


def test_https_with_a_dead_upstream_fails(tmp_path: Path) -> None:
    root, pair = authority(tmp_path)
    with (
        serving(Application({"GET /ping": (502, None)}), pair) as app,
        pytest.raises(Failed, match="answers 502"),
    ):
        https(https_check(app.port, root), CONTEXT)


def test_https_without_the_root_file_fails(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="cannot be read"):
        https(https_check(1, tmp_path / "none.crt"), CONTEXT)


def test_plain_http_when_tls_is_off() -> None:
    with serving(
        Application({"GET /ping": lambda r: (200, None) if r.headers["Host"].startswith("radarr") else (404, None)})
    ) as app:
        assert https(https_check(app.port, None, scheme="http"), CONTEXT) == "200"


def test_storage_on_one_filesystem_passes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert storage({"downloads": str(tmp_path), "library": str(tmp_path / "a")}, CONTEXT).startswith("device ")


def test_storage_on_two_filesystems_fails(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="is on device"):
        storage({"downloads": str(tmp_path), "library": "/proc"}, CONTEXT)


def test_storage_that_is_not_there_fails(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="nowhere: no such file"):
        storage({"downloads": str(tmp_path), "library": str(tmp_path / "nowhere")}, CONTEXT)


def params(*checks: Any, **more: Any) -> dict[str, Any]:
    return {
        "checks": list(checks),
        "secrets": {},
        "timeout": 5,
        "wait": 0,
        "parallel": 4,
        "fail_on_failure": False,
        **more,
    }


def test_results_keep_the_order_and_tell_everything(tmp_path: Path) -> None:
    good = check("storage", id="storage.good", downloads=str(tmp_path), library=str(tmp_path))
    bad = check("storage", id="storage.bad", downloads=str(tmp_path), library="/proc")
    warned = {**bad, "id": "storage.warned", "severity": "warn"}
    result = verify(params(good, bad, warned), check_mode=False)
    assert [c["status"] for c in result["checks"]] == ["pass", "fail", "warn"]
    assert result["counts"] == {"pass": 1, "fail": 1, "warn": 1, "skip": 0, "total": 3}
    assert result["changed"] is False
    assert set(result["checks"][0]) == {
        "id", "group", "title", "instance", "remedy", "status", "evidence", "seconds",
    }  # fmt: skip


def test_failing_is_asked_for() -> None:
    bad = check("storage", downloads="/tmp", library="/proc")
    assert "failed" not in verify(params(bad), check_mode=False)
    result = verify(params(bad, fail_on_failure=True), check_mode=False)
    assert result["failed"]
    assert "1 of 1 checks fail. it holds: /tmp is on device" in result["msg"]
    warned = verify(params({**bad, "severity": "warn"}, fail_on_failure=True), check_mode=False)
    assert "failed" not in warned


def test_a_kind_from_the_future_fails_and_is_never_a_pass() -> None:
    result = verify(params(check("quantum")), check_mode=False)
    assert (result["checks"][0]["status"], result["counts"]["fail"]) == ("fail", 1)
    assert "does not know checks of kind quantum" in result["checks"][0]["evidence"]


def test_a_check_that_breaks_fails_without_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_check: Any, _context: Context) -> str:
        raise ZeroDivisionError(KEY)

    monkeypatch.setitem(run.KINDS, "broken", broken)
    result = verify(params(check("broken")), check_mode=False)
    assert result["checks"][0]["evidence"] == "the check broke: ZeroDivisionError"
    assert KEY not in json.dumps(result)


def test_a_malformed_check_fails_alone(tmp_path: Path) -> None:
    good = check("storage", downloads=str(tmp_path), library=str(tmp_path))
    result = verify(params(check("storage"), good), check_mode=False)
    assert [c["status"] for c in result["checks"]] == ["fail", "pass"]


def test_checks_run_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(8, timeout=20)
    monkeypatch.setitem(run.KINDS, "meets", lambda _check, _context: f"number {together.wait()}")
    result = verify(params(*[check("meets")] * 8, parallel=8, timeout=30), check_mode=False)
    assert result["counts"]["pass"] == 8


def test_one_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(run.KINDS, "stuck", lambda _check, _context: time.sleep(30))
    result = verify(params(check("stuck"), timeout=0.2), check_mode=False)
    assert result["checks"][0]["evidence"] == "not done in time"


def test_without_docker_each_check_that_needs_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    result = verify(params(check("container", container="radarr", health=True)), check_mode=False)
    assert result["checks"][0]["status"] == "fail"
    assert "docker command is not installed" in result["checks"][0]["evidence"]


def test_no_checks_is_an_empty_result() -> None:
    assert verify(params(), check_mode=False)["counts"]["total"] == 0


def test_one_that_starts_late_is_waited_for() -> None:
    answers = iter([(503, None), (502, None)])
    app = Application({"GET /ping": lambda _: next(answers, (200, None))})
    with serving(app):
        late = https_check(app.port, None, scheme="http")
        assert verify(params(late, wait=60), check_mode=False)["counts"]["pass"] == 1
        assert len(app.requests) == 3


def test_waiting_has_an_end() -> None:
    late = https_check(1, None, scheme="http")
    assert verify(params(late, wait=1), check_mode=False)["counts"]["fail"] == 1


def test_a_wrong_answer_is_not_asked_for_again() -> None:
    with serving(Application({"POST /in": (403, None)})) as app:
        form = {"kind": "form", "path": "/in", "secret_field": "password", "secret": "radarr/api_key"}
        refused = {**api_check(app.url), "auth": form}
        given = params(refused, wait=3, secrets={"radarr/api_key": KEY})
        assert verify(given, check_mode=False)["counts"]["fail"] == 1
        assert app.seen() == ["POST /in"]
