"""Sonarr 4, as far as the stack uses it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peers.framework.web import Request, Response
from peers.servarr import definitions, kinds
from peers.servarr.base import Product, now, run
from peers.servarr.faults import failure, missing, refuse
from peers.servarr.library import LANGUAGES, MEDIA_MANAGEMENT, PROFILES, QUALITY, Library, safe_name, simplify

PRODUCT = Product("Sonarr", "4.0.19.2979", "v3", 8989, "main")
EVENTS = ("onGrab", "onDownload", "onUpgrade", "onImportComplete", "onRename", "onSeriesAdd", "onSeriesDelete",
          "onEpisodeFileDelete", "onEpisodeFileDeleteForUpgrade", "onHealthIssue", "includeHealthWarnings",
          "onHealthRestored", "onApplicationUpdate", "onManualInteractionRequired")  # fmt: skip
RELEASE = re.compile(r"(?P<title>.+?)[ ._-]+S(?P<season>\d{1,3})E(?P<episode>\d{1,3})", re.IGNORECASE)


class Sonarr(Library):
    """Series."""

    def __init__(self, config: Path, variables: Mapping[str, str]) -> None:
        """Add what Sonarr has beside the common parts."""
        super().__init__(PRODUCT, config, variables)
        clients = (definitions.qbittorrent("Tv", "tv-sonarr"), definitions.sabnzbd("Tv", "tv"))
        self.add_kind(kinds.download_client(clients))
        self.add_kind(kinds.notification((definitions.MEDIA_BROWSER, definitions.WEBHOOK), EVENTS))
        self.add_kind(kinds.indexer({"seasonSearchMaximumSingleEpisodeAge": 0}))
        self.add_library()
        self.singletons |= kinds.singletons()
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
        self.route("GET", f"{self.api}/series", self.series)
        self.route("GET", f"{self.api}/series/{{id}}", self.one_series)
        self.route("POST", f"{self.api}/series", self.add_series)
        self.route("DELETE", f"{self.api}/series/{{id}}", self.remove_series)
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

    def series(self, request: Request) -> list[dict[str, Any]]:
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

    def one_series(self, request: Request) -> dict[str, Any]:
        """series/{id}."""
        for show in self.series(request):
            if str(show["id"]) == request.params["id"]:
                return show
        raise missing("Series", request.params["id"])

    def add_series(self, request: Request) -> Response:
        """POST series; the real one asks a metadata server first, which the sandbox has not."""
        body = request.object()
        title, number, root = body.get("title"), body.get("tvdbId") or 0, body.get("rootFolderPath")
        faults = []
        if not number:
            faults.append(failure("TvdbId", "'Tvdb Id' must be greater than '0'.", number))
        if any(show["tvdbId"] == number for show in self.store.read()["titles"]):
            faults.append(failure("TvdbId", "This series has already been added", number))
        if not title:
            faults.append(failure("Title", "'Title' must not be empty.", title))
        if not 1 <= (body.get("qualityProfileId") or 0) <= len(PROFILES):
            faults.append(failure("QualityProfileId", "Quality Profile does not exist", body.get("qualityProfileId")))
        if not body.get("path") and not root:
            faults.append(failure("Path", "'Path' must not be empty.", None))
        if faults:
            raise refuse(*faults)
        with self.store.change() as state:
            state["next"]["title"] = state["next"].get("title", 0) + 1
            show = {
                "id": state["next"]["title"], "title": title, "sortTitle": str(title).lower(),
                "path": body.get("path") or f"{str(root).rstrip('/')}/{safe_name(str(title))}", "tvdbId": number,
                "titleSlug": simplify(str(title)), "cleanTitle": simplify(str(title)),
                "qualityProfileId": body["qualityProfileId"], "monitored": bool(body.get("monitored")),
                "seasonFolder": bool(body.get("seasonFolder", True)), "seriesType": "standard",
                "status": "continuing", "ended": False, "year": body.get("year") or 0, "runtime": 0,
                "seasons": body.get("seasons") or [], "images": [], "genres": [], "tags": body.get("tags") or [],
                "added": now(),
            }  # fmt: skip
            state["titles"].append(show)
        return Response(201, show)

    def remove_series(self, request: Request) -> dict[str, Any]:
        """DELETE series/{id}; files stay."""
        number = self.one_series(request)["id"]
        with self.store.change() as state:
            state["titles"] = [show for show in state["titles"] if show["id"] != number]
            state["files"] = [entry for entry in state["files"] if entry["titleId"] != number]
        return {}

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
