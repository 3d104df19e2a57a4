"""The Stack as compose files: data first, text last.

    render(stack, contents, hash_key, digests, abilities) -> {project: Project}
    Project = {"name", "directory", "files": {file name: compose dict}, "services": {instance: Service}}
    Service = {"container", "image", "reference", "digest": str|None, "spec", "gateway": container|None,
               "workload", "depends_on": [instance], "networks": [name], "file"}

Data holds what the container gets; `dump` doubles every `$`, since compose would interpolate it. So a
password with a dollar in an owner's override stays what it is, and nothing depends on the caller's
environment. Networks are `external`: the `compose` module makes them, because they outlive a project.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.fingerprint import keyed_hash
from ansible_collections.mediastack.core.plugins.plugin_utils.render.service import (
    Context,
    render_service,
    secret_key,
)
from ansible_collections.mediastack.core.plugins.plugin_utils.render.spec import (
    SPEC_LABEL,
    spec_of,
)
from ansible_collections.mediastack.core.plugins.plugin_utils.render.versions import Abilities
from ansible_collections.mediastack.core.plugins.plugin_utils.render.yaml_text import yaml_text

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER = (
    "# Managed by mediastack: written from the inventory, changes made here are undone by the next apply.\n"
    "# Own settings: `compose:` of an instance in the inventory.\n"
)


def render(
    stack: dict[str, Any],
    contents: Mapping[str, Mapping[str, str]],
    hash_key: str,
    digests: dict[str, str] | None = None,
    abilities: Abilities | None = None,
) -> dict[str, dict[str, Any]]:
    """Return every compose project of the Stack.

    `contents` is, per instance, the text of the managed files and secrets that it reads: {instance:
    {name: text}}.
    """
    context = Context(stack, digests or {}, abilities or Abilities())
    return {
        project["name"]: render_project(project, context, contents, hash_key)
        for project in sorted(stack["projects"], key=lambda project: str(project["name"]))
    }


def render_project(
    project: dict[str, Any],
    context: Context,
    contents: Mapping[str, Mapping[str, str]],
    hash_key: str,
) -> dict[str, Any]:
    """Return one project: its files and what is known of each service."""
    files: dict[str, dict[str, Any]] = {name: {"name": project["name"], "services": {}} for name in project["files"]}
    services: dict[str, dict[str, Any]] = {}
    for name in sorted(project["instances"]):
        service = render_service(name, context)
        service.setdefault("labels", {})[SPEC_LABEL] = spec_of(service, keyed_hash(hash_key, contents.get(name, {})))
        file = file_of(name, project, context)
        files[file]["services"][name] = service
        services[name] = describe(name, service, file, context)
    for content in files.values():
        content.update(top_level(content["services"], context))
    return {
        "name": project["name"],
        "directory": project["directory"],
        "files": {name: content for name, content in files.items() if content["services"]},
        "services": services,
    }


def file_of(name: str, project: dict[str, Any], context: Context) -> str:
    """Return the file of an instance: its layer's in the layered layout, else the project's only one."""
    files: list[str] = project["files"]
    layered = f"compose.{context.instances[name]['layer']}.yml"
    return layered if layered in files else files[0]


def describe(name: str, service: dict[str, Any], file: str, context: Context) -> dict[str, Any]:
    """Return what the compose module needs to know of a service to compare it with what runs."""
    instance = context.instances[name]
    sharing = instance["network"]["mode"] == "container"
    names = {network["key"]: network["name"] for network in context.stack["networks"]}
    _, _, digest = service["image"].partition("@")
    return {
        "container": service["container_name"],
        "image": service["image"],
        "reference": instance["reference"],
        "digest": digest or None,
        "spec": service["labels"][SPEC_LABEL],
        "gateway": context.instances[instance["gateway"]]["container"] if sharing else None,
        "workload": instance.get("workload", "service"),
        "depends_on": sorted(service.get("depends_on", {})),
        "networks": [names.get(key, key) for key in service.get("networks", {})],
        "file": file,
    }


def top_level(services: dict[str, dict[str, Any]], context: Context) -> dict[str, Any]:
    """Return the `networks` and `secrets` sections that the services of one file refer to."""
    used = {key for service in services.values() for key in service.get("networks", {})}
    networks = {
        network["key"]: {"name": network["name"], "external": True}
        for network in context.stack["networks"]
        if network["key"] in used
    }
    secrets = {
        secret_key(name, secret["name"]): {"file": secret["source"]}
        for name in services
        for secret in context.instances[name].get("secrets", [])
    }
    return {key: value for key, value in (("networks", networks), ("secrets", secrets)) if value}


def dump(content: dict[str, Any]) -> str:
    """Return a compose dict as text that is the same for equal data: keys sorted, `$` doubled."""
    return HEADER + yaml_text(escape_dollars(content))


def escape_dollars(value: Any) -> Any:
    """Return `value` with every `$` in texts (not in keys) doubled: compose then reads the text as it was."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, dict):
        return {key: escape_dollars(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [escape_dollars(inner) for inner in value]
    return value
