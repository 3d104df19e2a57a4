"""The queue as the download clients report it."""

from __future__ import annotations

from typing import Any

from peers.framework.client import UnreachableError, call
from peers.servarr.probes import qbittorrent_session

STATES = {"downloading": "downloading", "stalledDL": "downloading", "metaDL": "queued", "queuedDL": "queued",
          "stoppedDL": "paused", "pausedDL": "paused", "error": "failed", "missingFiles": "failed"}  # fmt: skip


def records(clients: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Queue records of all enabled qBittorrent clients; one that cannot be asked has none."""
    found: list[dict[str, Any]] = []
    for client in clients:
        if client["implementation"] == "QBittorrent" and client["enable"]:
            try:
                found.extend(_torrents(client, len(found)))
            except (UnreachableError, PermissionError):
                continue
    return found


def _torrents(client: dict[str, Any], offset: int) -> list[dict[str, Any]]:
    settings = client["settings"]
    category = next(value for name, value in settings.items() if name.endswith("Category"))
    base, headers = qbittorrent_session(settings)
    answer = call("GET", f"{base}/api/v2/torrents/info?category={category}", headers=headers)
    torrents = answer.json() if answer.status == 200 else []
    return [
        {
            "id": number, "title": torrent["name"], "size": torrent["size"], "sizeleft": torrent["amount_left"],
            "status": STATES.get(torrent["state"], "completed"), "trackedDownloadStatus": "ok",
            "trackedDownloadState": "downloading" if torrent["amount_left"] else "importPending",
            "statusMessages": [], "downloadId": torrent["hash"].upper(), "protocol": "torrent",
            "downloadClient": client["name"], "outputPath": torrent.get("content_path", ""),
            "languages": [], "customFormats": [], "customFormatScore": 0,
        }
        for number, torrent in enumerate(torrents or [], offset + 1)
    ]  # fmt: skip
