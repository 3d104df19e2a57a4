"""One server for all faults."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.leak.lab import Lab
from tests.integration.servers import server

KEPT = Path(__file__).resolve().parents[3] / "build" / "leak"


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    with server("it-leak") as made:
        found = Lab(made, KEPT)
        try:
            found.set_up()
            yield found
        finally:
            found.keep()
