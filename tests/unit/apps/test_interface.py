"""What the modules document is what they accept."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import yaml

MODULES = ["verify", "status", "applications"]
COMPARED = ("type", "elements", "required", "default", "choices")
PLUGINS = "ansible_collections.mediastack.core.plugins"


def load(name: str) -> Any:
    return importlib.import_module(f"{PLUGINS}.modules.{name}")


def options(documented: dict[str, Any]) -> dict[str, Any]:
    """The options with those of the fragments, as ansible-doc puts them together."""
    found: dict[str, Any] = dict(documented["options"])
    for slug in documented.get("extends_documentation_fragment", []):
        fragment = importlib.import_module(f"{PLUGINS}.doc_fragments.{slug.rpartition('.')[2]}").ModuleDocFragment
        added = yaml.safe_load(fragment.DOCUMENTATION)["options"]
        found |= {key: item | found.get(key, {}) for key, item in added.items()}
    return found


def plain(spec: dict[str, Any], inner: str) -> dict[str, Any]:
    shown = {key: {part: item[part] for part in COMPARED if part in item} for key, item in spec.items()}
    for key, item in spec.items():
        shown[key]["choices"] = sorted(item.get("choices", []))
        shown[key]["inner"] = plain(item.get(inner, {}), inner)
    return shown


@pytest.mark.parametrize("name", MODULES)
def test_documentation_and_arguments_agree(name: str) -> None:
    module = load(name)
    documented = yaml.safe_load(module.DOCUMENTATION)
    assert plain(options(documented), "suboptions") == plain(module.ARGUMENTS, "options")
    assert documented["module"] == name


@pytest.mark.parametrize("name", MODULES)
def test_examples_use_what_exists(name: str) -> None:
    module = load(name)
    for task in yaml.safe_load(module.EXAMPLES):
        assert set(task[f"mediastack.core.{name}"]) <= set(module.ARGUMENTS)
    assert yaml.safe_load(module.RETURN)


@pytest.mark.parametrize("name", MODULES)
def test_what_carries_secrets_is_not_logged(name: str) -> None:
    for key, item in load(name).ARGUMENTS.items():
        if key in {"secrets", "password", "api_key"}:
            assert item["no_log"] is True
