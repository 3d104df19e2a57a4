"""Ansible's values as plain Python: core 2.19 tags what plugins get, and dumpers refuse tagged values."""

from __future__ import annotations

import json
from typing import Any


def plain(value: Any) -> Any:
    """Return `value` (JSON types, possibly tagged or lazy) untagged."""
    if isinstance(value, dict):
        return {str_of(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    return json.loads(json.dumps(value))


def str_of(key: Any) -> str:
    """Return a mapping's key as plain text."""
    return "".join(str(key))
