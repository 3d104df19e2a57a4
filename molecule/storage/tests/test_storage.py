"""One media root whose folders belong to the media user, in one filesystem."""

from __future__ import annotations

from typing import Any

import pytest

FOLDERS = [
    "downloads/torrents/incomplete",
    "downloads/torrents/radarr",
    "downloads/torrents/radarr-4k",
    "downloads/usenet/complete",
    "library/movies",
    "library/tv",
]


@pytest.mark.parametrize("folder", FOLDERS)
def test_folder_belongs_to_media_and_passes_its_group_on(host: Any, folder: str) -> None:
    found = host.file(f"/srv/media/{folder}")
    assert found.is_directory
    assert (found.user, found.group, found.mode) == ("media", "media", 0o2775)


def test_downloads_and_library_are_one_filesystem(host: Any) -> None:
    script = (
        "set -e; echo x > /srv/media/downloads/torrents/radarr/probe; "
        "ln /srv/media/downloads/torrents/radarr/probe /srv/media/library/movies/probe; "
        "stat -c %h /srv/media/library/movies/probe; "
        "rm /srv/media/downloads/torrents/radarr/probe /srv/media/library/movies/probe"
    )
    assert host.check_output(script) == "2"


def test_root_stays_the_owners(host: Any) -> None:
    assert host.file("/srv/media").user == "root"
