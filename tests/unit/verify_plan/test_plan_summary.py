"""The lines that a person reads before and after a run."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.render.support import example_stack

from ansible_collections.mediastack.core.plugins.plugin_utils.plan_summary import human, summarise, text


def change(instance: str | None, action: str, reason: str = "", network: str | None = None) -> dict[str, Any]:
    return {"instance": instance, "container": instance, "network": network, "action": action, "reason": reason}


def shown(compose: list[dict[str, Any]], files: list[str] | None = None, kept: dict[str, int] | None = None) -> str:
    paths = [{"path": path, "action": "content"} for path in files or []]
    return text(summarise(example_stack(), compose, paths, kept), "nas", check=True)


def test_a_plan_reads_like_this() -> None:
    lines = shown(
        [
            change("sonarr", "create", "new"),
            change("radarr", "recreate", "image radarr:6.2.1 -> radarr:6.3.0"),
            change("jackett", "remove", "no longer wanted"),
            change(None, "create", "new", network="mediastack_egress_gluetun"),
        ],
        ["/opt/mediastack/compose/mediastack/compose.yml", "/opt/mediastack/config/radarr/x"],
        {"jackett": 14_200_000},
    )
    assert lines == (
        "nas\n"
        "  ~ files        /opt/mediastack/compose/mediastack/compose.yml\n"
        "  - jackett      stopped and removed · its configuration (14 MB) is kept\n"
        "  ~ radarr       image radarr:6.2.1 -> radarr:6.3.0 · recreated, a few seconds down\n"
        "  + sonarr       new · zone apps · https://sonarr.home.example (LAN only)\n"
        "  + mediastack_egress_gluetun network created\n"
        "3 services, 1 network and files would change. Nothing was touched."
    )


def test_nothing_changes() -> None:
    assert shown([]) == "nas: nothing would change."
    assert text([], "nas", check=False) == "nas: nothing changed."


def test_files_of_a_service_are_told_unless_the_service_is_told_anyway() -> None:
    secret = "/opt/mediastack/secrets/radarr/api_key"
    assert "~ radarr       /opt/mediastack/secrets/radarr/api_key" in shown([], [secret])
    assert shown([change("radarr", "recreate", "its configuration changed")], [secret]).count("radarr") == 1
    many = [f"/opt/mediastack/config/caddy/{name}" for name in "abc"]
    assert "/opt/mediastack/config/caddy/a and 2 more" in shown([], many)


def test_after_a_run() -> None:
    lines = summarise(example_stack(), [change("radarr", "start", "is exited")], [])
    assert text(lines, "nas", check=False) == "nas\n  ~ radarr       is exited · started\n1 service changed."


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 B"), (999, "999 B"), (1000, "1 KB"), (14_200_000, "14 MB"), (5 * 10**15, "5000 TB")]
)
def test_sizes(size: int, words: str) -> None:
    assert human(size) == words
