"""Figures in the words that people use."""

from __future__ import annotations

STEP = 1024
UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def size(amount: float) -> str:
    """Bytes with a fitting unit: 512 B, 1.4 MiB."""
    value = float(amount)
    for unit in UNITS[:-1]:
        if value < STEP:
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= STEP
    return f"{value:.1f} {UNITS[-1]}"


def rate(amount: float) -> str:
    """Bytes in a second: 1.4 MiB/s."""
    return f"{size(amount)}/s"


def count(number: int, one: str, many: str) -> str:
    """A number with its noun: 1 film, 2 films."""
    return f"{number} {one if number == 1 else many}"
