"""settings.json: seeded by others, merged with defaults, written whole; the API key from the environment wins."""

from __future__ import annotations

import copy
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peers.framework import journal, store

PLEX, JELLYFIN, EMBY, NOT_CONFIGURED = 1, 2, 3, 4

DEFAULTS: dict[str, Any] = {
    "clientId": "", "vapidPrivate": "", "vapidPublic": "",
    "main": {
        "apiKey": "", "applicationTitle": "Seerr", "applicationUrl": "", "cacheImages": False,
        "defaultPermissions": 32, "defaultQuotas": {"movie": {}, "tv": {}}, "hideAvailable": False,
        "hideBlocklisted": False, "localLogin": True, "mediaServerLogin": True, "newPlexLogin": True,
        "discoverRegion": "", "streamingRegion": "", "originalLanguage": "", "locale": "en",
        "mediaServerType": NOT_CONFIGURED, "partialRequestsEnabled": True, "enableSpecialEpisodes": False,
        "blocklistedTags": "", "blocklistedTagsLimit": 50, "youtubeUrl": "",
    },
    "plex": {"name": "", "ip": "", "port": 32400, "useSsl": False, "libraries": []},
    "jellyfin": {
        "name": "", "ip": "", "port": 8096, "useSsl": False, "urlBase": "", "externalHostname": "",
        "jellyfinForgotPasswordUrl": "", "libraries": [], "serverId": "", "apiKey": "",
    },
    "tautulli": {}, "radarr": [], "sonarr": [],
    "public": {"initialized": False},
    "network": {
        "csrfProtection": False, "forceIpv4First": False, "trustProxy": False, "apiRequestTimeout": 10000,
        "proxy": {"enabled": False, "hostname": "", "port": 8080},
    },
}  # fmt: skip


def merge(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` on `base`, objects merged deeply, lists and values replaced."""
    result = copy.deepcopy(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), dict)
        result[key] = merge(result[key], value) if both else copy.deepcopy(value)
    return result


def load(path: Path, *, api_key: str | None, title: str) -> store.Store:
    """The settings of `path` over the defaults, written back at once; ValueError when the file is no JSON object."""
    found: Any = {}
    if path.exists():
        found = json.loads(path.read_text("utf-8"))
        if not isinstance(found, dict):
            raise ValueError(f"{path} is not a JSON object")
    data = merge(merge(DEFAULTS, {"main": {"applicationTitle": title}}), found)
    data["clientId"] = data["clientId"] or secrets.token_hex(16)
    data["main"]["apiKey"] = api_key or data["main"]["apiKey"] or secrets.token_urlsafe(48)
    journal.hide(data["main"]["apiKey"])
    store.write_atomically(path, json.dumps(data, indent=1).encode(), 0o600)
    return store.Store(path, {}, mode=0o600)
