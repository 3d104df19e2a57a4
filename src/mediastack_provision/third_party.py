"""Third-party collections that the playbooks need, when the environment does not bring them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from mediastack_provision.exits import Exit, UserError
from mediastack_provision.project import cache_dir, private_dir
from mediastack_provision.runner import ansible_program, build_env, collection_paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from mediastack_provision.project import Project

INSTALL_SECONDS = 300
MODULE = re.compile(r"^\s*(?:- )?(?:action: )?([a-z_0-9]+\.[a-z_0-9]+)\.[a-z_0-9]+:?", re.MULTILINE)


def required(project: Project) -> list[str]:
    """The collections in requirements.yml that our playbooks and roles name; the others are for tests."""
    import yaml

    if not project.requirements.is_file():
        return []
    content = yaml.safe_load(project.requirements.read_text(encoding="utf-8")) or {}
    names = [entry["name"] if isinstance(entry, dict) else entry for entry in content.get("collections") or []]
    used = used_namespaces(project)
    return [name for name in names if name in used]


def used_namespaces(project: Project) -> set[str]:
    """Every `namespace.collection` of a module that a task names."""
    folders = ("playbooks/*.yml", "roles/*/tasks/*.yml", "roles/*/handlers/*.yml", "roles/*/meta/main.yml")
    texts = (path.read_text(encoding="utf-8") for pattern in folders for path in project.root.glob(pattern))
    return {match for text in texts for match in MODULE.findall(text)}


def missing(project: Project, cache: Path) -> list[str]:
    """Required collections that Ansible would not find."""
    wanted = required(project)
    if not wanted:
        return []
    places = [*collection_paths(project, cache), *_of_this_environment()]
    return [name for name in wanted if not any(_inside(place, name).is_dir() for place in places)]


def _of_this_environment() -> list[Path]:
    """The `ansible` package brings its collections beside ansible-core."""
    import importlib.util

    spec = importlib.util.find_spec("ansible")
    if spec is None or spec.origin is None:
        return []
    return [Path(spec.origin).parent.parent]


def _inside(place: Path, name: str) -> Path:
    return place.joinpath("ansible_collections", *name.split("."))


def ensure(project: Project, say: Callable[[str], None]) -> None:
    """Install what is missing into the user's cache, once.

    Raises:
        UserError: when that fails, with the command to run by hand.

    """
    cache = cache_dir()
    names = missing(project, cache)
    if not names:
        return
    say(f"Installing {', '.join(names)} into {cache / 'collections'} (once)")
    private_dir(cache)
    command = [ansible_program("ansible-galaxy"), "collection", "install"]
    command += ["-r", str(project.requirements), "-p", str(cache / "collections")]
    env = os.environ | build_env(project, os.environ, cache, cache / "cp")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, env=env, check=False)
        problem = done.stderr.strip() if done.returncode else ""
    except subprocess.TimeoutExpired:
        problem = f"it took more than {INSTALL_SECONDS} seconds"
    if problem:
        raise UserError(
            f"{', '.join(names)} could not be installed: {problem}\nBy hand: {' '.join(command)}", Exit.FAILED
        )
