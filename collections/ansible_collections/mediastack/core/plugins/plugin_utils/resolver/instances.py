"""From names and overrides to instances: which service, validated, merged with its catalogue entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.nearest import suggestion
from ansible_collections.mediastack.core.plugins.plugin_utils.catalogue import coherent
from ansible_collections.mediastack.core.plugins.plugin_utils.choices import deep_merge
from ansible_collections.mediastack.core.plugins.plugin_utils.errors import Problem
from ansible_collections.mediastack.core.plugins.plugin_utils.resolver.model import Instance
from ansible_collections.mediastack.core.plugins.plugin_utils.schema import option_node
from ansible_collections.mediastack.core.plugins.plugin_utils.schema_nodes import PATTERNS, record
from ansible_collections.mediastack.core.plugins.plugin_utils.schema_service import ENTRY_RECORD, OVERRIDES
from ansible_collections.mediastack.core.plugins.plugin_utils.validate import absent, check, unknown

if TYPE_CHECKING:
    from collections.abc import Collection

    from ansible_collections.mediastack.core.plugins.plugin_utils.catalogue import Service
    from ansible_collections.mediastack.core.plugins.plugin_utils.resolver.model import Server

RESERVED = {"mediastack": "it keeps the project's own secrets", "localhost": "it is every machine's own"}
TOP = 2  # a path's variable and instance
NOT_SPEC = (
    "service",
    "enabled",
    "host",
    "project",
    "gateway",
    "address",
    "publish",
    "ports",
    "name",
    "compose",
    "tag",
    "digest",
)


def read_instances(server: Server, hosts: Collection[str]) -> None:
    """Build the instances of this server; wrong ones are left out, with a problem."""
    for name, given in {**_implied(server), **server.choices.instances}.items():
        if not PATTERNS["name"].matches(name):
            meaning = PATTERNS["name"]
            server.add(
                server.choices.path(name),
                f"'{name}' is not {meaning.meaning}. Example: {meaning.example}.",
                key=True,
            )
            continue
        if name in RESERVED:
            text = f"'{name}' cannot be the name of an instance: {RESERVED[name]}."
            server.add(server.choices.path(name), text, "Choose another name, and say service: ….", key=True)
            continue
        service = _service_of(server, name, given)
        if service is None:
            server.incomplete = True
            continue
        instance = _instance(server, name, given, service)
        if instance.overrides.get("enabled") is False:
            continue
        if _runs_here(server, instance, hosts):
            server.instances[name] = instance


def _implied(server: Server) -> dict[str, dict[str, Any]]:
    """Return what the settings ask for without an entry of its own: the edge proxy."""
    proxy = server.setting("edge")["proxy"]
    given = server.choices.instances
    entries = [name for name, keys in given.items() if keys.get("service", name) == proxy]
    if proxy and entries and all(given[name].get("enabled") is False for name in entries):
        text = f"'{proxy}' is the edge proxy of mediastack_edge.proxy."
        remedy = "Remove enabled: false, or set mediastack_edge.proxy: null."
        server.add(server.choices.path(entries[0], "enabled"), text, remedy)
    return {proxy: {}} if proxy and not entries else {}


def _service_of(server: Server, name: str, given: dict[str, Any]) -> Service | None:
    wanted = given.get("service", name)
    if not isinstance(wanted, str):
        node = OVERRIDES["service"]
        server.problems += check(node, wanted, server.choices.path(name, "service"))[1]
        return None
    if wanted in server.catalogue:
        return server.catalogue[wanted]
    text, remedy = unknown(wanted, server.catalogue, "service")
    if "service" in given:
        server.add(server.choices.path(name, "service"), text, remedy)
    else:
        more = f"An instance with a name of its own says which service it is: {name}: {{service: …}}."
        server.add(server.choices.path(name), text, remedy, more, key=True)
    return None


def _instance(server: Server, name: str, given: dict[str, Any], service: Service) -> Instance:
    """Build an instance; keys that are wrong are reported and left out, so that the rest can be judged."""
    options = {key: option_node(value) for key, value in service.spec["options"].items()}
    node = record({**OVERRIDES, **options}, "Overrides of an instance")
    overrides, problems = check(node, given, ("", name), fill=False)
    for problem in problems:
        server.add(
            (*server.choices.path(name, *problem.path[2:3]), *problem.path[3:]),
            problem.text,
            *problem.remedy,
            key=problem.at == "key",
        )
    faulty = {problem.path[2] for problem in problems if len(problem.path) > TOP}
    overrides = {key: value for key, value in overrides.items() if key not in faulty}
    excused = {absent(key, "")[0] for key in faulty}
    chosen, missing = check(
        record(options, ""),
        {key: overrides[key] for key in options if key in overrides},
        server.choices.path(name),
    )
    missing += [
        Problem(server.choices.path(name), *absent(key, option["description"]), "key")
        for key, option in service.spec["options"].items()
        if chosen.get(key) is None and _due(option, chosen)
    ]
    server.problems += [problem for problem in missing if problem.text not in excused]
    for key, option in service.spec["options"].items():
        _fits(server, (name, key), option, chosen)
    changed = {key: value for key, value in overrides.items() if key not in NOT_SPEC and key not in options}
    environment = changed.pop("environment", {})
    spec = _overridden(server, name, service.spec, changed)
    instance = Instance(name, service, spec, {**overrides, "environment": environment}, chosen)
    _coherent(server, instance)
    return instance


def _overridden(server: Server, name: str, entry: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    """Return the entry with what the owner changes, if that is still a valid entry; else as it was."""
    if not changed:
        return entry
    spec, unfit = check(ENTRY_RECORD, deep_merge(entry, changed))
    unfit = unfit or list(coherent(spec))
    for problem in unfit:
        where = (*server.choices.path(name, *problem.path[:1]), *problem.path[1:])
        server.add(where, problem.text, *problem.remedy, key=problem.at == "key")
    return entry if unfit else dict(spec)


def _due(option: dict[str, Any], chosen: dict[str, Any]) -> bool:
    when = option["required_when"]
    return bool(when) and all(chosen.get(other) == value for other, value in when.items())


def _fits(server: Server, where: tuple[str, str], option: dict[str, Any], chosen: dict[str, Any]) -> None:
    """Refuse a choice that does not go with what another option says."""
    name, key = where
    for other, values in option["choices_when"].get(str(chosen.get(key)), {}).items():
        if chosen.get(other) is not None and chosen[other] not in values:
            rest = [choice for choice in option["choices"] if choice not in option["choices_when"]]
            server.add(
                server.choices.path(name, other),
                f"'{chosen[other]}' does not go with {key} '{chosen[key]}'.",
                f"Set {key}: {' or '.join(rest)}; or {other}: {', '.join(values)}.",
            )


def _coherent(server: Server, instance: Instance) -> None:
    known = set(instance.spec["ports"])
    for name, port in instance.overrides.get("ports", {}).items():
        if name not in known and "listen" not in port:
            text, remedy = unknown(name, known, "port")
            server.wrong(
                instance,
                ("ports", name),
                text,
                remedy,
                "A port of your own says where it listens: {listen: 6881}.",
                key=True,
            )
    for label in instance.overrides.get("labels", {}):
        if label.startswith("mediastack."):
            text = f"'{label}' is a label that only mediastack sets."
            server.wrong(instance, ("labels", label), text, "Choose another name.", key=True)
    if not isinstance(instance.overrides.get("compose") or {}, dict):
        server.wrong(instance, ("compose",), "is not a mapping.", "Example: compose: {dns: [192.0.2.53]}.")


def _runs_here(server: Server, instance: Instance, hosts: Collection[str]) -> bool:
    wanted = instance.overrides.get("host")
    if wanted is None or wanted == server.host:
        return True
    if wanted not in hosts:
        text = f"'{wanted}' is not a server of the inventory.{suggestion(wanted, hosts)}"
        server.wrong(instance, ("host",), text, f"Servers: {', '.join(sorted(hosts))}.")
    return False
