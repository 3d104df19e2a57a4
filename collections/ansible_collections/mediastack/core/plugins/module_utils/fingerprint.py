"""Hashes under a key: equal exactly when the texts are equal, and no help in guessing a short secret."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def canonical(value: Any) -> bytes:
    """Return `value` (plain JSON types) as bytes that are equal exactly when the values are equal."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def keyed_hash(key: str, contents: Mapping[str, str]) -> str:
    """Return one HMAC-SHA256 over `contents`: {name: text}."""
    return hmac.new(key.encode("utf-8"), canonical(dict(contents)), hashlib.sha256).hexdigest()
