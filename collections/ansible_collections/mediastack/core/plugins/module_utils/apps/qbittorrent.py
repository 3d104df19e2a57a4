"""qBittorrent's WebUI API (v2), read for its owner. The client is signed in already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.apps.text import rate

if TYPE_CHECKING:
    from ansible_collections.mediastack.core.plugins.module_utils.http import Client


def summary(client: Client) -> dict[str, Any]:
    """What it does now: {"note": text, "details": {…}}.

    details: version, torrents, downloading, download_speed and upload_speed (bytes in a second), connection,
    listen_port. Raises HttpError.
    """
    torrents = client.get("/api/v2/torrents/info").expect().json()
    transfer = client.get("/api/v2/transfer/info").expect().json()
    preferences = client.get("/api/v2/app/preferences").expect().json()
    details = {
        "version": client.get("/api/v2/app/version").expect().text.strip(),
        "torrents": len(torrents),
        "downloading": sum(1 for torrent in torrents if float(torrent.get("progress", 0)) < 1),
        "download_speed": int(transfer.get("dl_info_speed", 0)),
        "upload_speed": int(transfer.get("up_info_speed", 0)),
        "connection": transfer.get("connection_status", "unknown"),
        "listen_port": preferences.get("listen_port"),
    }
    down, up = rate(details["download_speed"]), rate(details["upload_speed"])
    note = f"{details['torrents']} torrents, {down} down, {up} up, {details['connection']}"
    return {"note": note, "details": details}
