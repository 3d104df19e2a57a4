"""Radarr 6, as far as the stack uses it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peers.framework.web import Request
from peers.servarr import definitions, kinds
from peers.servarr.base import Product, run
from peers.servarr.library import LANGUAGES, MEDIA_MANAGEMENT, QUALITY, Library, safe_name, simplify

PRODUCT = Product("Radarr", "6.3.0.0", "v3", 7878, "master")
EVENTS = ("onGrab", "onDownload", "onUpgrade", "onRename", "onMovieAdded", "onMovieDelete", "onMovieFileDelete",
          "onMovieFileDeleteForUpgrade", "onHealthIssue", "includeHealthWarnings", "onHealthRestored",
          "onApplicationUpdate", "onManualInteractionRequired")  # fmt: skip
RELEASE = re.compile(r"(?P<title>.+?)[ ._(]+(?P<year>(?:19|20)\d\d)")


class Radarr(Library):
    """Films."""

    resource = "movie"
    identifier = "tmdbId"

    def __init__(self, config: Path, variables: Mapping[str, str]) -> None:
        """Add what Radarr has beside the common parts."""
        super().__init__(PRODUCT, config, variables)
        clients = (definitions.qbittorrent("Movie", "radarr"), definitions.sabnzbd("Movie", "movies"))
        self.add_kind(kinds.download_client(clients))
        self.add_kind(kinds.notification((definitions.MEDIA_BROWSER, definitions.WEBHOOK), EVENTS))
        self.add_kind(kinds.indexer())
        self.add_library()
        self.singletons["mediamanagement"] = {
            "autoUnmonitorPreviouslyDownloadedMovies": False, "createEmptyMovieFolders": False,
            "autoRenameFolders": False, "pathsDefaultStatic": False, **MEDIA_MANAGEMENT,
        }  # fmt: skip
        self.singletons["naming"] = {
            "renameMovies": False, "replaceIllegalCharacters": True, "colonReplacementFormat": "delete",
            "standardMovieFormat": "{Movie Title} ({Release Year}) {Quality Full}",
            "movieFolderFormat": "{Movie Title} ({Release Year})",
        }  # fmt: skip
        self.route("GET", f"{self.api}/moviefile", self.movie_files)
        self.commands |= {
            "DownloadedMoviesScan": self.scan,
            **{name: lambda body: "Completed" for name in ("RefreshMovie", "RescanMovie", "MissingMoviesSearch")},
        }

    def _file(self, entry: dict[str, Any]) -> dict[str, Any]:
        shown = {key: value for key, value in entry.items() if key != "titleId"}
        return {**shown, "movieId": entry["titleId"], "quality": QUALITY, "languages": LANGUAGES}

    def movie_files(self, request: Request) -> list[dict[str, Any]]:
        """moviefile, of one film when movieId says so."""
        wanted = request.first("movieId")
        entries = self.store.read()["files"]
        return [self._file(entry) for entry in entries if wanted is None or str(entry["titleId"]) == wanted]

    def titles(self, request: Request) -> list[dict[str, Any]]:
        """movie."""
        state = self.store.read()
        files = {entry["titleId"]: entry for entry in state["files"]}
        shown = []
        for movie in state["titles"]:
            file = files.get(movie["id"])
            extra: dict[str, Any] = {"hasFile": file is not None, "movieFileId": 0, "sizeOnDisk": 0}
            if file:
                extra |= {
                    "movieFileId": file["id"],
                    "sizeOnDisk": file["size"],
                    "movieFile": self._file(file),
                }
            shown.append({**movie, **extra})
        return shown

    def details(self, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Films have a year in the name of their folder."""
        folder = f"{safe_name(str(body['title']))} ({body.get('year') or 0})"
        return folder, {
            "titleSlug": str(body[self.identifier]), "minimumAvailability": "released", "status": "released",
            "isAvailable": True, "folderName": folder,
        }  # fmt: skip

    def destination(self, source: Path, chosen: dict[str, Any]) -> tuple[dict[str, Any], Path]:
        """By movieId, else by title and year in the name of the file or its folder."""
        movies: list[dict[str, Any]] = self.store.read()["titles"]
        for movie in movies:
            if chosen.get("movieId") == movie["id"]:
                return movie, self._target(movie, source)
        for name in (source.stem, source.parent.name):
            match = RELEASE.match(name)
            for movie in movies if match else []:
                if match and simplify(match["title"]) == movie["cleanTitle"] and int(match["year"]) == movie["year"]:
                    return movie, self._target(movie, source)
        raise ValueError(f"Unknown Movie: {source}")

    def _target(self, movie: dict[str, Any], source: Path) -> Path:
        rename = self.store.read()["singletons"].get("naming", {}).get("renameMovies", False)
        name = f"{movie['folderName']} Bluray-1080p{source.suffix}" if rename else source.name
        return Path(movie["path"]) / name


if __name__ == "__main__":
    run(Radarr)
