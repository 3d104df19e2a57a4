"""One server, provisioned once; every test of this folder leaves it as it found it: converged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.integration.servers import Server, server


@pytest.fixture(scope="session")
def applied() -> Iterator[Server]:
    """A server on which the sandbox inventory was applied."""
    with server("it-slice") as made:
        made.apply()
        yield made


@pytest.fixture
def converged(applied: Server) -> Iterator[Server]:
    """The same server; what a test chose for itself is taken back and applied away."""
    yield applied
    applied.choices.unlink(missing_ok=True)
    applied.apply()
