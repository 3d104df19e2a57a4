"""What the modules document is what they accept."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.mediastack.core.plugins import modules

EVERY = sorted(path.stem for path in Path(modules.__path__[0]).glob("*.py") if path.stem != "__init__")
MODULES = ["verify", "status", "applications"]
COMPARED = ("type", "elements", "required", "default", "choices")
PLUGINS = "ansible_collections.mediastack.core.plugins"


def load(name: str) -> Any:
    return importlib.import_module(f"{PLUGINS}.modules.{name}")


def together(documented: dict[str, Any], part: str) -> dict[str, Any]:
    """A part with that of the fragments, as ansible-doc puts them together."""
    found: dict[str, Any] = dict(documented.get(part, {}))
    for slug in documented.get("extends_documentation_fragment", []):
        fragment = importlib.import_module(f"{PLUGINS}.doc_fragments.{slug.rpartition('.')[2]}").ModuleDocFragment
        added = yaml.safe_load(fragment.DOCUMENTATION).get(part, {})
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
    assert plain(together(documented, "options"), "suboptions") == plain(module.ARGUMENTS, "options")
    assert documented["module"] == name


@pytest.mark.parametrize("name", EVERY)
def test_every_module_says_what_it_does_in_check_mode_and_of_differences(name: str) -> None:
    attributes = together(yaml.safe_load(load(name).DOCUMENTATION), "attributes")
    assert attributes["check_mode"]["support"] == "full"
    assert attributes["diff_mode"]["support"] in {"full", "none"}


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
