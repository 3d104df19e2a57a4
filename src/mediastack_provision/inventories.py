"""Which inventory is meant, and where inventories live."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mediastack_provision.exits import UserError
from mediastack_provision.project import config_dir, display

if TYPE_CHECKING:
    from mediastack_provision.project import Project

SHIPPED = frozenset({"example", "sandbox"})  # what the project brings is never chosen without being named


def base_dirs(project: Project) -> list[Path]:
    """Directories that may hold inventories: an explicit one, or here, the checkout's, the user's own."""
    explicit = os.environ.get("MEDIASTACK_INVENTORIES")
    if explicit:
        return [Path(explicit).expanduser().resolve()]
    wanted = [Path.cwd() / "inventories", config_dir() / "inventories"]
    if project.checkout:
        wanted.insert(1, project.root / "inventories")
    return list(dict.fromkeys(path.resolve() for path in wanted))


def home_for_new(project: Project) -> Path:
    """Where `init` writes: the first base directory that exists, else the user's own."""
    bases = base_dirs(project)
    return next((base for base in bases if base.is_dir()), bases[-1])


def known(project: Project) -> dict[str, Path]:
    """Every inventory by name; a name found twice is the first one's."""
    found: dict[str, Path] = {}
    for base in base_dirs(project):
        for path in sorted(base.iterdir()) if base.is_dir() else []:
            if is_inventory(path):
                found.setdefault(path.name, path)
    return found


def is_inventory(path: Path) -> bool:
    """Whether a directory holds a hosts file."""
    return any((path / name).is_file() for name in ("hosts.yml", "hosts.yaml", "hosts", "hosts.ini"))


def select(project: Project, wanted: str | None) -> Path:
    """The inventory a verb works on.

    Args:
        project: where to look for names
        wanted: a path or a name; None picks the only inventory that is not shipped with the project

    Raises:
        UserError: when there is none, or more than one and nothing was asked for.

    """
    inventories = known(project)
    if wanted is not None:
        return _named(wanted, inventories)
    own = {name: path for name, path in inventories.items() if name not in SHIPPED}
    if len(own) == 1:
        return next(iter(own.values()))
    if own:
        raise UserError("There are several inventories; choose one with -i:\n" + _listing(own))
    raise UserError("There is no inventory yet. Write one with: mediastack-provision init")


def _named(wanted: str, inventories: dict[str, Path]) -> Path:
    path = Path(wanted).expanduser()
    if path.exists():
        return path.resolve()
    if wanted in inventories:
        return inventories[wanted]
    if inventories:
        raise UserError(f"There is no inventory {wanted!r}. There are:\n" + _listing(inventories))
    raise UserError(f"There is no inventory {wanted!r}. Write one with: mediastack-provision init")


def _listing(inventories: dict[str, Path]) -> str:
    width = max(map(len, inventories))
    return "\n".join(f"  {name:<{width}}  {display(path)}" for name, path in inventories.items())


def name_of(inventory: Path) -> str:
    """The inventory's name, for headings and history."""
    return inventory.name if inventory.is_dir() else inventory.parent.name or inventory.stem
