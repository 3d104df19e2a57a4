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
POINTS = re.compile(
    r"Hardening: assigned (?:maximum number of hardening points for this item \((\d+)\)|"
    r"partial number of hardening points \((\d+) of (\d+)\))\. Currently having (\d+) points \(out of (\d+)\)"
)


@dataclasses.dataclass(frozen=True)
class Points:
    """What one question brought: the test, with the kernel setting where it is about one."""

    name: str
    got: int
    most: int


def read(log: str) -> list[Points]:
    """Every line of points in a log that counts, in its order.

    What Lynis adds in a shell of its own (a loop behind a pipe) stands in the log, and is lost when that shell ends. So
    the lines are followed from the last one back, by the sums that they tell.
    """
    found: list[Points] = []
    before: tuple[int, int] | None = None
    for points, (got, most) in reversed(lines(log)):
        if before in (None, (got, most)):
            found.insert(0, points)
            before = (got - points.got, most - points.most)
    return found


def lines(log: str) -> list[tuple[Points, tuple[int, int]]]:
    """Every line of points with the sums after it."""
    found, test, key = [], "", ""
    for line in log.splitlines():
        if match := TEST.search(line):
            test, key = match[1], ""
        elif match := KEY.search(line):
            key = f":{match[1]}"
        elif match := POINTS.search(line):
            got, most = (int(match[1]), int(match[1])) if match[1] else (int(match[2]), int(match[3]))
            found.append((Points(test + key, got, most), (int(match[4]), int(match[5]))))
            key = ""
    return found


def index(points: Iterable[Points], without: Iterable[str] = ()) -> int:
    """The index; `without` names tests, or tests and kernel settings, that are left out."""
    out = set(without)
    counted = [one for one in points if one.name not in out and one.name.partition(":")[0] not in out]
    most = sum(one.most for one in counted)
    return 100 * sum(one.got for one in counted) // most if most else 0
