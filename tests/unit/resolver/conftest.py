"""A catalogue, and choices written as an owner writes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ansible_collections.mediastack.core.plugins.plugin_utils.catalogue import Catalogue, load
from ansible_collections.mediastack.core.plugins.plugin_utils.choices import Choices, from_variables
from ansible_collections.mediastack.core.plugins.plugin_utils.errors import ChoicesError, report
from ansible_collections.mediastack.core.plugins.plugin_utils.positions import Places
from ansible_collections.mediastack.core.plugins.plugin_utils.resolver import resolve

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load([ROOT / "roles"])


@pytest.fixture
def stack_of(catalogue: Catalogue) -> Callable[..., dict[str, Any]]:
    """Return the Stack of one server from YAML text."""

    def resolved(text: str, architecture: str | None = None) -> dict[str, Any]:
        choices = from_variables(yaml.safe_load(text) or {}, architecture)
        return dict(resolve(catalogue, {"nas": choices})["nas"])

    return resolved


@pytest.fixture
def report_of(catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return the lines that an owner reads about a faulty file stack.yml."""
    monkeypatch.chdir(tmp_path)

    def lines(text: str, architecture: str | None = None) -> list[str]:
        Path("stack.yml").write_text(text, encoding="utf-8")
        choices: Choices = from_variables(yaml.safe_load(text), architecture)
        with pytest.raises(ChoicesError) as caught:
            resolve(catalogue, {"nas": choices, "attic": Choices()})
        places = Places(["stack.yml"])
        problems = [replace(p, place=places.find(p), host=None) for p in caught.value.problems]
        return report(sorted(problems, key=lambda p: (p.place or ("", 0, 0), p.path))).splitlines()

    return lines
