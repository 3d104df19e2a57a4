"""Take secrets out of whatever leaves this process: events, history, the text of failures.

Modules hide their secrets with `no_log`. This is the second net, for text that nobody marked: it
knows the shapes of our own keys, the names that secrets have, and the passwords of this run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = "***"
MIN_KNOWN = 4  # shorter values would blank ordinary words

# Names that hold secrets, as a whole word of a key: `api_key`, `vpn_private_key`, `adminPassword`.
_NAME = (
    r"(?:pass(?:word|wd|phrase)?|secret|token|api_?key|private_?key|preshared_?key|"
    r"auth(?:orization)?|credential|cookie|session_?id|bearer)"
)
_SECRET_KEY = re.compile(rf"(?:^|_){_NAME}s?(?:$|_)")
_HARMLESS_KEY = re.compile(r"_(?:file|path|url|length|format|source|count|policy|names?)$")

_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
        MASK,
    ),
    (re.compile(r"\$ANSIBLE_VAULT;[^\n]*(?:\n\s*[0-9a-f]{2,})*"), MASK),
    (re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"), MASK),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/-]{6,}=*"), rf"\1 {MASK}"),
    (
        re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{43}=(?![A-Za-z0-9+/=])"),
        MASK,
    ),  # WireGuard, base64 of 32 bytes
    (re.compile(r"(?<!sha256:)(?<![0-9A-Za-z])(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{32})(?![0-9A-Za-z])"), MASK),
)
_NAMED: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(rf"(?i)\b((?:[\w.-]*?[_.-])?{_NAME})(['\"]?\s*[:=]\s*['\"]?)(?!\*\*\*)([^\s'\"&,;}}]+)"),
        rf"\1\2{MASK}",
    ),
    (re.compile(r"(?i)(<(api_?key|password|token)>)[^<]+(?=</)"), rf"\1{MASK}"),
)


class Redactor:
    """Redacts text and structures; `known` are the very passwords this run was given."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        """Take the passwords of this run."""
        usable = sorted({value for value in known if len(value) >= MIN_KNOWN}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, usable))) if usable else None

    def text(self, value: str) -> str:
        """Text without secrets. Applying it twice changes nothing more."""
        return _replaced(self.message(value), _NAMED)

    def message(self, value: str) -> str:
        """A message of our own checks, which names keys and no values: known passwords and key shapes only."""
        if self._known is not None:
            value = self._known.sub(MASK, value)
        return _replaced(value, _SHAPES)

    def tree(self, value: Any, key: str = "") -> Any:
        """JSON-like data without secrets: by the name of a key, and by the shape of a value."""
        if isinstance(value, dict):
            return {self.text(str(name)): self.tree(item, str(name)) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.tree(item, key) for item in value]
        if isinstance(value, str):
            return MASK if value and is_secret_name(key) else self.text(value)
        return value


def _replaced(value: str, patterns: Iterable[tuple[re.Pattern[str], str]]) -> str:
    for pattern, replacement in patterns:
        value = pattern.sub(replacement, value)
    return value


def is_secret_name(name: str) -> bool:
    """Whether a key of this name holds a secret."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_").replace(".", "_")
    return _SECRET_KEY.search(snake) is not None and _HARMLESS_KEY.search(snake) is None
