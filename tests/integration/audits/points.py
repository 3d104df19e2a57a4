"""What Lynis gave points for, from its log: so one run tells the index with and without some of its tests. Pure.

Lynis adds points test by test and divides their sum by the greatest possible one; a test that its profile skips adds
nothing to either. So the index without a test is the quotient without its lines.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

TEST = re.compile(r"Performing test ID (\S+)")
KEY = re.compile(r"Result: sysctl key (\S+) ")
POINTS = re.compile(r"Hardening: assigned (?:maximum number of hardening points for this item \((\d+)\)|"
                    r"partial number of hardening points \((\d+) of (\d+)\))")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Points:
    """What one question brought: the test, with the kernel setting where it is about one."""

    name: str
    got: int
    most: int


def read(log: str) -> list[Points]:
    """Every line of points in a log, in its order."""
    found, test, key = [], "", ""
    for line in log.splitlines():
        if match := TEST.search(line):
            test, key = match[1], ""
        elif match := KEY.search(line):
            key = f":{match[1]}"
        elif match := POINTS.search(line):
            got, most = (int(match[1]), int(match[1])) if match[1] else (int(match[2]), int(match[3]))
            found.append(Points(test + key, got, most))
            key = ""
    return found


def index(points: Iterable[Points], without: Iterable[str] = ()) -> int:
    """The index; `without` names tests, or tests and kernel settings, that are left out."""
    out = set(without)
    counted = [one for one in points if one.name not in out and one.name.partition(":")[0] not in out]
    most = sum(one.most for one in counted)
    return 100 * sum(one.got for one in counted) // most if most else 0
