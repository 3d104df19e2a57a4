"""Ansible's values as plain Python: core 2.19 tags what plugins get, and dumpers refuse tagged values."""

from __future__ import annotations

import json
from typing import Any

ALREADY_PLAIN = frozenset({str, int, float, bool, type(None)})


def plain(value: Any) -> Any:
    """Return `value` (JSON types, possibly tagged or lazy) untagged."""
    if type(value) in ALREADY_PLAIN:
        return value
    if isinstance(value, dict):
        return {str_of(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, str):
        return str_of(value)
    return json.loads(json.dumps(value))


def str_of(text: Any) -> str:
    """Return a text, or a mapping's key, without what Ansible has tagged it with."""
    return "".join(str(text))
