"""The layers of an inventory that set a host's choices, the least specific first.

Ansible hands plugins only what is left after its own precedence, where a host's mapping replaces its group's.
So the layers are read again, through Ansible's own loader (which decrypts) and inventory manager.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ansible_collections.mediastack.core.plugins.plugin_utils.choices import PREFIX, deep_merge
from ansible_collections.mediastack.core.plugins.plugin_utils.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

SECRETS = "mediastack_secrets"


class Loader(Protocol):
    """What is used of Ansible's DataLoader."""

    def find_vars_files(self, path: str, name: str) -> list[Any]:
        """Return the variable files of a group or host below a folder."""

    def load_from_file(self, file_name: str, **options: Any) -> Any:
        """Read and, if need be, decrypt a YAML file."""


class Group(Protocol):
    """What is used of Ansible's Group."""

    name: str
    depth: int
    priority: int
    vars: dict[str, Any]


@dataclass(slots=True)
class Layer:
    """Variables of one rank of precedence, and the files that hold them."""

    variables: dict[str, Any]
    files: list[str] = field(default_factory=list)


def folders(sources: Iterable[str], playbook_dir: str | None) -> list[Path]:
    """Return the folders beside which group_vars and host_vars are looked for, the inventory's first."""
    paths = [Path(source) for source in sources if "," not in source]
    found = [path if path.is_dir() else path.parent for path in paths]
    return list(dict.fromkeys([*found, *([Path(playbook_dir)] if playbook_dir else [])]))


def layers(
    loader: Loader, groups: Sequence[Group], host: str, host_vars: Mapping[str, Any], places: Sequence[Path]
) -> list[Layer]:
    """Return the layers of a host in Ansible's order of precedence, with our variables only.

    `host_vars` are the host's own variables in the inventory file.
    """
    ranked = sorted(groups, key=lambda group: (group.depth, group.priority, group.name))
    everyone = [group for group in ranked if group.name == "all"]
    named = [group for group in ranked if group.name != "all"]
    result = [Layer(_ours(group.vars)) for group in ranked]
    for some in (everyone, named):
        result += [_files(loader, place / "group_vars", group.name) for place in places for group in some]
    result.append(Layer(_ours(host_vars)))
    result += [_files(loader, place / "host_vars", host) for place in places]
    return [layer for layer in result if layer.variables]


def complete(
    found: Sequence[Layer], effective: Mapping[str, Any], template: Callable[[Any], Any]
) -> list[dict[str, Any]]:
    """Return the layers' values as plain data, and on top what Ansible knows from elsewhere.

    `effective` are the values after Ansible's precedence: one that equals no layer's last word comes from the
    command line, the play or a dynamic inventory, and has the last word here too.
    """
    values = [{name: bare(template(value)) for name, value in layer.variables.items()} for layer in found]
    last: dict[str, Any] = {}
    for layer in values:
        last |= layer
    elsewhere = {name: value for name, value in effective.items() if name not in last or last[name] != value}
    return [*values, elsewhere] if elsewhere else values


def bare(value: Any) -> Any:
    """Return a value without Ansible's tags; what JSON does not know (a date) is left for validation."""
    if isinstance(value, dict):
        return {bare(key): bare(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [bare(inner) for inner in value]
    return plain(value) if isinstance(value, (str, int, float)) else value


def _ours(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in variables.items() if name.startswith(PREFIX) and name != SECRETS}


def _files(loader: Loader, folder: Path, name: str) -> Layer:
    layer = Layer({})
    if not folder.is_dir():
        return layer
    for found in loader.find_vars_files(str(folder), name):
        file = found.decode() if isinstance(found, bytes) else str(found)
        content = loader.load_from_file(file, cache="all", unsafe=True, trusted_as_template=True)
        layer.files.append(file)
        for variable, value in _ours(content if isinstance(content, dict) else {}).items():
            known = layer.variables
            known[variable] = deep_merge(known[variable], value) if variable in known else value
    return layer
