"""Put the parts together: one server's Stack."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.mediastack.core.plugins.plugin_utils.resolver import contents, networks
from ansible_collections.mediastack.core.plugins.plugin_utils.resolver.relations import order
from ansible_collections.mediastack.core.plugins.plugin_utils.schema_service import LAYERS
from ansible_collections.mediastack.core.plugins.plugin_utils.stack_types import SCHEMA

if TYPE_CHECKING:
    from ansible_collections.mediastack.core.plugins.plugin_utils.resolver.model import Instance, Server
    from ansible_collections.mediastack.core.plugins.plugin_utils.stack_types import (
        Allowance,
        Attachment,
        Image,
        Network,
        Port,
        Project,
        Route,
        Stack,
    )
    from ansible_collections.mediastack.core.plugins.plugin_utils.stack_types import Instance as StackInstance

HTTP, HTTPS = 80, 443


class Layout(NamedTuple):
    """What is known of the server before its instances are put together, by network or instance."""

    subnets: dict[str, IPv4Network]
    networks: list[Network]
    attachments: dict[str, list[Attachment]]
    before: dict[str, list[str]]


def build(server: Server) -> Stack:
    """Return the Stack of a server whose instances, gateways and ports are known."""
    _projects_of_instances(server)
    nets, attachments = networks.attach(server)
    layout = Layout(networks.subnets(server), nets, attachments, order(server))
    instances = {one.name: _instance(server, one, layout) for one in server.in_order()}
    edge = server.setting("edge")
    media = server.setting("media")
    return {
        "schema": SCHEMA,
        "host": server.host,
        "timezone": server.setting("timezone"),
        "paths": contents.paths(server),
        "media": {**media, "root": media["root"].rstrip("/") or "/"},
        "admin": server.setting("admin"),
        "edge": edge if edge["proxy"] else {"proxy": None, "address": edge["address"]},
        "images": server.setting("images"),
        "limits": server.setting("compose")["limits"],
        "networks": nets,
        "lan": [str(IPv4Network(lan, strict=False)) for lan in server.setting("network")["lan"]],
        "projects": _projects(server),
        "instances": instances,
        "secrets": [secret for one in server.in_order() for secret in contents.secrets(one)],
        "routes": _routes(instances),
        "allowances": _allowances(instances),
        "notices": sorted(dict.fromkeys(server.notices)),
    }


def _instance(server: Server, one: Instance, layout: Layout) -> StackInstance:
    spec = one.spec
    route, url, internal = addresses_of(server, one, layout.networks)
    mounts = contents.volumes(server, one)
    image = _image(one)
    mirror = server.setting("images")["mirror"]
    return {
        "name": one.name,
        "service": one.service.name,
        "title": spec["title"],
        "role": one.service.role,
        "layer": spec["layer"],
        "zone": one.zone,
        "workload": spec["workload"],
        "schedule": spec["schedule"],
        "command": spec["command"],
        "user": _user(server, spec["user"]),
        "project": one.project,
        "host": server.host,
        "container": one.name,
        "image": image,
        "reference": f"{mirror}/" * bool(mirror) + f"{image['repository']}:{image['tag']}",
        "gateway": one.gateway,
        "options": one.options,
        "offers": spec["offers"],
        "network": {"mode": _mode(one), "attachments": layout.attachments.get(one.name, [])},
        "ports": one.ports,
        "route": route,
        "url": url,
        "internal_url": internal,
        "volumes": mounts,
        "environment": contents.environment(server, one, layout.subnets, url),
        "secrets": contents.mounted(server, one),
        "files": contents.files(one, mounts),
        "health": _health(one),
        "limits": {key: value for key, value in spec["limits"].items() if value is not None},
        "hardening": spec["hardening"],
        "api": spec["api"],
        "web": spec["web"],
        "backup": spec["backup"],
        "metrics": spec["metrics"],
        "kubernetes": spec["kubernetes"],
        "depends_on": layout.before[one.name],
        "labels": spec["labels"],
        "compose": one.overrides.get("compose") or {},
        "architectures": spec["architectures"],
    }


def _projects_of_instances(server: Server) -> None:
    compose = server.setting("compose")
    for one in server.in_order():
        chosen = one.overrides.get("project")
        if chosen and compose["layout"] != "projects":
            text = f"there is only one project with layout '{compose['layout']}'."
            server.wrong(one, ("project",), text, "Set mediastack_compose.layout: projects, or remove it.", key=True)
        section = f"{compose['project']}-{one.spec['layer']}" if compose["layout"] == "projects" else compose["project"]
        one.project = chosen or section


def _projects(server: Server) -> list[Project]:
    compose = server.setting("compose")
    folder = contents.paths(server)["compose"]
    result: list[Project] = []
    for name in sorted({one.project for one in server.in_order()}):
        members = [one for one in server.in_order() if one.project == name]
        layers = {one.spec["layer"] for one in members}
        files = [f"compose.{layer}.yml" for layer in LAYERS if layer in layers]
        result.append(
            {
                "name": name,
                "directory": f"{folder}/{name}",
                "files": files if compose["layout"] == "layered" else ["compose.yml"],
                "instances": [one.name for one in members],
            }
        )
    return result


def _image(one: Instance) -> Image:
    repository, _, tag = one.spec["image"].rpartition(":")
    return {
        "repository": repository,
        "tag": one.overrides.get("tag", tag),
        "digest": one.overrides.get("digest"),
    }


def _user(server: Server, user: str | None) -> str | None:
    media = server.setting("media")
    return user.format(uid=media["uid"], gid=media["gid"]) if user else None


def _mode(one: Instance) -> str:
    if one.shares_namespace:
        return "container"
    return {"host": "host", "native": "none"}.get(one.zone, "bridge")


def _health(one: Instance) -> dict[str, Any] | None:
    health: dict[str, Any] | None = one.spec["health"]
    if health is None:
        return None
    kept = {key: value for key, value in health.items() if value is not None}
    if health["http"]:
        http = {key: value for key, value in health["http"].items() if value not in (None, False)}
        kept["http"] = {**http, "port": _listen(one.ports, http["port"])}
    return kept


def _listen(ports: list[Port], name: str) -> int:
    return next(port["listen"] for port in ports if port["name"] == name)


def addresses_of(server: Server, one: Instance, nets: list[Network]) -> tuple[str | None, str | None, str | None]:
    """Return the name at the edge, the address for people and the address for other instances."""
    web = one.spec["web"]
    main = web["port"] if web else next((port["name"] for port in one.ports), None)
    port = next((port for port in one.ports if port["name"] == main), None)
    internal = f"http://{networks.reached_at(one, nets)}:{port['listen']}" if port else None
    if not web or not port:
        return None, None, internal
    edge = server.setting("edge")
    if server.has_edge and web["exposure"] != "none":
        route = f"{one.overrides.get('name', one.name)}.{edge['domain']}"
        scheme, number, usual = (
            ("http", edge["http_port"], HTTP) if edge["tls"] == "off" else ("https", edge["https_port"], HTTPS)
        )
        return route, f"{scheme}://{route}" + f":{number}" * (number != usual), internal
    if port["publish"]:
        host = server.host if port["publish"]["address"] in ("0.0.0.0", "::") else port["publish"]["address"]  # noqa: S104
        return None, f"http://{host}:{port['publish']['port']}", internal
    return (
        None,
        f"http://{server.host}:{port['listen']}" if one.zone in ("host", "native") else None,
        internal,
    )


def _routes(instances: dict[str, StackInstance]) -> list[Route]:
    return [
        {
            "host": one["route"],
            "instance": one["name"],
            "upstream": str(one["internal_url"]).removeprefix("http://"),
        }
        for one in instances.values()
        if one["route"]
    ]


def _allowances(instances: dict[str, StackInstance]) -> list[Allowance]:
    open_to_all = any((one["web"] or {}).get("exposure") == "internet" for one in instances.values())
    result: list[Allowance] = []
    for one in instances.values():
        for port in one["ports"]:
            number = port["publish"]["port"] if port["publish"] else port["listen"]
            if not port["publish"] and one["network"]["mode"] not in ("host", "none"):
                continue
            reach = "loopback" if (port["publish"] or {"address": ""})["address"] == "127.0.0.1" else "lan"
            if one["zone"] == "edge" and reach == "lan" and open_to_all:
                reach = "internet"
            result.append({"instance": one["name"], "port": number, "protocol": port["protocol"], "from": reach})
    return result
