"""What was resolved runs, with secrets only where they belong, and what is not ours is left alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from state import address, container, secret, state, status_of


@pytest.mark.parametrize("name", ["prowlarr", "flaresolverr"])
def test_instance_is_healthy_and_ours(host: Any, name: str) -> None:
    assert state(host, name) == "healthy"
    assert container(host, name)["Config"]["Labels"]["mediastack.managed"] == "true"


def test_key_opens_and_nothing_else_does(host: Any) -> None:
    url = f"http://{address(host, 'prowlarr')}:9696/api/v1/system/status"
    assert status_of(host, url, f"X-Api-Key: {secret(host, 'prowlarr', 'api_key')}") == 200
    assert status_of(host, url) == 401


def test_secret_is_in_its_file_only(host: Any) -> None:
    key = secret(host, "prowlarr", "api_key")
    found = host.file("/opt/mediastack/secrets/prowlarr/api_key")
    assert (found.user, found.mode) == ("root", 0o400)
    assert key not in json.dumps(container(host, "prowlarr"))
    assert key not in host.check_output("cat /opt/mediastack/compose/*/*.yml")
    assert key not in host.check_output("cat /var/lib/mediastack/generations/*")


def test_compose_file_is_ours_again(host: Any) -> None:
    found = host.file("/opt/mediastack/compose/mediastack/compose.yml")
    assert (found.user, found.mode) == ("root", 0o640)
    assert "prowlarr" in found.content_string


def test_what_runs_is_recorded(host: Any) -> None:
    record = json.loads(host.file("/var/lib/mediastack/generations/current").content_string)
    assert sorted(record["stack"]["instances"]) == ["flaresolverr", "prowlarr"]
    assert all(digest.startswith("sha256:") for digest in record["digests"].values())


def test_foreign_container_is_left_alone(host: Any) -> None:
    assert container(host, "mine").get("State", {}).get("Status", "running") == "running"
