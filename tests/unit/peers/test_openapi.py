"""Stand-ins answer in the shapes of the applications' own API documents, where those are at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.unit.peers.harness import ROOT, Scenario, load


def specs() -> Path | None:
    """The folder that MEDIASTACK_API_SPECS names, or the usual one beside the checkout."""
    named = os.environ.get("MEDIASTACK_API_SPECS")
    candidates = [Path(named)] if named else [ROOT.parent / "shared" / "specs"]
    return next((path for path in candidates if path.is_dir()), None)


SPECS = specs()
pytestmark = pytest.mark.skipif(
    SPECS is None,
    reason="no API documents: MEDIASTACK_API_SPECS names no folder, and there is none beside the checkout",
)

# contract, scenario that prepares it, document, prefix of its paths, [(path to ask, path in the document)]
ASKED = {
    "radarr": (
        "radarr.json",
        "an import is a hardlink",
        [
            "/ping", "/api/v3/system/status", "/api/v3/config/host", "/api/v3/health", "/api/v3/rootfolder",
            "/api/v3/downloadclient/schema", "/api/v3/notification/schema", "/api/v3/indexer/schema",
            "/api/v3/queue", "/api/v3/queue/status", "/api/v3/movie", "/api/v3/moviefile", "/api/v3/tag",
            "/api/v3/command", "/api/v3/qualityprofile", "/api/v3/diskspace", "/api/v3/config/mediamanagement",
            "/api/v3/config/naming", "/api/v3/config/downloadclient", "/api/v3/config/indexer", "/api/v3/config/ui",
        ],
    ),
    "sonarr": (
        "sonarr-v3.json",
        "an episode is hardlinked into its season",
        [
            "/ping", "/api/v3/system/status", "/api/v3/config/host", "/api/v3/health", "/api/v3/rootfolder",
            "/api/v3/downloadclient/schema", "/api/v3/notification/schema", "/api/v3/indexer/schema",
            "/api/v3/queue", "/api/v3/queue/status", "/api/v3/series", "/api/v3/episodefile?seriesId=1",
            "/api/v3/tag", "/api/v3/command", "/api/v3/qualityprofile", "/api/v3/diskspace",
            "/api/v3/config/mediamanagement", "/api/v3/config/naming", "/api/v3/config/downloadclient",
            "/api/v3/config/indexer", "/api/v3/config/ui",
        ],
    ),
    "prowlarr": (
        "prowlarr.json",
        "who may call",
        [
            "/ping", "/api/v1/system/status", "/api/v1/config/host", "/api/v1/health", "/api/v1/tag",
            "/api/v1/applications/schema", "/api/v1/indexer/schema", "/api/v1/indexerproxy/schema",
            "/api/v1/downloadclient/schema", "/api/v1/notification/schema", "/api/v1/appprofile", "/api/v1/command",
            "/api/v1/config/ui",
        ],
    ),
    "jellyfin": (
        "jellyfin.json",
        "libraries",
        [
            "/System/Ping", "/System/Info/Public", "/System/Info", "/System/Configuration", "/Auth/Keys", "/Users",
            "/Users/Me", "/Sessions", "/Library/VirtualFolders", "/Library/MediaFolders", "/Items/Counts",
        ],
    ),
    "seerr": (
        "seerr.yaml",
        "servers are appended, and replaced whole",
        ["/status", "/settings/public", "/settings/main", "/settings/radarr", "/auth/me", "/user", "/request/count",
         "/settings/about"],
    ),
}  # fmt: skip


def document(name: str) -> dict[str, Any]:
    """An API document; YAML is a superset of JSON, but a slow one."""
    assert SPECS is not None
    text = (SPECS / name).read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text) if name.endswith(".json") else yaml.load(text, yaml.CSafeLoader)
    return loaded


def with_null(node: Any) -> Any:
    """`nullable` is OpenAPI's own: write it as JSON Schema knows it."""
    if isinstance(node, list):
        return [with_null(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    if node.get("$ref") == "#/components/schemas/HttpUri":  # documented as an object, sent as text
        return {"type": "string"}
    changed = {key: with_null(value) for key, value in node.items()}
    if changed.pop("nullable", False) is True:
        return {"anyOf": [changed, {"type": "null"}]}
    return changed


def schema_of(spec: dict[str, Any], path: str, method: str, status: int) -> dict[str, Any] | None:
    """The schema of an answer, or None when the document gives none."""
    operations = {key.lower(): value for key, value in spec["paths"].items()}
    answers = operations[path.lower()][method]["responses"]
    content = answers[str(status)].get("content", {})
    media = next((value for kind, value in content.items() if "json" in kind), {})
    schema: dict[str, Any] | None = media.get("schema")
    return schema


def faults(spec: dict[str, Any], schema: dict[str, Any], data: Any) -> list[str]:
    """What the document forbids."""
    whole = {**schema, "components": spec["components"]}
    return [error.message for error in jsonschema.Draft4Validator(whole).iter_errors(data)]


@pytest.mark.parametrize("name", ASKED)
def test_answers_have_the_documented_shape(name: str, tmp_path: Path) -> None:
    file, prepared, paths = ASKED[name]
    spec = with_null(document(file))
    contract = load(name)
    scenario = next(entry for entry in contract["scenarios"] if entry["name"] == prepared)
    wrong, compared = [], 0
    with Scenario(contract, scenario, tmp_path) as running:
        running.run()
        prefix = "/api/v1" if name == "seerr" else ""
        for path in paths:
            headers = {}
            if name == "jellyfin":
                headers = {"Authorization": f'MediaBrowser Token="{running.known["token"]}"'}
            elif name == "seerr":
                headers = {"X-Api-Key": "seerr-key-0123456789"}
            answer = running.running[""].send({"GET": prefix + path, "headers": headers})
            assert answer.status == 200, (path, answer.text)
            schema = schema_of(spec, path.partition("?")[0], "get", 200)
            if schema is not None:
                compared += 1
                wrong += [f"{path}: {fault}" for fault in faults(spec, schema, answer.data)]
    assert not wrong, "\n".join(wrong)
    assert compared >= len(paths) // 2


def test_the_comparison_can_fail() -> None:
    spec = with_null(document("radarr.json"))
    schema = schema_of(spec, "/api/v3/system/status", "get", 200)
    assert schema is not None
    assert faults(spec, schema, {"typo": 1})
    assert not faults(spec, schema, {"version": None})
