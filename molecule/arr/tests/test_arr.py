"""Managers and indexers answer to their own key and ask people for a login."""

from __future__ import annotations

from typing import Any

import pytest
from state import address, read_json, secret, state, status_of

APPS = [("prowlarr", 9696, "v1"), ("radarr", 7878, "v3"), ("radarr-4k", 7878, "v3")]


@pytest.mark.parametrize(("name", "port", "version"), APPS)
def test_application_answers_to_its_own_key_only(host: Any, name: str, port: int, version: str) -> None:
    url = f"http://{address(host, name)}:{port}/api/{version}/system/status"
    assert state(host, name) == "healthy"
    assert status_of(host, url, f"X-Api-Key: {secret(host, name, 'api_key')}") == 200
    assert status_of(host, url) == 401


@pytest.mark.parametrize(("name", "port", "version"), APPS)
def test_people_sign_in_as_the_administrator(host: Any, name: str, port: int, version: str) -> None:
    url = f"http://{address(host, name)}:{port}/api/{version}/config/host"
    settings = read_json(host, url, f"X-Api-Key: {secret(host, name, 'api_key')}")
    assert (settings["authenticationMethod"], settings["username"]) == ("forms", "admin")


def test_instances_have_keys_of_their_own(host: Any) -> None:
    keys = {secret(host, name, "api_key") for name, _, _ in APPS}
    assert len(keys) == len(APPS)
