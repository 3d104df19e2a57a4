"""Sonarr 4, as far as the stack uses it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peers.framework.web import Request
from peers.servarr import definitions, kinds
from peers.servarr.base import Product, run
from peers.servarr.faults import failure, refuse
from peers.servarr.library import LANGUAGES, MEDIA_MANAGEMENT, QUALITY, Library, safe_name, simplify

PRODUCT = Product("Sonarr", "4.0.19.2979", "v3", 8989, "main")
EVENTS = ("onGrab", "onDownload", "onUpgrade", "onImportComplete", "onRename", "onSeriesAdd", "onSeriesDelete",
          "onEpisodeFileDelete", "onEpisodeFileDeleteForUpgrade", "onHealthIssue", "includeHealthWarnings",
          "onHealthRestored", "onApplicationUpdate", "onManualInteractionRequired")  # fmt: skip
RELEASE = re.compile(r"(?P<title>.+?)[ ._-]+S(?P<season>\d{1,3})E(?P<episode>\d{1,3})", re.IGNORECASE)


class Sonarr(Library):
    """Series."""

    resource = "series"
    identifier = "tvdbId"

    def __init__(self, config: Path, variables: Mapping[str, str]) -> None:
        """Add what Sonarr has beside the common parts."""
        super().__init__(PRODUCT, config, variables)
        clients = (definitions.qbittorrent("Tv", "tv-sonarr"), definitions.sabnzbd("Tv", "tv"))
        self.add_kind(kinds.download_client(clients))
        self.add_kind(kinds.notification((definitions.MEDIA_BROWSER, definitions.WEBHOOK), EVENTS))
        self.add_kind(kinds.indexer({"seasonSearchMaximumSingleEpisodeAge": 0}))
        self.add_library()
        self.singletons["mediamanagement"] = {
            "autoUnmonitorPreviouslyDownloadedEpisodes": False, "createEmptySeriesFolders": False,
            "episodeTitleRequired": "always", **MEDIA_MANAGEMENT,
        }  # fmt: skip
        self.singletons["naming"] = {
            "renameEpisodes": False, "replaceIllegalCharacters": True, "colonReplacementFormat": 4,
            "customColonReplacementFormat": "", "multiEpisodeStyle": 5,
            "standardEpisodeFormat": "{Series Title} - S{season:00}E{episode:00} - {Episode Title} {Quality Full}",
            "dailyEpisodeFormat": "{Series Title} - {Air-Date} - {Episode Title} {Quality Full}",
            "animeEpisodeFormat": "{Series Title} - S{season:00}E{episode:00} - {Episode Title} {Quality Full}",
            "seriesFolderFormat": "{Series Title}", "seasonFolderFormat": "Season {season}",
            "specialsFolderFormat": "Specials",
        }  # fmt: skip
        self.route("GET", f"{self.api}/episodefile", self.episode_files)
        self.commands |= {
            "DownloadedEpisodesScan": self.scan,
            **{name: lambda body: "Completed" for name in ("RefreshSeries", "RescanSeries", "MissingEpisodeSearch")},
        }

    def episode_files(self, request: Request) -> list[dict[str, Any]]:
        """episodefile?seriesId=."""
        wanted = request.first("seriesId")
        if wanted is None:
            raise refuse(failure("SeriesId", "seriesId or episodeFileIds must be provided"))
        shown = []
        for entry in self.store.read()["files"]:
            if str(entry["titleId"]) == wanted:
                match = RELEASE.match(Path(entry["path"]).name)
                season = int(match["season"]) if match else 0
                kept = {key: value for key, value in entry.items() if key != "titleId"}
                rest = {"seriesId": entry["titleId"], "seasonNumber": season, "quality": QUALITY}
                shown.append({**kept, **rest, "languages": LANGUAGES})
        return shown

    def titles(self, request: Request) -> list[dict[str, Any]]:
        """series."""
        state = self.store.read()
        shown = []
        for show in state["titles"]:
            sizes = [entry["size"] for entry in state["files"] if entry["titleId"] == show["id"]]
            statistics = {
                "seasonCount": len(show["seasons"]), "episodeFileCount": len(sizes), "episodeCount": len(sizes),
                "totalEpisodeCount": len(sizes), "sizeOnDisk": sum(sizes), "releaseGroups": [],
                "percentOfEpisodes": 100.0,
            }  # fmt: skip
            shown.append({**show, "statistics": statistics})
        return shown

    def details(self, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Series have seasons."""
        name = str(body["title"])
        return safe_name(name), {
            "titleSlug": simplify(name), "seasonFolder": bool(body.get("seasonFolder", True)),
            "seriesType": "standard", "status": "continuing", "ended": False, "seasons": body.get("seasons") or [],
        }  # fmt: skip

    def destination(self, source: Path, chosen: dict[str, Any]) -> tuple[dict[str, Any], Path]:
        """By seriesId, else by the title before SxxEyy in the name of the file or its folder."""
        for name in (source.stem, source.parent.name):
            match = RELEASE.match(name)
            if match is None:
                continue
            for show in self.store.read()["titles"]:
                if show["id"] == chosen.get("seriesId") or simplify(match["title"]) == show["cleanTitle"]:
                    folder = Path(show["path"])
                    if show["seasonFolder"]:
                        folder /= f"Season {int(match['season'])}"
                    return show, folder / source.name
        raise ValueError(f"Unknown Series: {source}")


if __name__ == "__main__":
    run(Sonarr)
