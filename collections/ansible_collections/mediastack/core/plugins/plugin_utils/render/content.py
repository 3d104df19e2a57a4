"""Configuration files that are data (JSON), and the values that text templates need beyond the Stack.

A catalogue entry names a file's template; where that name (without `.j2`) is in DATA, the file is
built here and dumped, never text-templated.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.plugin_utils.media_tree import (
    TORRENTS,
    categories,
    seen_by,
)

if TYPE_CHECKING:
    from collections.abc import Callable

PBKDF2_ROUNDS = 100_000
PBKDF2_BYTES = 64
SALT_BYTES = 16


def password_hash(password: str, purpose: str) -> str:
    """Return qBittorrent's stored form of a password: base64 salt, colon, base64 PBKDF2-HMAC-SHA512.

    The salt is derived from the password and a purpose (the instance), so that rendering twice gives
    one text. It is secret as long as the password is, and differs between instances.
    """
    label = f"mediastack qbittorrent {purpose}".encode()
    salt = hmac.new(password.encode(), label, hashlib.sha256).digest()[:SALT_BYTES]
    derived = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, PBKDF2_ROUNDS, PBKDF2_BYTES)
    return f"{base64.b64encode(salt).decode()}:{base64.b64encode(derived).decode()}"


def qbittorrent_categories(name: str, stack: dict[str, Any], _secrets: dict[str, str]) -> Any:
    """Return categories.json: a save path per category, as this container sees the media root."""
    instance = stack["instances"][name]
    torrents = seen_by(instance, stack, TORRENTS)
    return {category: {"save_path": f"{torrents}/{category}"} for category in categories(stack)}


def seerr_settings(_name: str, _stack: dict[str, Any], secrets: dict[str, str]) -> Any:
    """Return the seed of settings.json; the application merges its defaults into it at its first start."""
    return {"main": {"apiKey": secrets["api_key"]}}


DATA: dict[str, Callable[[str, dict[str, Any], dict[str, str]], Any]] = {
    "categories.json": qbittorrent_categories,
    "settings.json": seerr_settings,
}


def dump_json(value: Any) -> str:
    """Return JSON text that is the same for equal values."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def template_values(name: str, stack: dict[str, Any], secrets: dict[str, str]) -> dict[str, Any]:
    """Return the variables of a text template of instance `name`.

    `stack`, `instance`, `name`, `secrets` (of this instance), `ports` {name: listening port},
    `media(folder)` (as the container sees it), `routes` (of the edge), `edge_addresses` (static
    addresses of edge proxies), `server_names` (all names under which clients may ask for this
    instance), `password_hash(password)`.
    """
    instance = stack["instances"][name]
    return {
        "stack": stack,
        "instance": instance,
        "name": name,
        "secrets": secrets,
        "ports": {port["name"]: port["listen"] for port in instance.get("ports", [])},
        "media": lambda folder: seen_by(instance, stack, folder),
        "routes": [route_values(route, stack) for route in stack.get("routes", [])],
        "edge_addresses": edge_addresses(stack),
        "server_names": server_names(name, instance, stack),
        "password_hash": lambda password: password_hash(password, name),
    }


def route_values(route: dict[str, Any], stack: dict[str, Any]) -> dict[str, Any]:
    """Return a route with what its application needs from the proxy.

    qBittorrent refuses a Host header whose port is not the one it listens on, so it gets the bare name.
    """
    instance = stack["instances"].get(route["instance"], {})
    return {**route, "bare_host": str(instance.get("api") or "").startswith("qbittorrent")}


def edge_addresses(stack: dict[str, Any]) -> list[str]:
    """Return the static addresses of edge proxies: the only ones whose X-Forwarded-For is believed."""
    return sorted(
        attachment["address"]
        for instance in stack["instances"].values()
        if instance["zone"] == "edge"
        for attachment in instance["network"].get("attachments", [])
        if attachment.get("address")
    )


def server_names(name: str, instance: dict[str, Any], stack: dict[str, Any]) -> list[str]:
    """Return every host name that reaches the instance: its own, its gateway's, its route, loopback."""
    gateway = instance.get("gateway")
    names = {name, instance["container"], "localhost", "127.0.0.1"}
    if gateway:
        names |= {gateway, stack["instances"][gateway]["container"]}
    if instance.get("route"):
        names.add(instance["route"])
    return sorted(names)
