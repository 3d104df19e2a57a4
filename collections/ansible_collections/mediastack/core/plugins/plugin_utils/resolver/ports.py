"""Which port stands where, inside and on the server, and who collides with whom."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansible_collections.mediastack.core.plugins.plugin_utils.resolver.model import Instance, Server
    from ansible_collections.mediastack.core.plugins.plugin_utils.stack_types import Port, Publication

ANYWHERE = ("0.0.0.0", "::")  # noqa: S104 - addresses to compare with
LOOPBACK = "127.0.0.1"


def read_ports(server: Server) -> None:
    """Give every instance its ports, then look for two that want the same."""
    for instance in server.in_order():
        instance.ports = _ports(server, instance)
    _inside(server)
    if not any(problem.path[:1] == ("mediastack_edge",) for problem in server.problems):
        _published(server)


def moved(instance: Instance, name: str) -> bool:
    """Say whether the owner's port is the listening one: the instance shares a namespace."""
    return (instance.shares_namespace or instance.zone in ("host", "native")) and name in instance.overrides.get(
        "ports", {}
    )


def _ports(server: Server, instance: Instance) -> list[Port]:
    given: dict[str, dict[str, Any]] = instance.overrides.get("ports", {})
    known: dict[str, dict[str, Any]] = instance.spec["ports"]
    own = {
        name: {
            "listen": port["listen"],
            "protocol": port.get("protocol", "tcp"),
            "env": None,
            "publish": "lan",
        }
        for name, port in given.items()
        if name not in known and "listen" in port
    }
    ports: list[Port] = []
    for name, port in {**known, **own}.items():
        listen, wanted = port["listen"], given.get(name, {}).get("port")
        if wanted is not None and wanted != listen and moved(instance, name):
            if port["env"] is None:
                text = f"{instance.spec['title']} cannot be told to listen on a port other than {listen}."
                server.wrong(
                    instance,
                    ("ports", name),
                    text,
                    "Leave the port, or set zone: apps, where each instance has an address.",
                )
            listen = wanted
        ports.append(
            {
                "name": name,
                "listen": listen,
                "protocol": port["protocol"],
                "publish": _publication(server, instance, name, {**port, "listen": listen}),
            }
        )
    return ports


def _publication(server: Server, instance: Instance, name: str, port: dict[str, Any]) -> Publication | None:
    given: dict[str, Any] = instance.overrides.get("ports", {}).get(name, {})
    edge = server.setting("edge")
    web = (instance.spec["web"] or {}).get("port") == name
    how = given.get("publish") or port["publish"] or ("auto" if web else "none")
    if how in ("edge_http", "edge_https"):
        return {
            "address": edge["address"],
            "port": given.get("port", edge[f"{how.removeprefix('edge_')}_port"]),
        }
    if how == "auto":
        how = instance.overrides.get("publish", "auto")
    if how == "auto":
        how = "none" if server.has_edge else "lan"
    if how == "none" or instance.zone in ("host", "native"):
        return None
    return {
        "address": LOOPBACK if how == "loopback" else edge["address"],
        "port": given.get("port", port["listen"]),
    }


def _inside(server: Server) -> None:
    """Find two instances of one namespace that listen on one port."""
    taken: dict[tuple[str, int, str], tuple[Instance, str]] = {}
    for instance in [*server.gateways, *(one for one in server.in_order() if not one.is_gateway)]:
        if instance.zone in ("host", "native"):
            space = "the server's own namespace"
        elif instance.shares_namespace or instance.is_gateway:
            space = f"the namespace of '{instance.gateway or instance.name}'"
        else:
            space = f"the container '{instance.name}'"
        for port in instance.ports:
            key = (space, port["listen"], port["protocol"])
            other, other_port = taken.setdefault(key, (instance, port["name"]))
            if (other, other_port) != (instance, port["name"]):
                _clash(
                    server,
                    instance,
                    port,
                    f"in {space}, '{other.name}' listens on {_shown(port['listen'], port)} too.",
                )


def _published(server: Server) -> None:
    """Find two publications of one port, also where one of the addresses means all."""
    taken: list[tuple[Publication, str, str, bool]] = []
    for instance in server.in_order():
        on_server = instance.zone in ("host", "native")
        for port in instance.ports:
            here: Publication | None = {"address": ANYWHERE[0], "port": port["listen"]}
            place = here if on_server else port["publish"]
            if place is None:
                continue
            for other_place, protocol, other, other_on_server in taken:
                known = on_server and other_on_server  # the namespace that they share has shown it
                if not known and protocol == port["protocol"] and _same(place, other_place):
                    number = _shown(place["port"], port)
                    _clash(server, instance, port, f"'{other}' has {number} of {server.host} already.")
            taken.append((place, port["protocol"], instance.name, on_server))


def _same(one: Publication, other: Publication) -> bool:
    addresses = {one["address"], other["address"]}
    return one["port"] == other["port"] and (len(addresses) == 1 or bool(addresses & set(ANYWHERE)))


def _clash(server: Server, instance: Instance, port: Port, text: str) -> None:
    keys = ("ports", port["name"]) if port["name"] in instance.overrides.get("ports", {}) else ()
    used = {p["listen"] for one in server.in_order() for p in one.ports}
    used |= {p["publish"]["port"] for one in server.in_order() for p in one.ports if p["publish"]}
    start = max(port["listen"], (port["publish"] or {"port": 0})["port"], 1024)
    free = next(number for number in chain(range(start + 1, 65536), range(1024, 65536)) if number not in used)
    server.wrong(instance, keys, text, f"Give it another: ports: {{{port['name']}: {free}}}.", key=not keys)


def _shown(number: int, port: Port) -> str:
    return f"{number}/{port['protocol']}"
