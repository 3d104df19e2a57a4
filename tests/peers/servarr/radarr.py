"""Radarr 6, as far as the stack uses it."""

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

PRODUCT = Product("Radarr", "6.3.0.0", "v3", 7878, "master")
EVENTS = ("onGrab", "onDownload", "onUpgrade", "onRename", "onMovieAdded", "onMovieDelete", "onMovieFileDelete",
          "onMovieFileDeleteForUpgrade", "onHealthIssue", "includeHealthWarnings", "onHealthRestored",
          "onApplicationUpdate", "onManualInteractionRequired")  # fmt: skip
RELEASE = re.compile(r"(?P<title>.+?)[ ._(]+(?P<year>(?:19|20)\d\d)")


class Radarr(Library):
    """Films."""

    def __init__(self, config: Path, variables: Mapping[str, str]) -> None:
        """Add what Radarr has beside the common parts."""
        super().__init__(PRODUCT, config, variables)
        clients = (definitions.qbittorrent("Movie", "radarr"), definitions.sabnzbd("Movie", "movies"))
        self.add_kind(kinds.download_client(clients))
        self.add_kind(kinds.notification((definitions.MEDIA_BROWSER, definitions.WEBHOOK), EVENTS))
        self.add_kind(kinds.indexer())
        self.add_library()
        self.singletons |= kinds.singletons()
        self.singletons["mediamanagement"] = {
            "autoUnmonitorPreviouslyDownloadedMovies": False, "createEmptyMovieFolders": False,
            "autoRenameFolders": False, "pathsDefaultStatic": False, **MEDIA_MANAGEMENT,
        }  # fmt: skip
        self.singletons["naming"] = {
            "renameMovies": False, "replaceIllegalCharacters": True, "colonReplacementFormat": "delete",
            "standardMovieFormat": "{Movie Title} ({Release Year}) {Quality Full}",
            "movieFolderFormat": "{Movie Title} ({Release Year})",
        }  # fmt: skip
        self.route("GET", f"{self.api}/movie", self.movies)
        self.route("GET", f"{self.api}/movie/{{id}}", self.movie)
        self.route("POST", f"{self.api}/movie", self.add_movie)
        self.route("DELETE", f"{self.api}/movie/{{id}}", self.remove_movie)
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

    def movies(self, request: Request) -> list[dict[str, Any]]:
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

    def movie(self, request: Request) -> dict[str, Any]:
        """movie/{id}."""
        for movie in self.movies(request):
            if str(movie["id"]) == request.params["id"]:
                return movie
        raise missing("Movie", request.params["id"])

    def add_movie(self, request: Request) -> Response:
        """POST movie; the real one asks a metadata server first, which the sandbox has not."""
        body = request.object()
        title, year, number = body.get("title"), body.get("year") or 0, body.get("tmdbId") or 0
        root = body.get("rootFolderPath")
        faults = []
        if not number:
            faults.append(failure("TmdbId", "'Tmdb Id' must be greater than '0'.", number))
        if any(movie["tmdbId"] == number for movie in self.store.read()["titles"]):
            faults.append(failure("TmdbId", "This movie has already been added", number))
        if not title:
            faults.append(failure("Title", "'Title' must not be empty.", title))
        if not 1 <= (body.get("qualityProfileId") or 0) <= len(PROFILES):
            faults.append(failure("QualityProfileId", "Quality Profile does not exist", body.get("qualityProfileId")))
        if not body.get("path") and not root:
            faults.append(failure("Path", "'Path' must not be empty.", None))
        if faults:
            raise refuse(*faults)
        folder = f"{safe_name(str(title))} ({year})"
        with self.store.change() as state:
            state["next"]["title"] = state["next"].get("title", 0) + 1
            movie = {
                "id": state["next"]["title"], "title": title, "sortTitle": str(title).lower(), "year": year,
                "path": body.get("path") or f"{str(root).rstrip('/')}/{folder}", "tmdbId": number,
                "titleSlug": str(number), "qualityProfileId": body["qualityProfileId"],
                "monitored": bool(body.get("monitored")), "minimumAvailability": "released",
                "status": "released", "isAvailable": True, "folderName": folder, "runtime": 0,
                "cleanTitle": simplify(str(title)), "images": [], "genres": [], "tags": body.get("tags") or [],
                "added": now(),
            }  # fmt: skip
            state["titles"].append(movie)
        return Response(201, movie)

    def remove_movie(self, request: Request) -> dict[str, Any]:
        """DELETE movie/{id}; files stay."""
        number = self.movie(request)["id"]
        with self.store.change() as state:
            state["titles"] = [movie for movie in state["titles"] if movie["id"] != number]
            state["files"] = [entry for entry in state["files"] if entry["titleId"] != number]
        return {}

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
