"""JSON-like data as YAML text: the same text on every controller, and fast.

PyYAML's output depends on whether it was built with libyaml (ten times faster, other indentation), so
two controllers would undo each other's files. The subset that is needed here is small: block mappings
and lists, scalars on one line.
"""

from __future__ import annotations

import re
from typing import Any

PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./+@-]*(?::[A-Za-z0-9_./+@-]+)*")
# What YAML 1.1 readers take for something else than text, though it begins with a letter.
WORDS = re.compile(r"y|n|yes|no|on|off|true|false|null", re.IGNORECASE)
SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def yaml_text(value: dict[str, Any]) -> str:
    """Return `value` as YAML, mappings in order of their keys."""
    return "\n".join(_lines(value, "")) + "\n"


def _lines(value: Any, indent: str) -> list[str]:
    """Return the lines of a collection that is not empty, or of a scalar."""
    if isinstance(value, dict) and value:
        entries = [(f"{indent}{_scalar(str(key))}:", value[key]) for key in sorted(value)]
    elif isinstance(value, list) and value:
        entries = [(f"{indent}-", inner) for inner in value]
    else:
        return [indent + _scalar(value)]
    result: list[str] = []
    for head, inner in entries:
        if inner and isinstance(inner, (dict, list)):
            below = _lines(inner, indent + "  ")
            if head.endswith("-"):  # the first line of an item stands behind its dash
                below[0] = f"{head} {below[0].lstrip()}"
                result += below
            else:
                result += [head, *below]
        else:
            result.append(f"{head} {_scalar(inner)}")
    return result


def _scalar(value: Any) -> str:
    """Return a text, number, bool, null or empty collection on one line."""
    if isinstance(value, str):
        return value if PLAIN.fullmatch(value) and not WORDS.fullmatch(value) else _quoted(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return "{}" if isinstance(value, dict) else "[]"
    return repr(value)


def _quoted(text: str) -> str:
    """Return text in double quotes, with everything that is not printable escaped."""
    return '"' + "".join(SHORT.get(c) or (c if c.isprintable() else _escape(ord(c))) for c in text) + '"'


def _escape(code: int) -> str:
    """Return one character as an escape of eight hexadecimal digits."""
    return f"\\U{code:08X}"
