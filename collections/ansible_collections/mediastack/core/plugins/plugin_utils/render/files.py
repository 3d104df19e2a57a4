"""Everything but containers, as the `files` module takes it.

    text_files(stack, secrets, env) -> [TextFile]
    assemble(stack, secrets, texts, projects) -> {"directories": [..], "files": [..],
    "secret_contents": {key: text}}

    directory: {"path", "owner", "group", "mode"}
    file: {"path", "content" | "secret" (a key of secret_contents), "owner", "group", "mode", "policy":
    managed | seed}

Owners are numbers: the names may not exist yet when the plan is made, and an id needs no look-up.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.plugin_utils import media_tree
from ansible_collections.mediastack.core.plugins.plugin_utils.render.compose import dump
from ansible_collections.mediastack.core.plugins.plugin_utils.render.content import (
    DATA,
    dump_json,
    template_values,
)
from ansible_collections.mediastack.core.plugins.plugin_utils.render.text import render_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import jinja2

ROOT = 0


@dataclass(frozen=True)
class TextFile:
    """One configuration file of an instance, rendered."""

    instance: str
    path: str
    text: str
    policy: str
    mode: str
    owner: str
    secret: bool


def text_files(
    stack: dict[str, Any], secrets: Mapping[str, Mapping[str, str]], env: jinja2.Environment
) -> list[TextFile]:
    """Return the configuration files of every instance, in order of name."""
    return [
        TextFile(
            instance=name,
            path=file["path"],
            text=file_text(name, file, stack, dict(secrets.get(name, {})), env),
            policy=file.get("policy") or "managed",
            mode=file.get("mode") or "0640",
            owner=file.get("owner") or "media",
            secret=bool(file.get("secret")),
        )
        for name, instance in sorted(stack["instances"].items())
        for file in instance.get("files", [])
    ]


def file_text(
    name: str, file: dict[str, Any], stack: dict[str, Any], secrets: dict[str, str], env: jinja2.Environment
) -> str:
    """Return the text of one file: data where it is data, a template otherwise."""
    build = DATA.get(posixpath.basename(file["template"]).removesuffix(".j2"))
    if build:
        return dump_json(build(name, stack, secrets))
    role = stack["instances"][name]["role"]
    return render_text(env, role, file["template"], template_values(name, stack, secrets))


def contents(
    stack: dict[str, Any], secrets: Mapping[str, Mapping[str, str]], texts: Iterable[TextFile]
) -> dict[str, dict[str, str]]:
    """Return what each container reads and must be restarted for: managed files and mounted secrets.

    A seed does not count: the application owns it from its first start.
    """
    result: dict[str, dict[str, str]] = {name: {} for name in stack["instances"]}
    for text in texts:
        if text.policy == "managed":
            result[text.instance][f"file:{text.path}"] = text.text
    for name, instance in stack["instances"].items():
        for secret in mounted_secrets(instance):
            result[name][f"secret:{secret['name']}"] = secrets[name][secret["name"]]
    return result


def mounted_secrets(instance: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the secrets that the container gets as files; others are for us or a configuration file."""
    return [secret for secret in instance.get("secrets", []) if secret.get("source") and secret.get("target")]


def assemble(
    stack: dict[str, Any],
    secrets: Mapping[str, Mapping[str, str]],
    texts: Iterable[TextFile],
    projects: Mapping[str, dict[str, Any]],
) -> dict[str, Any]:
    """Return directories, files and the texts that must not be logged."""
    texts = list(texts)
    secret_contents: dict[str, str] = {}
    files: list[dict[str, Any]] = []
    for text in texts:
        uid, gid = ids(text.owner, stack)
        entry = {"path": text.path, "owner": uid, "group": gid, "mode": text.mode, "policy": text.policy}
        if text.secret:
            secret_contents[text.path] = text.text
            entry["secret"] = text.path
        else:
            entry["content"] = text.text
        files.append(entry)
    for name, instance in sorted(stack["instances"].items()):
        for secret in mounted_secrets(instance):
            uid, gid = ids(secret.get("owner") or "root", stack)
            path = secret["source"]
            secret_contents[path] = secrets[name][secret["name"]]
            files.append(
                {
                    "path": path,
                    "owner": uid,
                    "group": gid,
                    "mode": "0400",
                    "policy": "managed",
                    "secret": path,
                }
            )
    files += compose_files(projects)
    directories = base_directories(stack, projects) + volume_directories(stack) + media_directories(stack)
    directories += file_parents(stack, texts, directories)
    unique = {entry["path"]: entry for entry in reversed(directories)}  # the first one wins
    return {
        "directories": [unique[path] for path in sorted(unique)],
        "files": sorted(files, key=lambda file: str(file["path"])),
        "secret_contents": secret_contents,
    }


def ids(owner: str, stack: dict[str, Any]) -> tuple[int, int]:
    """Return uid and gid of `root` or `media`."""
    media = stack["media"]
    return (int(media["uid"]), int(media["gid"])) if owner == "media" else (ROOT, ROOT)


def compose_files(projects: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the compose files as text."""
    return [
        {
            "path": posixpath.join(project["directory"], name),
            "content": dump(content),
            "owner": ROOT,
            "group": ROOT,
            "mode": "0640",
            "policy": "managed",
        }
        for project in projects.values()
        for name, content in project["files"].items()
    ]


def directory(path: str, owner: tuple[int, int], mode: str) -> dict[str, Any]:
    """Return one entry of `directories`."""
    return {"path": path, "owner": owner[0], "group": owner[1], "mode": mode}


def base_directories(stack: dict[str, Any], projects: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return our own folders; secrets are for root alone, the engine mounts each file by itself."""
    paths, root = stack["paths"], (ROOT, ROOT)
    holders = [name for name, instance in stack["instances"].items() if mounted_secrets(instance)]
    return [
        directory(paths["root"], root, "0755"),
        directory(paths["compose"], root, "0750"),
        directory(paths["config"], root, "0755"),
        directory(paths["secrets"], root, "0700"),
        *(directory(project["directory"], root, "0750") for project in projects.values()),
        *(directory(posixpath.join(paths["secrets"], name), root, "0700") for name in holders),
    ]


def volume_directories(stack: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the folders below the config root that containers mount, with the folders that lead to them."""
    root = stack["paths"]["config"]
    volumes = [
        volume
        for instance in stack["instances"].values()
        for volume in instance.get("volumes", [])
        if below(volume["source"], root)
    ]
    own = [directory(v["source"], ids(v.get("owner") or "media", stack), "0750") for v in volumes]
    parents = [directory(parent, (ROOT, ROOT), "0755") for v in volumes for parent in between(v["source"], root)]
    # In this order: a folder that is a volume keeps its own owner, whoever else needs it as a parent.
    return own + parents


def file_parents(stack: dict[str, Any], texts: Iterable[TextFile], known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the folders inside volumes that configuration files need, owned like the file."""
    have = {entry["path"] for entry in known}
    roots = [path for path in have if below(path, stack["paths"]["config"])]
    result = []
    for text in texts:
        volumes = [path for path in roots if below(text.path, path)]
        parents = between(text.path, max(volumes, key=len)) if volumes else []
        owner = ids(text.owner, stack)
        result += [directory(parent, owner, "0750") for parent in parents if parent not in have]
    return result


def media_directories(stack: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the media tree; the root itself is the owner's. New files inherit the group."""
    root, owner = stack["media"]["root"], ids("media", stack)
    return [directory(posixpath.join(root, folder), owner, "2775") for folder in media_tree.folders(stack)]


def below(path: str, root: str) -> bool:
    """Say whether `path` is inside `root` (and not root itself)."""
    return posixpath.normpath(path).startswith(posixpath.normpath(root).rstrip("/") + "/")


def between(path: str, root: str) -> list[str]:
    """Return the folders strictly between `root` and `path`, outermost first."""
    parents = []
    parent = posixpath.dirname(posixpath.normpath(path))
    while below(parent, root):
        parents.append(parent)
        parent = posixpath.dirname(parent)
    return parents[::-1]
