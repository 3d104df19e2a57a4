"""Tables of what can be connected to: implementations and their fields, with the defaults of a new object."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

MASK = "********"


@dataclass(frozen=True)
class Field:
    """One setting of a provider; `privacy` apiKey and password are masked when read."""

    name: str
    value: Any = None
    privacy: str = "normal"
    kind: str = "textbox"

    @property
    def masked(self) -> bool:
        """Whether reading shows stars."""
        return self.privacy in {"apiKey", "password"}

    def describe(self, order: int, value: Any) -> dict[str, Any]:
        """The field as the API shows it."""
        shown = MASK if self.masked and value not in {None, ""} else value
        described = {
            "order": order,
            "name": self.name,
            "label": self.name[0].upper() + self.name[1:],
            "type": self.kind,
            "advanced": False,
            "privacy": self.privacy,
            "isFloat": False,
        }
        # a null value is left out, as the serializer of the application does
        return described if shown is None else described | {"value": shown}


@dataclass(frozen=True)
class Implementation:
    """A kind of provider: names, protocol, fields, and the probe that tests a connection."""

    name: str
    contract: str
    fields: tuple[Field, ...]
    probe: str = "nothing"
    title: str = ""
    protocol: str | None = None


def _secret(name: str, privacy: str) -> Field:
    return Field(name, "", privacy, "password" if privacy == "password" else "textbox")


def _number(name: str, value: int) -> Field:
    return Field(name, value, kind="number")


def _switch(name: str, value: bool = False) -> Field:
    return Field(name, value, kind="checkbox")


def qbittorrent(kind: str, category: str, extra: tuple[Field, ...] = ()) -> Implementation:
    """`kind` is Tv or Movie; the empty one is Prowlarr's, whose fields carry no kind."""
    low = kind.lower()
    categories: tuple[Field, ...] = (Field(f"{low}Category" if low else "category", category),)
    priorities: tuple[Field, ...] = (_number("priority", 0),)
    if kind:
        categories += (Field(f"{low}ImportedCategory"),)
        priorities = (_number(f"recent{kind}Priority", 0), _number(f"older{kind}Priority", 0))
    return Implementation(
        "QBittorrent",
        "QBittorrentSettings",
        (
            Field("host", "localhost"), _number("port", 8080), _switch("useSsl"), Field("urlBase", ""),
            Field("username", "", "userName"), _secret("password", "password"), *categories, *priorities,
            _number("initialState", 0), _switch("sequentialOrder"), _switch("firstAndLast"),
            _number("contentLayout", 0), *extra,
        ),
        "qbittorrent", "qBittorrent", "torrent",
    )  # fmt: skip


def sabnzbd(kind: str, category: str) -> Implementation:
    """As `qbittorrent`."""
    low = kind.lower()
    names = (f"recent{kind}Priority", f"older{kind}Priority") if kind else ("priority",)
    return Implementation(
        "Sabnzbd",
        "SabnzbdSettings",
        (
            Field("host", "localhost"), _number("port", 8080), _switch("useSsl"), Field("urlBase", ""),
            _secret("apiKey", "apiKey"), Field("username", "", "userName"), _secret("password", "password"),
            Field(f"{low}Category" if low else "category", category), *(_number(name, -100) for name in names),
        ),
        "sabnzbd", "SABnzbd", "usenet",
    )  # fmt: skip


MEDIA_BROWSER = Implementation(
    "MediaBrowser",
    "MediaBrowserSettings",
    (
        Field("host", ""), _number("port", 8096), _switch("useSsl"), Field("urlBase", ""),
        _secret("apiKey", "apiKey"), _switch("notify"), _switch("updateLibrary", value=True),
        Field("mapFrom", ""), Field("mapTo", ""),
    ),
    "mediabrowser", "Emby / Jellyfin",
)  # fmt: skip

WEBHOOK = Implementation(
    "Webhook",
    "WebhookSettings",
    (
        Field("url", ""), _number("method", 1), Field("username", "", "userName"),
        _secret("password", "password"), Field("headers", [], kind="keyValueList"),
    ),
    "webhook", "Webhook",
)  # fmt: skip

_NEWZNAB_FIELDS = (
    Field("baseUrl", ""), Field("apiPath", "/api"), _secret("apiKey", "apiKey"),
    Field("categories", [], kind="select"), Field("additionalParameters", ""),
)  # fmt: skip
_TORRENT_FIELDS = (
    _number("minimumSeeders", 1), Field("seedCriteria.seedRatio"), Field("seedCriteria.seedTime"),
    _switch("rejectBlocklistedTorrentHashesWhileGrabbing"),
)  # fmt: skip

NEWZNAB = Implementation("Newznab", "NewznabSettings", _NEWZNAB_FIELDS, "newznab", "Newznab", "usenet")
TORZNAB = Implementation(
    "Torznab", "TorznabSettings", _NEWZNAB_FIELDS + _TORRENT_FIELDS, "newznab", "Torznab", "torrent"
)

_PROWLARR_BASE = (
    Field("baseUrl", ""), Field("apiPath", "/api"), _secret("apiKey", "apiKey"),
    Field("additionalParameters", ""), Field("vipExpiration", ""),
    Field("baseSettings.queryLimit"), Field("baseSettings.grabLimit"), _number("baseSettings.limitsUnit", 0),
)  # fmt: skip
_PROWLARR_TORRENT = (
    Field("torrentBaseSettings.appMinimumSeeders"), Field("torrentBaseSettings.seedRatio"),
    Field("torrentBaseSettings.seedTime"), Field("torrentBaseSettings.packSeedTime"),
    _switch("torrentBaseSettings.preferMagnetUrl"),
)  # fmt: skip
PROWLARR_NEWZNAB = replace(NEWZNAB, fields=_PROWLARR_BASE)
PROWLARR_TORZNAB = replace(TORZNAB, fields=_PROWLARR_BASE + _PROWLARR_TORRENT)

FLARESOLVERR = Implementation(
    "FlareSolverr",
    "FlareSolverrSettings",
    (Field("host", "http://localhost:8191/"), _number("requestTimeout", 60)),
    "flaresolverr", "FlareSolverr",
)  # fmt: skip


def _proxy(name: str) -> Implementation:
    fields = (Field("host", ""), _number("port", 8080), Field("username", "", "userName"),
              _secret("password", "password"))  # fmt: skip
    return Implementation(name, f"{name}Settings", fields, "nothing", name)


PROXIES = (FLARESOLVERR, _proxy("Http"), _proxy("Socks4"), _proxy("Socks5"))


def _application(name: str, categories: list[int], extra: tuple[Field, ...] = ()) -> Implementation:
    fields = (
        Field("prowlarrUrl", "http://localhost:9696"), Field("baseUrl", "http://localhost"),
        _secret("apiKey", "apiKey"), Field("syncCategories", categories, kind="select"), *extra,
        _switch("syncRejectBlocklistedTorrentHashesWhileGrabbing"),
    )  # fmt: skip
    return Implementation(name, f"{name}Settings", fields, "application", name)


APPLICATIONS = (
    _application(
        "Sonarr", [5000, 5010, 5020, 5030, 5040, 5045, 5050, 5090],
        (Field("animeSyncCategories", [5070], kind="select"), _switch("syncAnimeStandardFormatSearch")),
    ),
    _application("Radarr", [2000, 2010, 2020, 2030, 2040, 2045, 2050, 2060, 2070, 2080, 2090]),
    _application("Lidarr", [3000, 3010, 3030, 3040, 3050, 3060]),
)  # fmt: skip
