"""The engine runs with our configuration beside the owner's, from the source that suits the release."""

from __future__ import annotations

import json
from typing import Any

UNIT = "/etc/systemd/system/docker.service.d/mediastack.conf"
SOURCES = "/etc/apt/sources.list.d/mediastack-docker.sources"


def is_debian_12(host: Any) -> bool:
    return str(host.system_info.release).startswith("12")


def test_engine_runs_now_and_after_a_boot(host: Any) -> None:
    assert host.service("docker").is_running
    assert host.service("docker").is_enabled


def test_compose_is_v2(host: Any) -> None:
    assert host.check_output("docker compose version --short").lstrip("v").startswith("2.")


def test_settings_of_the_owner_are_kept_and_ours_win(host: Any) -> None:
    settings = json.loads(host.file("/etc/docker/daemon.json").content_string)
    assert settings["max-concurrent-downloads"] == 2
    assert settings["live-restore"] is True
    assert settings["log-driver"] == "local"


def test_engine_runs_with_what_is_written(host: Any) -> None:
    info = json.loads(host.check_output("docker info --format '{{json .}}'"))
    assert info["LiveRestoreEnabled"] is True
    assert info["LoggingDriver"] == "local"
    environment = host.check_output("tr '\\0' '\\n' < /proc/$(pidof dockerd)/environ").splitlines()
    written = [line.removeprefix("Environment=") for line in host.file(UNIT).content_string.splitlines()]
    assert next(line for line in environment if line.startswith("MEDIASTACK_CONFIG=")) in written


def test_source_suits_the_release(host: Any) -> None:
    upstream = is_debian_12(host)
    assert host.file(SOURCES).exists is upstream
    assert host.package("docker-ce").is_installed is upstream
    assert host.package("docker.io").is_installed is not upstream


def test_packages_are_accepted_by_their_key_only(host: Any) -> None:
    if is_debian_12(host):
        assert "Signed-By: /etc/apt/keyrings/mediastack-docker.asc" in host.file(SOURCES).content_string
        assert host.file("/etc/apt/keyrings/mediastack-docker.asc").mode == 0o644
    assert "NO_PUBKEY" not in host.run("apt-get update").stderr
