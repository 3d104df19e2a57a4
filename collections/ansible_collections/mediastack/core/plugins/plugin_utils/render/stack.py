"""All that a resolved Stack becomes on a server, in one call.

    render_stack(stack, secrets, template_folders, digests, abilities) ->
        {"projects": [{name, directory, files: [names], services}], "directories", "files", "secret_contents"}

The projects are what the `compose` module takes, gateways' first; the others what the `files` module takes.

Pure but for reading templates. Raises MissingSecretError when a value that a file needs is not in
`secrets`, and TemplateError from the text files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.plugin_utils.render import compose, files, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ansible_collections.mediastack.core.plugins.plugin_utils.render.versions import Abilities


class MissingSecretError(ValueError):
    """A secret that the Stack needs has no value."""


def render_stack(
    stack: dict[str, Any],
    secrets: Mapping[str, Mapping[str, str]],
    template_folders: Iterable[str],
    digests: dict[str, str] | None = None,
    abilities: Abilities | None = None,
) -> dict[str, Any]:
    """Return projects, directories, files and the contents that must stay secret."""
    require(stack, secrets)
    texts = files.text_files(stack, secrets, text.environment(template_folders))
    projects = compose.render(
        stack,
        files.contents(stack, secrets, texts),
        secrets["mediastack"]["hash_key"],
        digests,
        abilities,
    )
    gateways = {instance["gateway"] for instance in stack["instances"].values() if instance.get("gateway")}
    ordered = sorted(projects.values(), key=lambda project: gateways.isdisjoint(project["services"]))
    return {
        "projects": [{**project, "files": list(project["files"])} for project in ordered],
        **files.assemble(stack, secrets, texts, projects),
    }


def require(stack: dict[str, Any], secrets: Mapping[str, Mapping[str, str]]) -> None:
    """Raise MissingSecretError naming every secret that rendering needs and does not have."""
    wanted = [("mediastack", "hash_key")]
    wanted += [
        (secret["instance"], secret["name"])
        for secret in stack.get("secrets", [])
        if secret.get("source") != "application"  # made by the application, after its first start
    ]
    missing = [f"{instance}.{name}" for instance, name in wanted if not secrets.get(instance, {}).get(name)]
    if missing:
        raise MissingSecretError(
            f"No value for {', '.join(missing)} in mediastack_secrets. "
            "Remedy: let the task mediastack.core.secrets run first."
        )
