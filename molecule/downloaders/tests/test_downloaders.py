"""The download client answers to its own password, saves below the media root, and knows its folders."""

from __future__ import annotations

import json
from typing import Any

from state import address, state, status_of

CONFIG = "/opt/mediastack/config/qbittorrent/qBittorrent"


def test_client_is_healthy(host: Any) -> None:
    assert state(host, "qbittorrent") == "healthy"


def test_strangers_are_refused(host: Any) -> None:
    assert status_of(host, f"http://{address(host, 'gluetun')}:8080/api/v2/app/version") == 403


def test_configuration_is_the_clients_own(host: Any) -> None:
    found = host.file(f"{CONFIG}/qBittorrent.conf")
    assert found.user == "media"
    assert host.file("/opt/mediastack/config/qbittorrent").mode == 0o750, "the application sets the file's own mode"
    assert "Password_PBKDF2" in found.content_string


def test_categories_are_kept(host: Any) -> None:
    assert json.loads(host.file(f"{CONFIG}/categories.json").content_string) == {}
