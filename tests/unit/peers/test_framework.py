"""The framework: the start of an image, state on disk, secrets in logs; the socket proxy's rules."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from peers.framework import journal, start
from peers.framework.store import Store
from peers.socket_proxy import filter as proxy


def test_file_variables_are_read_and_hidden(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = tmp_path / "key"
    secret.write_text("planted-secret\n")
    environment = {"FILE__RADARR__AUTH__APIKEY": str(secret), "FILE__GONE": str(tmp_path / "gone"), "OTHER": "1"}
    assert start.read_file_variables(environment) == ["RADARR__AUTH__APIKEY"]
    assert environment["RADARR__AUTH__APIKEY"] == "planted-secret"
    assert "GONE" not in environment
    journal.say("the key is planted-secret")
    assert "planted-secret" not in capsys.readouterr().out


def test_the_account_is_made_once() -> None:
    passwd, group = start.account_lines("root:x:0:0::/:/bin/sh\nabc:x:1:1::/:/bin/sh\n", "root:x:0:\n", 1900, 1901)
    assert passwd.splitlines()[1:] == ["abc:x:1900:1901::/config:/bin/false"]
    assert start.account_lines(passwd, group, 1900, 1901) == (passwd, group)


def test_giving_does_not_follow_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, outside = tmp_path / "config", tmp_path / "outside"
    config.mkdir()
    outside.write_text("x")
    (config / "link").symlink_to(outside)
    given: list[tuple[str, bool]] = []
    monkeypatch.setattr(
        start.os, "chown", lambda path, uid, gid, follow_symlinks: given.append((str(path), follow_symlinks))
    )
    assert start.give(config, 1900, 1900) == 2
    assert given == [(str(config), False), (str(config / "link"), False)]


def test_state_survives_a_failed_change(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    store = Store(path, {"a": 1}, mode=0o600)
    with store.change() as state:
        state["a"] = 2

    def fail() -> None:
        with store.change() as state:
            state["a"] = 3
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert store.read()["a"] == json.loads(path.read_text())["a"] == 2
    assert path.stat().st_mode & 0o777 == 0o600
    assert Store(path, {"a": 0, "new": []}).read() == {"a": 2, "new": []}


@pytest.mark.parametrize(
    ("method", "path", "passes"),
    [
        ("GET", "/containers/json", True),
        ("GET", "/v1.47/containers/json", True),
        ("GET", "/_ping", True),
        ("GET", "/images/json", False),
        ("GET", "/containersx/json", False),
        ("POST", "/containers/create", False),
        ("POST", "/containers/abc/restart", False),
    ],
)
def test_socket_proxy_rules(method: str, path: str, passes: bool) -> None:
    verdict = None
    for line in proxy.configuration({"CONTAINERS": "1", "POST": "0"}).splitlines():
        rule = line.strip()
        if rule == "http-request deny unless METH_GET" and method != "GET":
            verdict = False
        elif rule.startswith("http-request allow"):
            pattern = rule.split("-i ")[1].removesuffix(" }")
            verdict = True if re.search(pattern, path, re.IGNORECASE) else None
        elif rule == "http-request deny":
            verdict = False
        if verdict is not None:
            break
    assert verdict is passes
