"""Who calls Jellyfin: the Authorization header, tokens, API keys, users."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Any

from peers.framework.web import HttpError, Request

PAIR = re.compile(r'(\w+)="([^"]*)"')
ROUNDS = 10_000
LEGACY_HEADERS = ("X-Emby-Token", "X-MediaBrowser-Token")


@dataclass(frozen=True)
class Caller:
    """What is known of the caller: the token, and the four names that a sign-in needs."""

    token: str
    client: str
    device: str
    device_id: str
    version: str


def caller(request: Request, *, legacy: bool) -> Caller:
    """Read the header `MediaBrowser …` or the query's ApiKey; the older ways count only with `legacy`."""
    header = request.headers.get("Authorization", "")
    if legacy and not header:
        header = request.headers.get("X-Emby-Authorization", "")
    scheme, _, rest = header.partition(" ")
    accepted = {"MediaBrowser", "Emby"} if legacy else {"MediaBrowser"}
    pairs = dict(PAIR.findall(rest)) if scheme in accepted else {}
    token = pairs.get("Token") or _exact(request, "ApiKey")
    if legacy and not token:
        token = next((request.headers[name] for name in LEGACY_HEADERS if name in request.headers), "")
        token = token or _exact(request, "api_key")
    return Caller(token, *(pairs.get(name, "") for name in ("Client", "Device", "DeviceId", "Version")))


def _exact(request: Request, name: str) -> str:
    values = request.query.get(name)
    return values[0] if values else ""


def identifier() -> str:
    """A new id: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def hash_password(password: str, salt: str) -> str:
    """The stored form of a password."""
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt.encode(), ROUNDS).hex()


def with_password(user: dict[str, Any], password: str) -> dict[str, Any]:
    """A user with a new password; an empty one is no password."""
    salt = identifier()
    return {**user, "salt": salt, "hash": hash_password(password, salt) if password else ""}


def password_fits(user: dict[str, Any], password: str) -> bool:
    """Whether `password` is the user's."""
    return bool(user["hash"]) and secrets.compare_digest(hash_password(password, user["salt"]), user["hash"])


def new_user(name: str, *, administrator: bool) -> dict[str, Any]:
    """A user without a password."""
    return {
        "id": identifier(),
        "name": name,
        "administrator": administrator,
        "salt": "",
        "hash": "",
        "policy": {},
    }


def find_user(state: dict[str, Any], **wanted: str) -> dict[str, Any]:
    """The user with this id or name; names are compared without case."""
    for user in state["users"]:
        if all(user[key].lower() == value.replace("-", "").lower() or user[key].lower() == value.lower()
               for key, value in wanted.items()):  # fmt: skip
            found: dict[str, Any] = user
            return found
    raise HttpError(404, "User not found")


def is_administrator(state: dict[str, Any], token: str) -> bool | None:
    """True or False for a known token, None for an unknown one; API keys are administrators."""
    if any(key["AccessToken"] == token for key in state["keys"]):
        return True
    for device in state["devices"]:
        if device["token"] == token:
            return bool(find_user(state, id=device["user"])["administrator"])
    return None
