"""The example Stack that tests and documentation refer to, from the example choices beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import yaml

from ansible_collections.mediastack.core.plugins.plugin_utils.catalogue import load
from ansible_collections.mediastack.core.plugins.plugin_utils.choices import from_variables
from ansible_collections.mediastack.core.plugins.plugin_utils.resolver import resolve

if TYPE_CHECKING:
    from pathlib import Path

HOST = "nas"


def outputs(root: Path) -> dict[Path, str]:
    """Return the example with its text."""
    fixtures = root / "tests/unit/fixtures"
    choices = yaml.safe_load((fixtures / "choices_example.yml").read_text())
    stack = resolve(load([root / "roles"]), {HOST: from_variables(choices)})[HOST]
    return {fixtures / "stack_example.json": json.dumps(stack, indent=2) + "\n"}
