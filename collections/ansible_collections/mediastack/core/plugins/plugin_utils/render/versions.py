"""What the target's Docker can be told."""

from __future__ import annotations

import re

ENGINE = (28,)
COMPOSE = (2, 33, 1)


def can_choose_way_out(engine: str | None, compose: str | None) -> bool:
    """Say whether a container's default route can be given to one of its networks (`gw_priority`)."""
    return numbers(engine) >= ENGINE and numbers(compose) >= COMPOSE


def numbers(version: str | None) -> tuple[int, ...]:
    """Return the leading numbers of a version: 28.1.1~ce -> (28, 1, 1); () for none."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", version or "")
    return tuple(int(part) for part in found[1].split(".")) if found else ()
