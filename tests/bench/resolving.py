"""Fifty instances, from the owner's choices to compose files, without a server."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from ansible_collections.mediastack.core.plugins.plugin_utils import catalogue, choices
from ansible_collections.mediastack.core.plugins.plugin_utils.render import compose
from ansible_collections.mediastack.core.plugins.plugin_utils.resolver import resolve

ROOT = Path(__file__).resolve().parents[2]
CLONED = ("sonarr", "radarr", "prowlarr", "jellyfin", "flaresolverr")


@functools.cache
def loaded() -> catalogue.Catalogue:
    """The catalogue, read once: the promise is about resolving, not about reading files."""
    return catalogue.load([ROOT / "roles"])


def wanted(count: int = 50) -> dict[str, Any]:
    """The choices of an owner with many instances."""
    services: dict[str, Any] = {
        "caddy": {},
        "qbittorrent": {},
        "gluetun": {
            "provider": "protonvpn",
            "country": ["Netherlands"],
            "addresses": ["10.2.0.2/32"],
        },
    }
    while len(services) < count:
        number = len(services)
        services[f"app-{number}"] = {"service": CLONED[number % len(CLONED)]}
    return {
        "mediastack_edge": {"proxy": "caddy", "domain": "home.example", "tls": "internal"},
        "mediastack_services": services,
        "mediastack_secrets": {"gluetun": {"wireguard_private_key": "A" * 43 + "="}},
    }


def fifty_instances() -> int:
    """Resolve and render once; returns the number of services rendered."""
    stacks = resolve(loaded(), {"bench": choices.from_variables(wanted())})
    projects = compose.render(stacks["bench"], {}, "0" * 64)
    return sum(len(project["services"]) for project in projects.values())
