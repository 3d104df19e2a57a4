"""The index of Lynis without some tests, from the log of a run that had them."""

from __future__ import annotations

import pytest
from tests.integration.audits import points

LOG = """\
2026-11-21 19:00:00 Performing test ID ACCT-9628 (Check for auditd)
2026-11-21 19:00:00 Hardening: assigned partial number of hardening points (0 of 4). Currently having 0 points (out of 4)
2026-11-21 19:00:01 Skipped test ACCT-9630 (Check for auditd rules)
2026-11-21 19:00:01 Performing test ID KRNL-6000 (Check sysctl key pairs in scan profile)
2026-11-21 19:00:01 Result: sysctl key fs.suid_dumpable contains equal expected and current value (0)
2026-11-21 19:00:01 Hardening: assigned maximum number of hardening points for this item (1). Currently having 1 points (out of 5)
2026-11-21 19:00:01 Result: sysctl key kernel.sysrq has a different value than expected in scan profile. Expected=0, Real=438
2026-11-21 19:00:01 Hardening: assigned partial number of hardening points (0 of 1). Currently having 1 points (out of 6)
2026-11-21 19:00:02 Performing test ID HRDN-7222 (Check compiler permissions)
2026-11-21 19:00:02 Hardening: assigned partial number of hardening points (2 of 3). Currently having 3 points (out of 9)
"""  # noqa: E501  lines as Lynis writes them


def test_points_are_told_by_test_and_by_kernel_setting() -> None:
    assert [(one.name, one.got, one.most) for one in points.read(LOG)] == [
        ("ACCT-9628", 0, 4),
        ("KRNL-6000:fs.suid_dumpable", 1, 1),
        ("KRNL-6000:kernel.sysrq", 0, 1),
        ("HRDN-7222", 2, 3),
    ]


@pytest.mark.parametrize(
    ("without", "index"),
    [([], 33), (["ACCT-9628"], 60), (["KRNL-6000:kernel.sysrq"], 37), (["KRNL-6000", "ACCT-9628", "HRDN-7222"], 0)],
)
def test_the_index_without_a_test_is_rounded_down_as_lynis_does(without: list[str], index: int) -> None:
    assert points.index(points.read(LOG), without) == index


def test_points_that_a_shell_of_its_own_took_with_it_do_not_count() -> None:
    most = "Hardening: assigned maximum number of hardening points for this item (3)."
    part = "Hardening: assigned partial number of hardening points (1 of 2)."
    lost, last = "Currently having 6 points (out of 12)", "Currently having 4 points (out of 11)"
    found = points.read(f"{LOG}{most} {lost}\nPerforming test ID LAST-1\n{part} {last}\n")
    assert [(one.name, one.got) for one in found][-2:] == [("HRDN-7222", 2), ("LAST-1", 1)]
    assert points.index(found) == 100 * 4 // 11


def test_names_that_are_not_there_change_nothing() -> None:
    assert points.index(points.read(LOG), ["ACCT", "KRNL-6000:kernel"]) == 33
