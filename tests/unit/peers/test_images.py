"""The list of images fits the catalogue and the files."""

from __future__ import annotations

from typing import Any

import yaml
from tests.unit.peers.harness import ROOT

PEERS = ROOT / "tests" / "peers"


def images() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = yaml.safe_load((PEERS / "images.yml").read_text())["images"]
    return listed


def test_the_registry_serves_what_the_catalogue_names() -> None:
    files = (ROOT / "roles").glob("*/services/*.yml")
    catalogue = {yaml.safe_load(file.read_text())["image"] for file in files}
    assert {image["reference"] for image in images()} == catalogue


def test_every_stand_in_says_so() -> None:
    for image in images():
        label = f"mediastack.standin={'true' if image['standin'] else 'false'}"
        assert label in (ROOT / image["directory"] / "Dockerfile").read_text(), image["name"]
        assert image["name"].endswith("-standin") == image["standin"]


def test_names_and_references_are_unique() -> None:
    for key in ("name", "reference", "directory"):
        values = [image[key] for image in images()]
        assert len(values) == len(set(values))
