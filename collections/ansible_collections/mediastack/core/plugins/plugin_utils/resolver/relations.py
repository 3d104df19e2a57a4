"""How instances depend on each other: gateways, requirements, exclusions, order of start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.mediastack.core.plugins.module_utils.nearest import suggestion
from ansible_collections.mediastack.core.plugins.plugin_utils.schema_service import DOCKER_API, GATEWAY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.mediastack.core.plugins.plugin_utils.resolver.model import Instance, Server


def choose_gateways(server: Server) -> None:
    """Give every instance behind a VPN its gateway."""
    gateways = [gateway.name for gateway in server.gateways]
    for instance in server.in_order():
        behind = instance.zone in ("vpn", "proxied") and not instance.is_gateway
        chosen = instance.overrides.get("gateway")
        if chosen and not behind:
            text = f"'{instance.name}' is in zone '{instance.zone}' and uses no gateway."
            server.wrong(instance, ("gateway",), text, "Remove it, or set zone: vpn or zone: proxied.", key=True)
        elif behind:
            instance.gateway = _gateway(server, instance, chosen, gateways)


def _gateway(server: Server, instance: Instance, chosen: str | None, gateways: list[str]) -> str | None:
    if chosen:
        if chosen not in gateways:
            names = ", ".join(gateways) or "none"
            text = f"'{chosen}' is not a VPN gateway on {server.host}.{suggestion(chosen, gateways)}"
            server.wrong(instance, ("gateway",), text, f"Gateways: {names}.")
        return chosen if chosen in gateways else None
    keys = ("zone",) if "zone" in instance.overrides else ()
    if not gateways and server.incomplete:
        return None
    if not gateways:
        text = f"'{instance.name}' is in zone '{instance.zone}', but {server.host} has no VPN gateway."
        remedy = "Add one, for example mediastack_services_vpn: {gluetun: {provider: …}}, or set zone: apps."
        server.wrong(instance, keys, text, remedy, key=not keys)
        return None
    if len(gateways) > 1:
        text = f"'{instance.name}' is in zone '{instance.zone}', and {server.host} has several VPN gateways."
        server.wrong(instance, keys, text, f"Say which: gateway: {' or '.join(gateways)}.", key=not keys)
        return None
    return gateways[0]


def check_relations(server: Server, everywhere: Iterable[Instance]) -> None:
    """Find exclusions and unmet requirements; unmet needs and retired services become notices."""
    others = list(everywhere)
    for instance in server.in_order():
        _exclusions(server, instance)
        here = server.in_order()
        for wanted in instance.spec["requires"]:
            if not server.incomplete and not any(other.provides(wanted) for other in here if other is not instance):
                text = f"'{instance.name}' cannot run without '{wanted}', which nothing on {server.host} offers."
                server.wrong(instance, (), text, _who_offers(server, [wanted]), key=True)
        _needs(server, instance, others)
        successor = instance.spec["successor"]
        if successor:
            server.notices.append(
                f"{instance.name}: {instance.spec['title']} is retired. Its successor '{successor}' "
                "reads its configuration."
            )


def _exclusions(server: Server, instance: Instance) -> None:
    for other in server.in_order():
        if other.service.name == instance.service.name:
            continue
        if any(other.provides(name) for name in instance.spec["excludes"]) and _reports(instance, other):
            text = f"'{instance.name}' cannot stand beside '{other.name}'."
            server.wrong(instance, (), text, f"Switch one off: {other.name}: {{enabled: false}}.", key=True)


def _reports(one: Instance, other: Instance) -> bool:
    """Say which of two that exclude each other tells the owner: one error for a pair is enough."""
    mutual = any(one.provides(name) for name in other.spec["excludes"])
    return not mutual or one.name > other.name


def _needs(server: Server, instance: Instance, everywhere: list[Instance]) -> None:
    def met(wanted: str) -> bool:
        return any(other.provides(wanted) for other in everywhere if other is not instance)

    needs = instance.spec["needs"]
    for wanted in needs["all"]:
        if not met(wanted):
            server.notices.append(f"{instance.name}: nothing offers '{wanted}'. {_who_offers(server, [wanted])}")
    if needs["any"] and not any(met(wanted) for wanted in needs["any"]):
        listed = "' or '".join(needs["any"])
        server.notices.append(f"{instance.name}: nothing offers '{listed}'. {_who_offers(server, needs['any'])}")


def _who_offers(server: Server, wanted: list[str]) -> str:
    names = [
        name
        for name in server.catalogue
        if any(offer in server.catalogue[name].spec["offers"] or offer == name for offer in wanted)
        and not server.catalogue[name].spec["successor"]
    ]
    return f"Services that do: {', '.join(names)}." if names else "No service of the catalogue does."


def uses_socket(instance: Instance) -> bool:
    """Say whether the instance talks to the docker socket proxy."""
    needs = instance.spec["needs"]
    return DOCKER_API in (*instance.spec["requires"], *needs["all"], *needs["any"])


def order(server: Server) -> dict[str, list[str]]:
    """Return, for each instance, those that start before it; a wish that would close a circle is left out."""
    before: dict[str, set[str]] = {name: set() for name in server.instances}
    for hard in (True, False):
        for instance in server.in_order():
            for other in _wanted(server, instance, hard=hard):
                if other != instance.name and not _reaches(before, other, instance.name):
                    before[instance.name].add(other)
    return {name: sorted(others) for name, others in before.items()}


def _wanted(server: Server, instance: Instance, *, hard: bool) -> list[str]:
    needs = instance.spec["needs"]
    words = instance.spec["requires"] if hard else [*needs["all"], *needs["any"]]
    found = [
        other.name for other in server.in_order() if any(other.provides(word) for word in words if word != GATEWAY)
    ]
    return [*found, *([instance.gateway] if hard and instance.gateway else [])]


def _reaches(before: dict[str, set[str]], start: str, goal: str) -> bool:
    seen, todo = {start}, [start]
    while todo:
        name = todo.pop()
        if name == goal:
            return True
        todo += [other for other in before[name] if other not in seen]
        seen |= before[name]
    return False
