"""The lines that a person reads before and after a run."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.render.support import example_stack

from ansible_collections.mediastack.core.plugins.plugin_utils.plan_summary import human, summarise


def change(instance: str | None, action: str, reason: str = "", network: str | None = None) -> dict[str, Any]:
    return {"instance": instance, "container": instance, "network": network, "action": action, "reason": reason}


def shown(compose: list[dict[str, Any]], files: list[str] | None = None) -> list[tuple[str, str, str]]:
    paths = [{"path": path, "action": "content"} for path in files or []]
    return [(line.action, line.name, line.detail) for line in summarise(example_stack(), compose, paths)]


KEPT = {"kept": "/opt/mediastack/config/jackett", "kept_bytes": 14_200_000}


def test_a_plan_says_this() -> None:
    lines = shown(
        [
            change("sonarr", "create", "new"),
            change("radarr", "recreate", "image radarr:6.2.1 -> radarr:6.3.0"),
            {**change("jackett", "remove", "no longer wanted"), **KEPT},
            change(None, "create", "new", network="mediastack_egress_gluetun"),
        ],
        ["/opt/mediastack/compose/mediastack/compose.yml", "/opt/mediastack/config/radarr/x"],
    )
    assert lines == [
        ("change", "files", "/opt/mediastack/compose/mediastack/compose.yml"),
        (
            "remove",
            "jackett",
            "stopped and removed · its configuration (14 MB) is kept in /opt/mediastack/config/jackett",
        ),
        ("change", "radarr", "image radarr:6.2.1 -> radarr:6.3.0 · recreated, a few seconds down"),
        ("create", "sonarr", "new · zone apps · https://sonarr.home.example (LAN only)"),
        ("create", "mediastack_egress_gluetun", "created"),
    ]


def test_what_is_removed_without_leaving_anything() -> None:
    assert shown([change("jackett", "remove")]) == [("remove", "jackett", "stopped and removed")]


def test_a_size_that_is_not_known_is_not_told() -> None:
    [(_action, _name, detail)] = shown([{**change("jackett", "remove"), **KEPT, "kept_bytes": None}])
    assert detail == "stopped and removed · its configuration is kept in /opt/mediastack/config/jackett"


def test_nothing_changes() -> None:
    assert shown([]) == []


def test_files_of_a_service_are_told_unless_the_service_is_told_anyway() -> None:
    secret = "/opt/mediastack/secrets/radarr/api_key"
    assert shown([], [secret]) == [("change", "radarr", secret)]
    assert len(shown([change("radarr", "recreate", "its configuration changed")], [secret])) == 1
    many = [f"/opt/mediastack/config/caddy/{name}" for name in "abc"]
    assert shown([], many) == [("change", "caddy", "/opt/mediastack/config/caddy/a and 2 more")]


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (14_200_000, "14 MB"), (5 * 10**15, "5000 TB")]
)
def test_sizes(size: int, words: str) -> None:
    assert human(size) == words
