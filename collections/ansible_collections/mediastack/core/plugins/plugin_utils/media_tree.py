"""The folders of the one media root, the same for every container that mounts it.

    <root>/downloads/torrents/{incomplete, <category>...}
    <root>/downloads/usenet/{incomplete, complete}
    <root>/library/{movies, tv, music, books}

Downloads and library stand below one root, and containers mount that root as one volume, so that an import is
a hardlink. A category is called like the instance that asks for the download: two Radarrs never mix.
"""

from __future__ import annotations

import posixpath
from typing import Any

DOWNLOADS = "downloads"
TORRENTS = "downloads/torrents"
LIBRARY = "library"
LIBRARIES = ("movies", "tv", "music", "books")
FIXED = (
    DOWNLOADS,
    TORRENTS,
    f"{TORRENTS}/incomplete",
    "downloads/usenet",
    "downloads/usenet/incomplete",
    "downloads/usenet/complete",
    LIBRARY,
    *(f"{LIBRARY}/{name}" for name in LIBRARIES),
)
MANAGERS = {
    "movie-manager": "movies",
    "series-manager": "tv",
    "music-manager": "music",
    "book-manager": "books",
}


def library_of(instance: dict[str, Any]) -> str | None:
    """Return the library below `<root>/library` that an instance manages by what it offers, or None.

    A second instance gets one of its own (`radarr-4k`: movies-4k), for two managers of one folder fight.
    """
    library = next((MANAGERS[offer] for offer in instance.get("offers", []) if offer in MANAGERS), None)
    name, service = instance["name"], instance["service"]
    if library is None or name == service:
        return library
    return f"{library}-{name.removeprefix(service + '-')}"


def categories(stack: dict[str, Any]) -> list[str]:
    """Return the download categories: the names of the instances that send downloads and import them."""
    return sorted(name for name, instance in stack["instances"].items() if library_of(instance))


def folders(stack: dict[str, Any]) -> list[str]:
    """Return every folder of the tree, relative to the media root, parents first."""
    libraries = filter(None, (library_of(instance) for instance in stack["instances"].values()))
    own = {f"{LIBRARY}/{name}" for name in libraries} | {f"{TORRENTS}/{name}" for name in categories(stack)}
    return sorted({*FIXED, *own})


def seen_by(instance: dict[str, Any], stack: dict[str, Any], folder: str) -> str | None:
    """Return `folder` (relative to the media root) as the container sees it, or None where it does not."""
    path = posixpath.join(stack["media"]["root"], folder)
    for volume in instance.get("volumes", []):
        source = posixpath.normpath(volume["source"])
        if path == source or path.startswith(source.rstrip("/") + "/"):
            return posixpath.normpath(posixpath.join(volume["target"], posixpath.relpath(path, source)))
    return None
