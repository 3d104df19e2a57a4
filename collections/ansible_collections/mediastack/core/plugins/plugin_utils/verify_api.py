"""How each kind of API proves that it is up and guarded: an `api` check's fields but its address."""

from __future__ import annotations

from typing import Any

# Services whose first sign-in needs a person: where they say whether it was made, and what it is.
BY_HAND = {
    "overseerr": {"path": "/api/v1/settings/public", "field": "initialized", "task": "sign in with Plex"},
}
CLIENT = 'MediaBrowser Client="mediastack", Device="verify", DeviceId="mediastack-verify", Version="1"'


def api_of(name: str, instance: dict[str, Any], stack: dict[str, Any]) -> dict[str, Any] | None:
    """Return port, method, path, expect_status, auth, refuse_path, refuse_status, by_hand; None for an unknown kind.

    `port` is the name or number of a port of the instance.
    """
    build = KINDS.get(str(instance.get("api")))
    if not build or not instance.get("ports"):
        return None
    web = instance.get("web") or {}
    return {
        "port": web.get("port") or instance["ports"][0]["name"],
        "by_hand": BY_HAND.get(str(instance["service"])),
        **build(name, stack["admin"]["name"]),
    }


def guarded(path: str, auth: dict[str, Any], refuse: tuple[int, ...] = (401, 403)) -> dict[str, Any]:
    """Return a path that answers with `auth` and refuses without."""
    return {
        "method": "GET",
        "path": path,
        "expect_status": [200],
        "auth": auth,
        "refuse_path": path,
        "refuse_status": list(refuse),
    }


def key(name: str, secret: str, header: str = "X-Api-Key") -> dict[str, Any]:
    """Return authentication by a header that holds the key."""
    return {"kind": "header", "header": header, "format": "{secret}", "secret": f"{name}/{secret}"}


def qbittorrent(name: str, admin: str) -> dict[str, Any]:
    """Both 5.1 and 5.2 of qBittorrent know the login form; API keys came with 5.2."""
    login = {
        "kind": "form",
        "path": "/api/v2/auth/login",
        "fields": {"username": admin},
        "secret_field": "password",
        "secret": f"{name}/web_password",
    }
    return guarded("/api/v2/app/version", login)


def jellyfin(name: str, admin: str) -> dict[str, Any]:
    """Jellyfin's keys are made by itself, so the administrator's password is what must open it."""
    login = {
        "kind": "token",
        "path": "/Users/AuthenticateByName",
        "headers": {"Authorization": CLIENT},
        "json": {"Username": admin},
        "secret_field": "Pw",
        "secret": f"{name}/admin_password",
        "answer": "AccessToken",
        "header": "Authorization",
        "format": 'MediaBrowser Token="{token}"',
    }
    return guarded("/System/Info", login)


def open_to_all(path: str, refuse_path: str = "", refuse: tuple[int, ...] = ()) -> dict[str, Any]:
    """Return a path that answers without authentication, and perhaps one that must not."""
    return guarded(path, {"kind": "none"}, refuse) | {"refuse_path": refuse_path or path}


KINDS: dict[str, Any] = {
    "servarr-v3": lambda name, _: guarded("/api/v3/system/status", key(name, "api_key")),
    "servarr-v1": lambda name, _: guarded("/api/v1/system/status", key(name, "api_key")),
    "seerr-v1": lambda name, _: guarded("/api/v1/auth/me", key(name, "api_key")),
    "gluetun": lambda name, _: guarded("/v1/vpn/status", key(name, "control_api_key", "X-API-Key")),
    "qbittorrent-v2": qbittorrent,
    "jellyfin": jellyfin,
    "flaresolverr": lambda *_: open_to_all("/health"),
    # It filters by path: the list of images is not among what it lets through.
    "docker": lambda *_: open_to_all("/version", "/images/json", (403,)),
}
