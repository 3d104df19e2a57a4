"""What the target's Docker can be told."""

from __future__ import annotations

import re
from dataclasses import dataclass

WAY_OUT = (28,), (2, 33, 1)  # the first engine, the first Compose
SOONER = (25,), (2, 20, 2)


@dataclass(frozen=True)
class Abilities:
    """`choose_way_out`: give a container's default route to one of its networks (`gw_priority`).

    `check_sooner`: ask a starting container's health more often than a running one's (`start_interval`).
    """

    choose_way_out: bool = False
    check_sooner: bool = False


def abilities_of(engine: str | None, compose: str | None) -> Abilities:
    """Return what an engine and a Compose of these versions can; unknown ones can nothing."""
    have = numbers(engine), numbers(compose)
    return Abilities(*(all(map(tuple.__ge__, have, first)) for first in (WAY_OUT, SOONER)))


def numbers(version: str | None) -> tuple[int, ...]:
    """Return the leading numbers of a version: 28.1.1~ce -> (28, 1, 1); () for none."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", version or "")
    return tuple(int(part) for part in found[1].split(".")) if found else ()
