"""The nearest valid name to a mistyped one."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

CUTOFF = 0.6


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the name in `known` that `word` most likely meant, or None."""
    by_fold = {name.lower(): name for name in sorted(known, reverse=True)}
    if (exact := by_fold.get(word.lower().replace("_", "-"))) or (exact := by_fold.get(word.lower())):
        return exact
    found = get_close_matches(word.lower(), by_fold, n=1, cutoff=CUTOFF)
    return by_fold[found[0]] if found else None


def suggestion(word: object, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for a near miss, else an empty string."""
    near = nearest(word, known) if isinstance(word, str) else None
    return f" Did you mean '{near}'?" if near and near != word else ""
