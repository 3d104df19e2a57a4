"""The server has its packages, time zone, media user and kernel settings."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize("name", ["tzdata", "ca-certificates", "iproute2", "jq"])
def test_package(host: Any, name: str) -> None:
    assert host.package(name).is_installed


def test_time_zone(host: Any) -> None:
    assert host.file("/etc/localtime").linked_to == "/usr/share/zoneinfo/Europe/Berlin"
    assert host.file("/etc/timezone").content_string == "Europe/Berlin\n"


def test_media_user_cannot_log_in(host: Any) -> None:
    user = host.user("media")
    assert (user.uid, user.gid, user.group) == (1900, 1900, "media")
    assert (user.home, user.shell) == ("/nonexistent", "/usr/sbin/nologin")


def test_kernel_settings_are_kept(host: Any) -> None:
    kept = host.file("/etc/sysctl.d/60-mediastack.conf")
    assert (kept.user, kept.mode) == ("root", 0o644)
    assert "fs.inotify.max_user_watches = 524288" in kept.content_string.splitlines()
