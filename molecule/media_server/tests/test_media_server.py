"""Jellyfin is past its first start, and its key is kept on the server for root alone."""

from __future__ import annotations

from typing import Any

from state import address, secret, state, status_of


def test_server_is_healthy(host: Any) -> None:
    assert state(host, "jellyfin") == "healthy"


def test_kept_key_opens_and_nothing_else_does(host: Any) -> None:
    url = f"http://{address(host, 'jellyfin')}:8096/System/Info"
    key = secret(host, "jellyfin", "api_key").strip()
    assert status_of(host, url, f'Authorization: MediaBrowser Token="{key}"') == 200
    assert status_of(host, url) == 401


def test_first_start_is_over(host: Any) -> None:
    url = f"http://{address(host, 'jellyfin')}:8096/Startup/Configuration"
    assert status_of(host, url) in (401, 403)


def test_key_is_roots_alone(host: Any) -> None:
    found = host.file("/opt/mediastack/secrets/jellyfin/api_key")
    assert (found.user, found.mode) == ("root", 0o600)
