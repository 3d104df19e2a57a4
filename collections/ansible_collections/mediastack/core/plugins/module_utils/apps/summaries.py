"""Which application is read how, by the `api` of its catalogue entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.apps import (
    auth,
    gluetun,
    jellyfin,
    qbittorrent,
    seerr,
    servarr,
)
from ansible_collections.mediastack.core.plugins.module_utils.http import HttpError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ansible_collections.mediastack.core.plugins.module_utils.http import Client

    Reader = Callable[[Client], dict[str, Any]]


def _flaresolverr(client: Client) -> dict[str, Any]:
    told = client.get("/").expect().json()
    return {"note": "", "details": {"version": told.get("version")}}


READERS: dict[str, Reader] = {
    "flaresolverr": _flaresolverr,
    "gluetun": gluetun.summary,
    "jellyfin": jellyfin.summary,
    "qbittorrent-v2": qbittorrent.summary,
    "seerr-v1": seerr.summary,
    "servarr-v1": lambda client: servarr.summary(client, "servarr-v1"),
    "servarr-v3": lambda client: servarr.summary(client, "servarr-v3"),
}


def read(api: str, url: str, how: Mapping[str, Any], secrets: Mapping[str, str], *, timeout: float) -> dict[str, Any]:
    """{"note": text, "details": {…}}; an application that cannot be read is a note, never an exception.

    An `api` without a reader has nothing to tell.
    """
    reader = READERS.get(api)
    if reader is None:
        return {"note": "", "details": {}}
    try:
        return reader(auth.signed_in(url, how, secrets, timeout=timeout))
    except HttpError as error:
        return {"note": str(error), "details": {}}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return {"note": f"{url}: an answer is not what it should be ({type(error).__name__})", "details": {}}
