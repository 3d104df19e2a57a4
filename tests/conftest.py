"""What all tests share: the soak switch and the budgets of property tests."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("gate", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("soak", max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="every kill point and fault, many times")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: only with --soak")
    os.umask(0o022)  # modes are what a test expects, whatever the developer's shell is set to


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--soak"):
        return
    for item in items:
        if item.get_closest_marker("soak"):
            item.add_marker(pytest.mark.skip(reason="soak only: run with --soak"))


@pytest.fixture
def soak(request: pytest.FixtureRequest) -> bool:
    """Whether to repeat what the gate does once."""
    return bool(request.config.getoption("--soak"))
