"""Resolve the owner's choices into the Stack; see the module of the same name for options."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible import constants
from ansible.inventory.manager import InventoryManager

from ansible_collections.mediastack.core.plugins.plugin_utils import catalogue, choices, choices_layers
from ansible_collections.mediastack.core.plugins.plugin_utils.choices_timezone import unknown_timezone
from ansible_collections.mediastack.core.plugins.plugin_utils.controller_action import ControllerAction
from ansible_collections.mediastack.core.plugins.plugin_utils.errors import ChoicesError, Problem, shortest
from ansible_collections.mediastack.core.plugins.plugin_utils.positions import Places, read_positions
from ansible_collections.mediastack.core.plugins.plugin_utils.resolver import resolve
from ansible_collections.mediastack.core.plugins.plugin_utils.schema import CHOICES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.mediastack.core.plugins.plugin_utils.choices_layers import Layer

GROUP = "mediastack"
ARGUMENTS: dict[str, dict[str, Any]] = {
    "roles": {"type": "list", "elements": "path", "default": []},
    "services": {"type": "list", "elements": "path", "default": []},
}


class ActionModule(ControllerAction):
    """Choices of all servers x catalogue -> fact `mediastack_stack` of this one; changes nothing."""

    argument_spec = ARGUMENTS

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the fact, or everything that is wrong with the choices."""
        host = str(self.variables["inventory_hostname"])
        inventory = Inventory(self._loader, self.variables)
        try:
            services = catalogue.load(
                [*arguments["roles"], *roles(inventory.playbook_dir)],
                [*arguments["services"], *inventory.own_services()],
            )
            found = {name: self.choices(name, inventory) for name in inventory.hosts(host)}
            for name, one in found.items():
                one.problems += inventory.doubled(name)
                one.problems += unknown_timezone(one.values.get("mediastack_timezone"))
            stacks = resolve(services, found)
        except ChoicesError as error:
            return failure(ChoicesError(inventory.located(error.problems, host)))
        stack = stacks[host]
        return {"changed": False, "notices": stack["notices"], "ansible_facts": {"mediastack_stack": stack}}

    def choices(self, host: str, inventory: Inventory) -> choices.Choices:
        """Return a host's choices from all layers, templates filled in with its own variables."""
        known = inventory.variables_of(host)
        before = self._templar.available_variables
        self._templar.available_variables = known
        try:
            effective = {
                name: choices_layers.bare(self._templar.template(known[name]))
                for name in CHOICES
                if name in known and name != choices_layers.SECRETS
            }
            merged = choices_layers.complete(inventory.layers(host), effective, self._templar.template)
        finally:
            self._templar.available_variables = before
        facts = choices_layers.bare((known.get("ansible_facts") or {}).get("mediastack_host") or {})
        return choices.merge(merged, facts.get("architecture"))


class Inventory:
    """The inventory as Ansible reads it, with the layers that its own precedence hides."""

    def __init__(self, loader: Any, variables: Mapping[str, Any]) -> None:
        """Read the same sources again."""
        self.loader, self.variables = loader, variables
        self.sources = [str(source) for source in variables.get("ansible_inventory_sources") or []]
        self.playbook_dir = str(variables.get("playbook_dir") or "")
        self.manager = InventoryManager(loader=loader, sources=self.sources)
        self.places = choices_layers.folders(self.sources, self.playbook_dir)

    def hosts(self, host: str) -> list[str]:
        """Return the servers that are resolved together: all of ours, whatever the play is limited to."""
        group = self.manager.groups.get(GROUP)
        members = [member.name for member in group.get_hosts()] if group else []
        together = members or [str(name) for name in self.variables.get("ansible_play_hosts_all") or []]
        return sorted({*together, host})

    def variables_of(self, host: str) -> Mapping[str, Any]:
        """Return a host's variables after Ansible's precedence, templates not yet filled in."""
        if host == self.variables["inventory_hostname"]:
            return self.variables
        found: Mapping[str, Any] = self.variables["hostvars"].raw_get(host)
        return found

    def layers(self, host: str) -> list[Layer]:
        """Return a host's layers; none for one that the play itself has added."""
        known = self.manager.get_host(host)
        if known is None:
            return []
        return choices_layers.layers(self.loader, known.get_groups(), host, known.vars, self.places)

    def own_services(self) -> list[Path]:
        """Return where an owner's own services are."""
        return [place / "services" for place in self.places if str(place) != self.playbook_dir]

    def located(self, problems: list[Problem], default: str) -> list[Problem]:
        """Return the problems with file, line and column."""
        found: dict[str, Places] = {}
        result = []
        for problem in problems:
            host = problem.host or default
            if host not in found:
                found[host] = self._places(host)
            place = problem.place or found[host].find(problem)
            result.append(replace(problem, place=place and place._replace(file=shortest(place.file)), host=None))
        return result

    def doubled(self, host: str) -> list[Problem]:
        """Return what one of a host's variable files says twice: YAML itself would forget the first."""
        files = [read_positions(file) for layer in self.layers(host) for file in layer.files]
        return [problem for file in files for problem in file.problems]

    def _places(self, host: str) -> Places:
        known = self.manager.get_host(host)
        groups = [group.name for group in known.get_groups()] if known else []
        files = [file for layer in self.layers(host) for file in layer.files]
        sources = [name for source in self.sources for name in _inventory_files(Path(source))]
        return Places(files, sources, host, groups)


def roles(playbook_dir: str) -> list[str]:
    """Return where roles with services may be: beside the playbook, above it, and in Ansible's roles_path."""
    base = Path(playbook_dir)
    candidates = [base / "roles", base.parent / "roles", *map(Path, constants.DEFAULT_ROLES_PATH or [])]
    return list(dict.fromkeys(str(path.resolve()) for path in candidates if path.is_dir()))


def failure(error: ChoicesError) -> dict[str, Any]:
    """Return the failure: one text with all that is wrong."""
    return {"failed": True, "changed": False, "msg": str(error)}


def _inventory_files(source: Path) -> list[str]:
    candidates = sorted(source.iterdir()) if source.is_dir() else [source]
    return [str(path) for path in candidates if path.suffix in (".yml", ".yaml") and path.is_file()]
