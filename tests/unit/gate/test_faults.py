"""What the documentation says of the leak test's faults."""

from __future__ import annotations

import re

from tests.gate.job import ROOT
from tests.integration import test_host_mode
from tests.integration.leak import faults

ELSEWHERE = {"names-through-the-engine", "whole-server"}  # of test_allowed.py


def test_every_fault_is_in_the_documentation_and_nothing_else() -> None:
    text = (ROOT / "docs/kill-switch.md").read_text(encoding="utf-8")
    table = text.partition("| fault | name in the test |\n")[2].partition("\n\n")[0]
    column = [line.split("|")[2] for line in table.splitlines()[1:]]
    named = [name for cell in column for name in re.findall(r"`([a-z0-9-]+)`", cell)]
    assert sorted(named) == sorted({*faults.FAULTS, *test_host_mode.FAULTS, *ELSEWHERE})
