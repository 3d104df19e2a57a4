"""One server for all faults; in a soak one of each release."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.leak.lab import Lab
from tests.integration.servers import on_releases, server

KEPT = Path(__file__).resolve().parents[3] / "build" / "leak"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every release in a soak, the newest in the gate."""
    on_releases(metafunc, "lab", "session")


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with server(f"it-leak-{request.param}", release=request.param) as made:
        found = Lab(made, KEPT / request.param)
        try:
            found.set_up()
            yield found
        finally:
            found.keep()
