"""Where the playbooks, roles and the collection are: in the checkout, or in the wheel's data directory.

Nothing is ever written beside them: whatever Ansible wants to keep goes to the user's cache directory.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mediastack_provision.exits import Exit, UserError

PACKAGE = Path(__file__).resolve().parent
TASKS = ("pre_tasks", "tasks", "block", "rescue", "always", "post_tasks")
IMPORTS = ("ansible.builtin.import_role", "ansible.builtin.include_role")
MARKER = Path("playbooks")  # what makes a directory the project's data
SOCKET_PATH_LIMIT = 60  # a Unix socket's path may have 104 characters; ssh adds a hash, a dot and 17 of its own


@dataclass(frozen=True)
class Project:
    """The project's data, and whether it is a checkout that somebody edits."""

    root: Path
    checkout: bool

    @property
    def collections(self) -> Path:
        """Where our own collection lies."""
        return self.root / "collections"

    def playbook(self, verb: str) -> Path:
        """The playbook of a verb.

        Raises:
            UserError: when this installation has no such playbook.

        """
        path = self.root / "playbooks" / f"{verb}.yml"
        if not path.is_file():
            raise UserError(f"{path} is missing: this installation is not complete. Install it again.", Exit.FAILED)
        return path


def turns(playbook: Path) -> tuple[str, ...]:
    """The roles of a playbook in the order in which they run first."""
    import yaml

    found: list[str] = []
    todo = list(yaml.safe_load(playbook.read_text(encoding="utf-8")) or [])
    while todo:
        entry = todo.pop(0)
        found += [role["name"] for how in IMPORTS if (role := entry.get(how))]
        todo = [task for part in TASKS for task in entry.get(part) or []] + todo
    return tuple(dict.fromkeys(found))


def candidates() -> tuple[Project, Project]:
    """The two places where the data can be, in order of preference."""
    return (Project(PACKAGE / "_project", checkout=False), Project(PACKAGE.parent.parent, checkout=True))


def find_project() -> Project:
    """The project's data directory.

    Raises:
        UserError: when neither the wheel nor a checkout has it.

    """
    for project in candidates():
        if (project.root / MARKER).is_dir():
            return project
    looked = " and ".join(str(project.root) for project in candidates())
    raise UserError(f"No playbooks in {looked}: this installation is not complete. Install it again.", Exit.FAILED)


def import_collection(project: Project) -> None:
    """Make `ansible_collections.mediastack.core` importable in this process."""
    path = str(project.collections)
    if path not in sys.path:
        sys.path.insert(0, path)


def _xdg(variable: str, fallback: str) -> Path:
    value = os.environ.get(variable, "")
    base = Path(value) if value.startswith("/") else Path.home() / fallback  # XDG: relative values are ignored
    return base / "mediastack"


def config_dir() -> Path:
    """The owner's settings: the vault password, and inventories that are in no checkout."""
    return _xdg("XDG_CONFIG_HOME", ".config")


def state_dir() -> Path:
    """What should survive, but is no choice of the owner: the history."""
    return _xdg("XDG_STATE_HOME", ".local/state")


def cache_dir() -> Path:
    """What can be thrown away: Ansible's home and the shared SSH connections."""
    return _xdg("XDG_CACHE_HOME", ".cache")


def control_path_dir() -> Path:
    """Where ssh keeps its shared connections: a short path, because sockets allow no long one."""
    path = cache_dir() / "cp"
    if len(str(path)) <= SOCKET_PATH_LIMIT:
        return path
    return Path(tempfile.gettempdir()) / f"mediastack-{os.getuid()}" / "cp"


def display(path: Path) -> str:
    """A path as the user would type it: relative to where they stand when it is below."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
