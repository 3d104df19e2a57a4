"""Groups of numbers for the key exchange, cut down to those that are large enough."""

from __future__ import annotations

FIELDS = 7
SIZE = 4


def strong(text: str, bits: int) -> str:
    """The lines of a moduli file with at least `bits` bits; comments are left out.

    The file gives a number's size less one: 3071 is 3072 bits.
    """
    kept = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == FIELDS and fields[SIZE].isdigit() and int(fields[SIZE]) + 1 >= bits:
            kept.append(line + "\n")
    return "".join(kept)
