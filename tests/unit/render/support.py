"""A resolved stack, secrets for it, and what both render to; shared by the tests of all that reads a Stack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.mediastack.core.plugins.plugin_utils import secrets
from ansible_collections.mediastack.core.plugins.plugin_utils.render.stack import render_stack

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "tests/unit/fixtures/stack_example.json"
ROLES = str(ROOT / "roles")
OWNER = {"gluetun": {"wireguard_private_key": "QFNBRkVTRU5USU5FTEZPUlRIRVdJUkVHVUFSREtFWSE="}}


def example_stack() -> dict[str, Any]:
    stack: dict[str, Any] = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    return stack


def example_secrets(stack: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Every secret is a text of its own that says whose it is, so that a leak can be recognised."""
    values: dict[str, dict[str, str]] = {"mediastack": {"hash_key": "sentinel-hash-key"}}
    for secret in stack["secrets"]:
        if secret["source"] != "application":
            name = f"sentinel-{secret['instance']}-{secret['name']}"
            values.setdefault(secret["instance"], {})[secret["name"]] = name
    return values


def rendered(stack: dict[str, Any], **options: Any) -> dict[str, Any]:
    known = options.pop("secrets", None) or example_secrets(stack)
    return render_stack(stack, known, [ROLES], **options)


def service_of(stack: dict[str, Any], name: str, **options: Any) -> dict[str, Any]:
    """The compose service of an instance, as compose reads it."""
    import yaml  # noqa: PLC0415  # only here

    for file in rendered(stack, **options)["files"]:
        if file["path"].startswith(stack["paths"]["compose"]):
            services = yaml.safe_load(file["content"])["services"]
            if name in services:
                service: dict[str, Any] = services[name]
                return service
    raise AssertionError(f"{name} is in no compose file")


def spec(stack: dict[str, Any], name: str, **options: Any) -> str:
    for project in rendered(stack, **options)["projects"]:
        if name in project["services"]:
            return str(project["services"][name]["spec"])
    raise AssertionError(f"{name} is in no project")


__all__ = ["OWNER", "ROLES", "ROOT", "example_secrets", "example_stack", "rendered", "secrets", "service_of", "spec"]
