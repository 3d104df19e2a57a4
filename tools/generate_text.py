"""Small pieces of Markdown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.plugin_utils.schema_nodes import PATTERNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ansible_collections.mediastack.core.plugins.plugin_utils.schema_nodes import Node


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a pipe inside a cell is escaped."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines)


def default_of(value: Any) -> str:
    """Return a default as the owner would write it; nothing for none."""
    if value in (None, {}, [], ""):
        return ""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def type_of(node: Node) -> str:
    """Say what a node accepts."""
    if node.choices:
        return ", ".join(map(str, node.choices))
    if node.pattern:
        return PATTERNS[node.pattern].meaning
    if node.kind in ("map", "list") and node.values:
        return f"{'mapping' if node.kind == 'map' else 'list'} of {type_of(node.values)}"
    words = {"record": "mapping", "int": "number", "bool": "true, false", "any": "anything", "map": "mapping"}
    return "port" if node.noun == "port" else words.get(node.kind, node.kind)
