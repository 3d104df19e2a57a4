"""Jellyfin's libraries: folders that must exist, names that are made unique, counts of real files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from peers.framework import journal
from peers.framework.store import Store
from peers.framework.web import Application, HttpError, Request, Response
from peers.jellyfin import identity

TYPES = {"movies", "tvshows", "music", "musicvideos", "homevideos", "boxsets", "books", "mixed"}
VIDEO = {".mkv", ".mp4", ".avi", ".m4v", ".ts"}
DEFAULTS: dict[str, Any] = {
    "Enabled": True, "EnablePhotos": True, "EnableRealtimeMonitor": False, "EnableLUFSScan": True,
    "SaveLocalMetadata": False, "EnableInternetProviders": True, "PreferredMetadataLanguage": "",
    "MetadataCountryCode": "", "SeasonZeroDisplayName": "Specials", "AutomaticRefreshIntervalDays": 0,
    "PathInfos": [],
}  # fmt: skip


class Libraries:
    """The routes below /Library and what is counted in them."""

    def __init__(self, store: Store) -> None:
        """Keep libraries in `store`."""
        self._store = store

    def register(self, application: Application) -> None:
        """Add the routes."""
        base = "/Library/VirtualFolders"
        application.route("GET", base, self.all)
        application.route("POST", base, self.add)
        application.route("DELETE", base, self.remove)
        application.route("POST", f"{base}/LibraryOptions", self.save_options)
        application.route("POST", f"{base}/Paths", self.add_path)
        application.route("GET", "/Library/MediaFolders", self.media_folders)
        application.route("POST", "/Library/Refresh", self.refresh)
        application.route("POST", "/Library/Media/Updated", self.refresh)
        application.route("GET", "/Items/Counts", self.counts)

    def _shown(self, library: dict[str, Any]) -> dict[str, Any]:
        locations = [entry["Path"] for entry in library["options"]["PathInfos"]]
        return {
            "Name": library["name"], "Locations": locations, "CollectionType": library["type"],
            "LibraryOptions": library["options"], "ItemId": library["id"], "RefreshStatus": "Idle",
        }  # fmt: skip

    def all(self, request: Request) -> list[dict[str, Any]]:
        """GET /Library/VirtualFolders."""
        return [self._shown(library) for library in self._store.read()["libraries"]]

    def _options(self, body: dict[str, Any]) -> dict[str, Any]:
        """Options as posted; what is missing falls back to its default, a path must exist."""
        options = {**DEFAULTS, **(body.get("LibraryOptions") or {})}
        for entry in options["PathInfos"]:
            if not Path(entry.get("Path") or "").is_dir():
                raise HttpError(400, f"The specified path does not exist: {entry.get('Path')}")
        return options

    def add(self, request: Request) -> Response:
        """POST: a name that exists is numbered, silently."""
        name, kind = request.first("name"), request.first("collectionType")
        if not name:
            raise HttpError(400, "The name field is required.")
        if kind is not None and kind not in TYPES:
            raise HttpError(400, f"The value '{kind}' is not valid.")
        options = self._options(request.object() if request.body else {})
        with self._store.change() as state:
            taken = {library["name"] for library in state["libraries"]}
            unique, number = name, 1
            while unique in taken:
                number += 1
                unique = f"{name}{number}"
            library = {
                "id": identity.identifier(),
                "name": unique,
                "type": kind or "mixed",
                "options": options,
            }
            state["libraries"].append(library)
        return Response(204)

    def _find(self, state: dict[str, Any], key: str, value: str) -> dict[str, Any]:
        for library in state["libraries"]:
            if library[key] == value:
                found: dict[str, Any] = library
                return found
        raise HttpError(404)

    def remove(self, request: Request) -> Response:
        """DELETE ?name=."""
        with self._store.change() as state:
            state["libraries"].remove(self._find(state, "name", request.first("name") or ""))
        return Response(204)

    def save_options(self, request: Request) -> Response:
        """POST LibraryOptions: the whole object."""
        body = request.object()
        options = self._options(body)
        with self._store.change() as state:
            self._find(state, "id", str(body.get("Id")))["options"] = options
        return Response(204)

    def add_path(self, request: Request) -> Response:
        """POST Paths."""
        body = request.object()
        entry = body.get("PathInfo") or {"Path": body.get("Path")}
        if not Path(entry.get("Path") or "").is_dir():
            raise HttpError(404, f"The path does not exist: {entry.get('Path')}")
        with self._store.change() as state:
            self._find(state, "name", str(body.get("Name")))["options"]["PathInfos"].append(entry)
        return Response(204)

    def media_folders(self, request: Request) -> dict[str, Any]:
        """GET /Library/MediaFolders, which Seerr reads."""
        items = [
            {"Name": library["name"], "Id": library["id"], "Type": "CollectionFolder",
             "CollectionType": library["type"], "IsFolder": True}
            for library in self._store.read()["libraries"]
        ]  # fmt: skip
        return {"Items": items, "TotalRecordCount": len(items), "StartIndex": 0}

    def refresh(self, request: Request) -> Response:
        """POST /Library/Refresh: files are looked at when asked for, so there is nothing to do."""
        journal.say("library scan")
        return Response(204)

    def counts(self, request: Request) -> dict[str, Any]:
        """GET /Items/Counts: files that are really there."""
        found = dict.fromkeys(("MovieCount", "SeriesCount", "EpisodeCount", "ArtistCount", "ProgramCount",
                               "TrailerCount", "SongCount", "AlbumCount", "MusicVideoCount", "BoxSetCount",
                               "BookCount", "ItemCount"), 0)  # fmt: skip
        for library in self._store.read()["libraries"]:
            for entry in library["options"]["PathInfos"]:
                root = Path(entry["Path"])
                if not root.is_dir():
                    continue
                videos = sum(path.suffix.lower() in VIDEO for path in root.rglob("*"))
                if library["type"] == "tvshows":
                    found["SeriesCount"] += sum(path.is_dir() for path in root.iterdir())
                    found["EpisodeCount"] += videos
                elif library["type"] == "movies":
                    found["MovieCount"] += videos
                found["ItemCount"] += videos
        return found
