"""Root folders, and imports that move real files: hardlink first, copy when the file system refuses."""

from __future__ import annotations

import errno
import os
import re
import shutil
from pathlib import Path
from typing import Any, ClassVar

from peers.framework import journal
from peers.framework.web import Request, Response
from peers.servarr import kinds
from peers.servarr.base import Servarr, now
from peers.servarr.downloads import records
from peers.servarr.faults import failure, missing, refuse

SYSTEM_FOLDERS = (
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/var",
)
VIDEO = {".mkv", ".mp4", ".avi", ".m4v", ".ts"}

QUALITY = {
    "quality": {"id": 7, "name": "Bluray-1080p", "source": "bluray", "resolution": 1080},
    "revision": {"version": 1, "real": 0, "isRepack": False},
}
LANGUAGES = [{"id": 1, "name": "English"}]
PROFILES = ("Any", "SD", "HD-720p", "HD-1080p", "Ultra-HD", "HD - 720p/1080p")

MEDIA_MANAGEMENT: dict[str, Any] = {
    "recycleBin": "", "recycleBinCleanupDays": 7, "downloadPropersAndRepacks": "preferAndUpgrade",
    "deleteEmptyFolders": False, "fileDate": "none", "rescanAfterRefresh": "always", "setPermissionsLinux": False,
    "chmodFolder": "755", "chownGroup": "", "skipFreeSpaceCheckWhenImporting": False,
    "minimumFreeSpaceWhenImporting": 100, "copyUsingHardlinks": True, "useScriptImport": False,
    "scriptImportPath": "", "importExtraFiles": False, "extraFileExtensions": "srt", "enableMediaInfo": True,
}  # fmt: skip


def simplify(title: str) -> str:
    """A title reduced to letters and digits, for comparing."""
    return re.sub(r"[^a-z0-9]", "", title.lower())


def safe_name(text: str) -> str:
    """A title as a file name."""
    return re.sub(r'[\\/:*?"<>|]', "", text).strip(" .") or "Unknown"


def place(source: Path, target: Path, *, move: bool, hardlink: bool) -> str:
    """Bring `source` to `target` and say how: moved, hardlinked or copied."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        if source.samefile(target):
            return "already there"
        target.unlink()
    if move:
        shutil.move(source, target)
        return "moved"
    if hardlink:
        try:
            target.hardlink_to(source)
        except OSError as error:
            if error.errno not in {errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK}:
                raise
            journal.say(f"Hardlinking '{source}' failed ({error.strerror}), falling back to copy")
        else:
            return "hardlinked"
    partial = target.with_name(f"{target.name}.partial~")
    shutil.copyfile(source, partial)
    partial.rename(target)
    return "copied"


class Library(Servarr):
    """An application with root folders and titles; subclasses say how a release maps to a file."""

    resource: ClassVar[str]  # what a title is called in paths and messages
    identifier: ClassVar[str]  # the number by which the metadata server knows it

    def add_library(self) -> None:
        """Serve root folders, profiles, the queue and the titles."""
        self.singletons |= kinds.singletons()
        for path, handler in {
            "rootfolder": self.root_folders, "qualityprofile": self.profiles, "queue": self.queue,
            "rootfolder/{id}": self.root_folder, "queue/status": self.queue_status,
        }.items():  # fmt: skip
            self.route("GET", f"{self.api}/{path}", handler)
        self.route("POST", f"{self.api}/rootfolder", self.add_root_folder)
        self.route("DELETE", f"{self.api}/rootfolder/{{id}}", self.remove_root_folder)
        self.route("GET", f"{self.api}/{self.resource}", self.titles)
        self.route("GET", f"{self.api}/{self.resource}/{{id}}", self.title)
        self.route("POST", f"{self.api}/{self.resource}", self.add_title)
        self.route("DELETE", f"{self.api}/{self.resource}/{{id}}", self.remove_title)
        self.commands["ManualImport"] = self.manual_import
        self.commands["RefreshMonitoredDownloads"] = lambda body: "Completed"

    def _shown_folder(self, folder: dict[str, Any]) -> dict[str, Any]:
        path = Path(folder["path"])
        if not path.is_dir():
            return {**folder, "accessible": False, "freeSpace": 0, "unmappedFolders": []}
        space = os.statvfs(path)
        known = {title["path"] for title in self.store.read()["titles"]}
        loose = [
            {"name": child.name, "path": str(child), "relativePath": child.name}
            for child in sorted(path.iterdir())
            if child.is_dir() and str(child) not in known
        ]
        free = space.f_bavail * space.f_frsize
        return {
            **folder,
            "accessible": os.access(path, os.R_OK | os.W_OK),
            "freeSpace": free,
            "unmappedFolders": loose,
        }

    def root_folders(self, request: Request) -> list[dict[str, Any]]:
        """rootfolder."""
        return [self._shown_folder(folder) for folder in self.store.read()["rootfolders"]]

    def root_folder(self, request: Request) -> dict[str, Any]:
        """rootfolder/{id}."""
        for folder in self.root_folders(request):
            if str(folder["id"]) == request.params["id"]:
                return folder
        raise missing("RootFolder", request.params["id"])

    def _folder_fault(self, path: str) -> str | None:
        """Why `path` cannot be a root folder, or None."""
        folder = Path(path)
        clean = str(folder)
        existing = [str(Path(entry["path"])) for entry in self.store.read()["rootfolders"]]
        related = any(clean.startswith(f"{other}/") or other.startswith(f"{clean}/") for other in existing)
        faults = {
            "Invalid Path": not path.startswith("/"),
            "Path is already configured as a root folder": clean in existing,
            "Path is an ancestor or a child of an existing root folder": related,
            "Is a system folder": clean in SYSTEM_FOLDERS,
            "Path cannot be the configuration folder": self.config in (folder, *folder.parents),
            f"Path '{path}' does not exist": not folder.is_dir(),
            f"Folder '{path}' is not writable by user 'abc'": not os.access(folder, os.W_OK | os.X_OK),
        }
        return next((text for text, applies in faults.items() if applies), None)

    def add_root_folder(self, request: Request) -> Response:
        """POST rootfolder: the path must be a writable folder of its own."""
        path = str(request.object().get("path") or "")
        fault = self._folder_fault(path)
        if fault:
            raise refuse(failure("Path", fault, path))
        with self.store.change() as state:
            state["next"]["rootfolder"] = state["next"].get("rootfolder", 0) + 1
            folder = {"id": state["next"]["rootfolder"], "path": path}
            state["rootfolders"].append(folder)
        return Response(201, self._shown_folder(folder))

    def remove_root_folder(self, request: Request) -> dict[str, Any]:
        """DELETE rootfolder/{id}."""
        self.root_folder(request)
        with self.store.change() as state:
            state["rootfolders"] = [entry for entry in state["rootfolders"] if str(entry["id"]) != request.params["id"]]
        return {}

    def profiles(self, request: Request) -> list[dict[str, Any]]:
        """qualityprofile: those that a new installation has."""
        item = {"quality": QUALITY["quality"], "items": [], "allowed": True}
        return [
            {"id": number, "name": name, "upgradeAllowed": False, "cutoff": 7, "items": [item],
             "minFormatScore": 0, "cutoffFormatScore": 0, "minUpgradeFormatScore": 1, "formatItems": []}
            for number, name in enumerate(PROFILES, 1)
        ]  # fmt: skip

    def queue_status(self, request: Request) -> dict[str, Any]:
        """queue/status."""
        total = self.queue(request)["totalRecords"]
        switches = dict.fromkeys(("errors", "warnings", "unknownErrors", "unknownWarnings"), False)
        return {"id": 1, "totalCount": total, "count": total, "unknownCount": 0, **switches}

    def queue(self, request: Request) -> dict[str, Any]:
        """queue: what the download clients hold in our category."""
        found = records(self.providers["downloadclient"].items())
        size = int(request.first("pageSize") or 10)
        return {"page": 1, "pageSize": size, "sortKey": "timeleft", "sortDirection": "ascending",
                "totalRecords": len(found), "records": found[:size]}  # fmt: skip

    def complaints(self) -> list[tuple[str, str, str]]:
        """What a new installation complains about."""
        found = []
        if not [item for item in self.providers["downloadclient"].items() if item["enable"]]:
            found.append(("DownloadClientCheck", "warning", "No download client is available"))
        if not self.providers["indexer"].items():
            found.append(("IndexerRssCheck", "error", "No indexers available with RSS sync enabled"))
        found.extend(
            ("RootFolderCheck", "error", f"Missing root folder: {folder['path']}")
            for folder in self.store.read()["rootfolders"]
            if not Path(folder["path"]).is_dir()
        )
        return found

    # titles

    def titles(self, request: Request) -> list[dict[str, Any]]:
        """All of them, as the API shows them."""
        raise NotImplementedError

    def title(self, request: Request) -> dict[str, Any]:
        """<resource>/{id}."""
        for title in self.titles(request):
            if str(title["id"]) == request.params["id"]:
                return title
        raise missing(self.resource.title(), request.params["id"])

    def details(self, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The folder that a new title gets in its root folder, and what only this kind of title has."""
        raise NotImplementedError

    def add_title(self, request: Request) -> Response:
        """POST <resource>; the real one asks a metadata server first, which the sandbox has not."""
        body = request.object()
        faults = self._title_faults(body)
        if faults:
            raise refuse(*faults)
        name, root = str(body["title"]), str(body.get("rootFolderPath"))
        folder, details = self.details(body)
        with self.store.change() as state:
            state["next"]["title"] = state["next"].get("title", 0) + 1
            title = {
                "id": state["next"]["title"], "title": body["title"], "sortTitle": name.lower(),
                "cleanTitle": simplify(name), "path": body.get("path") or f"{root.rstrip('/')}/{folder}",
                self.identifier: body[self.identifier], "qualityProfileId": body["qualityProfileId"],
                "monitored": bool(body.get("monitored")), "year": body.get("year") or 0, "runtime": 0,
                "images": [], "genres": [], "tags": body.get("tags") or [], "added": now(), **details,
            }  # fmt: skip
            state["titles"].append(title)
        return Response(201, title)

    def _title_faults(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        number, name, profile = body.get(self.identifier) or 0, body.get("title"), body.get("qualityProfileId")
        source = self.identifier.removesuffix("Id").title()
        known = any(title[self.identifier] == number for title in self.store.read()["titles"])
        faults = (
            (not number, failure(f"{source}Id", f"'{source} Id' must be greater than '0'.", number)),
            (known, failure(f"{source}Id", f"This {self.resource} has already been added", number)),
            (not name, failure("Title", "'Title' must not be empty.", name)),
            (
                not 1 <= (profile or 0) <= len(PROFILES),
                failure("QualityProfileId", "Quality Profile does not exist", profile),
            ),
            (
                not body.get("path") and not body.get("rootFolderPath"),
                failure("Path", "'Path' must not be empty.", None),
            ),
        )
        return [fault for applies, fault in faults if applies]

    def remove_title(self, request: Request) -> dict[str, Any]:
        """DELETE <resource>/{id}; files stay."""
        number = self.title(request)["id"]
        with self.store.change() as state:
            state["titles"] = [title for title in state["titles"] if title["id"] != number]
            state["files"] = [entry for entry in state["files"] if entry["titleId"] != number]
        return {}

    # what moves into the library

    def destination(self, source: Path, chosen: dict[str, Any]) -> tuple[dict[str, Any], Path]:
        """The title a file belongs to and where it goes; ValueError when it belongs to none."""
        raise NotImplementedError

    def import_file(self, source: Path, chosen: dict[str, Any], *, move: bool) -> str:
        """Bring one file into the library and remember it."""
        title, target = self.destination(source, chosen)
        stored = self.store.read()["singletons"].get("mediamanagement", {})
        how = place(source, target, move=move, hardlink=bool(stored.get("copyUsingHardlinks", True)))
        with self.store.change() as state:
            files = [entry for entry in state["files"] if entry["path"] != str(target)]
            state["next"]["file"] = state["next"].get("file", 0) + 1
            entry = {
                "id": state["next"]["file"], "titleId": title["id"], "path": str(target),
                "relativePath": str(target.relative_to(title["path"])), "size": target.stat().st_size,
                "dateAdded": now(),
            }  # fmt: skip
            state["files"] = [*files, entry]
        journal.say(f"Imported {source} to {target}: {how}")
        return how

    def manual_import(self, body: dict[str, Any]) -> str:
        """Command ManualImport: `files` name path and title; importMode move moves, all else links or copies."""
        files = body.get("files") or []
        move = str(body.get("importMode") or "auto").lower() == "move"
        how = [self.import_file(Path(entry["path"]), entry, move=move) for entry in files]
        return f"Manually imported {len(how)} files: {', '.join(how)}"

    def scan(self, body: dict[str, Any]) -> str:
        """Command Downloaded…Scan: without a download client's id and with mode auto it moves, as the real one."""
        path = Path(str(body.get("path") or ""))
        if not path.exists():
            raise FileNotFoundError(f"Folder/File specified for import scan [{path}] doesn't exist.")
        mode = str(body.get("importMode") or "auto").lower()
        move = mode == "move" or (mode == "auto" and not body.get("downloadClientId"))
        sources = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        how = [self.import_file(p, {}, move=move) for p in sources if p.suffix.lower() in VIDEO]
        if not how:
            raise ValueError(f"No files found are eligible for import in {path}")
        return f"Imported {len(how)} files: {', '.join(how)}"
