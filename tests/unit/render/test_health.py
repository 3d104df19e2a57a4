"""Health commands, run for real by sh against a server on loopback, with each program that an image may have."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.mediastack.core.plugins.plugin_utils.render.health import healthcheck

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANSWERS = {
    "/ok": (200, '{"status": "OK", "n": 1}'),
    "/tight": (200, '{"status":"OK"}'),
    "/bad": (200, '{"status": "NOT OK"}'),
    "/locked": (403, "Forbidden"),
    "/broken": (500, '{"status": "OK"}'),
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = ANSWERS.get(self.path, (404, ""))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(params=["wget", "curl", "both", "none"])
def image(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """A PATH that holds what an image might hold."""
    programs = {"both": ("wget", "curl"), "none": ()}.get(request.param, (request.param,))
    for program in ("grep", *programs):
        found = shutil.which(program)
        assert found, f"{program} is needed by this test"
        (tmp_path / program).symlink_to(found)
    return request.param, tmp_path


def passes(health: dict[str, Any], path: Path) -> bool:
    check = healthcheck({"health": {"http": health, "timeout": 2}, "ports": []})
    assert check is not None
    kind, command = check["test"]
    assert kind == "CMD-SHELL"
    done = subprocess.run(
        ["/bin/sh", "-c", command], env={"PATH": str(path)}, capture_output=True, timeout=20, check=False
    )
    return done.returncode == 0


@pytest.mark.parametrize(
    ("health", "good"),
    [
        ({"path": "/ok"}, True),
        ({"path": "/locked"}, False),
        ({"path": "/broken"}, False),
        ({"path": "/missing"}, False),
        ({"path": "/ok", "json": {"status": "OK"}}, True),
        ({"path": "/tight", "json": {"status": "OK"}}, True),
        ({"path": "/ok", "json": {"status": "OK", "n": 1}}, True),
        ({"path": "/ok", "json": {"n": 2}}, False),
        ({"path": "/bad", "json": {"status": "OK"}}, False),
        ({"path": "/broken", "json": {"status": "OK"}}, False),
        ({"path": "/locked", "status": 403}, True),
        ({"path": "/locked", "status": [200, 403]}, True),
        ({"path": "/ok", "status": 200}, True),
        ({"path": "/ok", "status": 403}, False),
        ({"path": "/broken", "status": [200, 403]}, False),
    ],
)
def test_http_health(port: int, image: tuple[str, Path], health: dict[str, Any], good: bool) -> None:
    programs, path = image
    assert passes({"port": port, **health}, path) == (good and programs != "none"), json.dumps(health)


def test_nobody_listens(image: tuple[str, Path]) -> None:
    assert not passes({"port": 9, "path": "/"}, image[1])


def test_hostile_paths_stay_one_word(port: int, image: tuple[str, Path]) -> None:
    assert not passes({"port": port, "path": "/nothing; true #"}, image[1])
    assert not passes({"port": port, "path": "/nothing' || true '"}, image[1])


def test_commands_ports_by_name_and_none() -> None:
    assert healthcheck({"health": None}) is None
    check = healthcheck({"health": {"command": ["/probe", "now"], "interval": 10, "retries": 3}})
    assert check == {"test": ["CMD", "/probe", "now"], "interval": "10s", "retries": 3}
    assert healthcheck({"health": {"command": ["CMD-SHELL", "true"]}}) == {"test": ["CMD-SHELL", "true"]}
    named = healthcheck({"health": {"http": {"port": "web", "path": "/"}}, "ports": [{"name": "web", "listen": 8123}]})
    assert named is not None
    assert "http://127.0.0.1:8123/" in named["test"][1]
