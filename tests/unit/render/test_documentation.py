"""What the controller's plugins document is what they accept."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import yaml

CORE = "ansible_collections.mediastack.core.plugins"


@pytest.mark.parametrize("name", ["render", "secrets", "preflight"])
def test_documented_options_are_the_arguments(name: str) -> None:
    module = importlib.import_module(f"{CORE}.modules.{name}")
    arguments = importlib.import_module(f"{CORE}.action.{name}").ARGUMENTS
    documented: dict[str, dict[str, Any]] = yaml.safe_load(module.DOCUMENTATION)["options"]
    assert set(documented) == set(arguments)
    for option, spec in arguments.items():
        for field in ("type", "required", "default", "elements"):
            assert documented[option].get(field) == spec.get(field), f"{option}.{field}"
        assert documented[option]["description"]
    assert yaml.safe_load(module.EXAMPLES)
    assert yaml.safe_load(module.RETURN)
