"""Small formatting that several screens share. Pure."""

from __future__ import annotations

MINUTE = 60
HOUR = 3600
DAY = 86400


def plural(count: int, singular: str, many: str | None = None) -> str:
    """`1 service`, `3 services`."""
    return f"{count} {singular if count == 1 else many or singular + 's'}"


def seconds(value: float) -> str:
    """A duration of a run: `4.1 s`, `38 s`, `2 min 5 s`, `1 h 3 min`."""
    if value < 10:  # noqa: PLR2004  below ten, tenths are worth reading
        return f"{value:.1f} s"
    whole = round(value)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"


def age(value: float) -> str:
    """How long something has been up, in its largest unit: `40 s`, `12 min`, `5 h`, `3 d`."""
    if value < MINUTE:
        return f"{int(value)} s"
    if value < HOUR:
        return f"{int(value // MINUTE)} min"
    if value < DAY:
        return f"{int(value // HOUR)} h"
    return f"{int(value // DAY)} d"


def clip(text: str, width: int) -> str:
    """Text on one line of at most `width` columns."""
    flat = " ".join(text.split())
    return flat if len(flat) <= width else flat[: max(0, width - 1)] + "…"
