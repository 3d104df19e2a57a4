"""The owner's choices of one host, merged from all layers that set them.

Ansible lets the most specific layer (group, child group, host) replace a whole mapping; here mappings
merge by key instead, so that a host that adds one instance keeps those of its group.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .errors import Problem
from .schema import CHOICES, SERVICE_VARIABLES
from .validate import kind_of, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PREFIX = "mediastack_"


@dataclass(slots=True)
class Choices:
    """What one host's owner wants.

    `values` are the `mediastack_*` variables except the instances, as written; `origins` tells, for an
    instance and each of its keys, which variable set it; `architecture` is Docker's name for the server's
    processor, if known.
    """

    values: dict[str, Any] = field(default_factory=dict)
    instances: dict[str, dict[str, Any]] = field(default_factory=dict)
    origins: dict[tuple[str, ...], str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    architecture: str | None = None

    def path(self, name: str, *keys: str) -> tuple[str, ...]:
        """Return the key path of an instance's key as the owner wrote it."""
        default = self.origins.get((name,), SERVICE_VARIABLES[0])
        variable = self.origins.get((name, keys[0]), default) if keys else default
        return (variable, name, *keys)


def from_variables(variables: Mapping[str, Any], architecture: str | None = None) -> Choices:
    """Return the choices of a host that has one layer."""
    return merge([variables], architecture)


def merge(layers: Iterable[Mapping[str, Any]], architecture: str | None = None) -> Choices:
    """Merge layers, the least specific first; within a layer no two variables may disagree on a key."""
    choices = Choices(architecture=architecture)
    for layer in layers:
        own = {name: value for name, value in layer.items() if name.startswith(PREFIX)}
        instances = _instances_of_layer(own, choices)
        for name, overrides in instances.items():
            _settle(choices.instances, name, overrides)
        for variable, value in own.items():
            if variable not in SERVICE_VARIABLES:
                _settle(choices.values, variable, value)
    for variable in sorted(set(choices.values) - set(CHOICES)):
        text, remedy = unknown(variable, CHOICES, "variable")
        choices.problems.append(Problem((variable,), text, (remedy,), "key"))
        del choices.values[variable]
    return choices


def deep_merge(base: Any, top: Any) -> Any:
    """Return `top` over `base`: mappings merge by key, everything else is replaced."""
    if isinstance(base, dict) and isinstance(top, dict):
        merged = dict(base)
        for key, value in top.items():
            merged[key] = deep_merge(base[key], value) if key in base else value
        return merged
    return top


def _settle(into: dict[str, Any], name: str, value: Any) -> None:
    into[name] = deep_merge(into[name], value) if name in into else value


def _instances_of_layer(layer: Mapping[str, Any], choices: Choices) -> dict[str, Any]:
    found: dict[str, Any] = {}
    seen: dict[tuple[str, ...], str] = {}
    for variable in SERVICE_VARIABLES:
        value = layer.get(variable)
        if value is None:
            continue
        if not isinstance(value, dict):
            text = f"is {kind_of(value)}; a mapping from instance names to overrides is expected."
            choices.problems.append(Problem((variable,), text, ("Example: radarr: {}",)))
            continue
        for name, overrides in value.items():
            given = {} if overrides is None else overrides
            if not isinstance(given, dict):
                text = f"is {kind_of(given)}; a mapping of overrides is expected."
                choices.problems.append(Problem((variable, str(name)), text, (f"Example: {name}: {{}}",)))
                given = {}
            choices.problems += _disagreements(variable, str(name), given, found.get(str(name), {}), seen)
            found[str(name)] = deep_merge(found.get(str(name), {}), given)
            _remember(choices, seen, variable, str(name), given)
    return found


def _remember(
    choices: Choices, seen: dict[tuple[str, ...], str], variable: str, name: str, given: dict[str, Any]
) -> None:
    choices.origins[(name,)] = variable
    for key in given:
        choices.origins[(name, str(key))] = variable
        seen[(name, str(key))] = variable


def _disagreements(
    variable: str, name: str, given: dict[str, Any], before: dict[str, Any], seen: dict[tuple[str, ...], str]
) -> list[Problem]:
    """Find keys that two variables of one layer set differently: no order between them would be fair."""
    problems = []
    for key, value in given.items():
        if key in before and _clash(before[key], value):
            other = seen[(name, str(key))]
            text = f"is set differently in {other}.{name}.{key}."
            problems.append(Problem((variable, name, str(key)), text, ("Keep one of the two.",)))
    return problems


def _clash(one: Any, two: Any) -> bool:
    if isinstance(one, dict) and isinstance(two, dict):
        return any(_clash(one[key], two[key]) for key in one.keys() & two.keys())
    return bool(one != two)
