"""The kinds of providers, with the flags each carries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from peers.servarr import definitions
from peers.servarr.definitions import Implementation
from peers.servarr.providers import Kind


def download_client(implementations: tuple[Implementation, ...]) -> Kind:
    """Download clients of Sonarr and Radarr."""
    flags = {"enable": True, "priority": 1, "removeCompletedDownloads": True, "removeFailedDownloads": True}
    return Kind("downloadclient", implementations, flags, lambda item: bool(item["enable"]), priority=(1, 50))


def notification(implementations: tuple[Implementation, ...], events: tuple[str, ...]) -> Kind:
    """Notifications; any event makes one enabled."""
    flags = dict.fromkeys(events, False)
    switches = [name for name in events if name.startswith("on")]
    shown = {f"supports{name[0].upper()}{name[1:]}": True for name in switches}
    enabled: Callable[[dict[str, Any]], bool] = lambda item: any(item[name] for name in switches)  # noqa: E731
    return Kind("notification", implementations, flags, enabled, shown)


def indexer(extra: dict[str, Any] | None = None) -> Kind:
    """Indexers of Sonarr and Radarr."""
    switches = ("enableRss", "enableAutomaticSearch", "enableInteractiveSearch")
    flags = {**dict.fromkeys(switches, True), "priority": 25, "downloadClientId": 0, **(extra or {})}
    enabled: Callable[[dict[str, Any]], bool] = lambda item: any(item[name] for name in switches)  # noqa: E731
    shown = {"supportsRss": True, "supportsSearch": True}
    return Kind("indexer", (definitions.NEWZNAB, definitions.TORZNAB), flags, enabled, shown, priority=(1, 50))


def singletons() -> dict[str, dict[str, Any]]:
    """config/downloadclient and config/indexer of Sonarr and Radarr."""
    return {
        "downloadclient": {
            "downloadClientWorkingFolders": "_UNPACK_|_FAILED_", "enableCompletedDownloadHandling": True,
            "autoRedownloadFailed": True, "autoRedownloadFailedFromInteractiveSearch": True,
        },
        "indexer": {"minimumAge": 0, "maximumSize": 0, "retention": 0, "rssSyncInterval": 30},
    }  # fmt: skip
