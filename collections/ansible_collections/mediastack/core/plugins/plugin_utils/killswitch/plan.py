"""What the kill-switch is to be, whether it is that already, and what speaks against it. Pure."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.plugin_utils.killswitch import endpoints, routing, table, units
from ansible_collections.mediastack.core.plugins.plugin_utils.killswitch.view import (
    Findings,
    Host,
    View,
    gateway_of,
    gateways_of,
    shared_of,
)
from ansible_collections.mediastack.core.plugins.plugin_utils.states import in_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

INTERFACE_LENGTH = 15
WATCHED = (units.BOOT, units.WATCH)
APPLY = [units.PYTHON, "-I", units.PROGRAM, "apply"]
RESTORE = [APPLY, ["systemctl", "try-restart", units.WATCH]]
# Where all of it is taken away, its program and units come back, too.
RESTORE_ALL = [APPLY, ["systemctl", "restart", units.WATCH]]


def questions(stack: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What `killswitch_facts` is to be asked."""
    gateways = gateways_of(stack) if wanted["mode"] != "off" else []
    servers = []
    for one in gateways:
        folder = next((volume["source"] for volume in one["volumes"] if volume["name"] == "config"), None)
        if folder and endpoints.provider_of(one) != endpoints.CUSTOM and not endpoints.told_address(one):
            options = one["options"]
            only = {"vpn": [endpoints.kind_of(one)], "country": options.get("country"), "city": options.get("city")}
            servers.append(
                {
                    "gateway": one["name"],
                    "path": f"{folder}/servers.json",
                    "provider": endpoints.provider_of(one),
                    "only": {key: values for key, values in only.items() if values},
                }
            )
    return {
        "names": endpoints.names_to_resolve(wanted["endpoints"], gateways),
        "servers": servers,
        "files": units.paths(),
        "units": list(WATCHED),
    }


def plan(stack: Mapping[str, Any], facts: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Compare.

    Args:
        stack: the resolved Stack.
        facts: what `killswitch_facts` found.
        wanted: ``{mode, endpoints, interfaces, lan_dns}``, the role's variables.

    Returns:
        ``{problems, notices, active, ready, units, table, rules, files, absent, differs, restart, restore,
        guarded_paths}``: why not to do it, what to tell, whether there is anything to keep in, whether the server has
        the programs, which units it has, the two layers, `files` and `absent` for the module `files`, whether anything
        is to be done, whether the watcher runs an older program.

    """
    findings = Findings()
    view = view_of(stack, facts, wanted, findings)
    text = "" if view.empty else table.render(view)
    rules = routing.rules(view)
    files = [] if view.empty else units.files(text, rules)
    states = facts["states"]
    absent = [path for path in units.paths() if view.empty and states[path]["kind"] != "missing"]
    running = all(facts["units"][name]["enabled"] and facts["units"][name]["active"] for name in WATCHED)
    restart = facts["units"][units.WATCH]["stale"] or not _written(files, states)
    differs = bool(
        absent
        or facts["guarded"]
        or not all(in_place(item, states[item["path"]]) for item in files)
        or (files and (facts["faults"] or not running or facts["units"][units.WATCH]["stale"]))
    )
    return {
        "problems": findings.problems,
        "notices": findings.notices,
        "active": not view.empty,
        "ready": all(facts["tools"].values()),
        "units": {name: states[f"{units.UNITS}/{name}"]["kind"] != "missing" for name in WATCHED},
        "table": text,
        "rules": rules,
        "files": files,
        "absent": absent,
        "differs": differs,
        "restart": restart,
        "restore": RESTORE_ALL if absent else RESTORE,
        "guarded_paths": [*units.paths(), *units.links()] if absent else [units.TABLE, units.RULES],
    }


def _written(files: Iterable[Mapping[str, Any]], states: Mapping[str, Any]) -> bool:
    """Whether what the watcher is made of is as it will be."""
    mine = (units.PROGRAM, f"{units.UNITS}/{units.WATCH}")
    return all(in_place(item, states[item["path"]]) for item in files if item["path"] in mine)


def view_of(stack: Mapping[str, Any], facts: Mapping[str, Any], wanted: Mapping[str, Any], findings: Findings) -> View:
    """What the rules are made of; whatever is wrong is added to `findings`."""
    if wanted["mode"] == "off":
        return View()
    declared, names = _declared(stack, wanted, findings), facts["names"]
    gateways = []
    for one in gateways_of(stack):
        ends = endpoints.endpoints_of(one, declared, facts["servers"].get(one["name"]), names, findings)
        gateway = gateway_of(stack, one, ends)
        _outbound(stack, one, findings)
        gateways.append(gateway)
    host = _host(stack, facts, wanted, declared, findings) if wanted["mode"] == "host" else None
    if not facts["systemd"]:
        findings.problems.append("This server is not run by systemd, which loads the kill-switch before the network.")
    if findings.problems:
        return View()
    return View(
        gateways=tuple(gateways),
        shared=shared_of(stack),
        lan=tuple(stack["lan"]),
        subnets=tuple(network["subnet"] for network in stack["networks"]),
        host=host,
    )


def _declared(stack: Mapping[str, Any], wanted: Mapping[str, Any], findings: Findings) -> list[dict[str, Any]]:
    """`killswitch_endpoints`, checked."""
    known = {one["name"] for one in gateways_of(stack)} | {endpoints.HOST}
    for number, entry in enumerate(wanted["endpoints"]):
        where = f"killswitch_endpoints[{number}]"
        if entry["gateway"] not in known:
            findings.problems.append(
                f"{where}.gateway: {entry['gateway']!r} is no VPN gateway of this server. "
                f"There are {', '.join(sorted(known))}."
            )
        if not 0 < int(entry.get("port") or 0) < 65536:  # noqa: PLR2004  ports
            findings.problems.append(
                f"{where}.port: {entry.get('port')!r} is no port. Give the tunnel's own, 1 to 65535."
            )
        if not entry.get("addresses"):
            findings.problems.append(f"{where}.addresses: is empty. Give the addresses of the VPN's servers.")
    return [] if findings.problems else list(wanted["endpoints"])


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text)
    except ValueError:
        return None


def _outbound(stack: Mapping[str, Any], instance: Mapping[str, Any], findings: Findings) -> None:
    """Networks that members may reach outside the tunnel must not be the stack's own, the tunnel's, or everything."""
    where = f"{instance['name']}.outbound_subnets"
    ours = [(f"the stack's network {network['name']}", network["subnet"]) for network in stack["networks"]]
    ours += [("the tunnel's own addresses", address) for address in instance["options"].get("addresses") or []]
    for text in instance["options"].get("outbound_subnets") or []:
        subnet = _network(text)
        if subnet is None:
            findings.problems.append(f"{where}: {text!r} is not a subnet. Example: 192.168.1.0/24.")
            continue
        for what, other in ours:
            taken = ip_network(other, strict=False)
            if taken.version == subnet.version and taken.overlaps(subnet):
                findings.problems.append(
                    f"{where}: {text} overlaps {what} ({other}), so more than your LAN would be let out. "
                    "Give the LAN's own subnet."
                )
                break


def _host(
    stack: Mapping[str, Any],
    facts: Mapping[str, Any],
    wanted: Mapping[str, Any],
    declared: list[dict[str, Any]],
    findings: Findings,
) -> Host:
    """The server behind a VPN of its own. What would lock the owner out is refused."""
    interfaces = tuple(sorted(map(str, wanted["interfaces"])))
    ends = endpoints.declared_for(endpoints.HOST, declared, facts["names"], findings)
    if not interfaces:
        findings.problems.append(
            "killswitch_interfaces: is empty, and killswitch_mode is host: nothing could leave. Name the tunnel's "
            "interface, for example [nordlynx]."
        )
    findings.problems += [
        f"killswitch_interfaces: {name!r} is no name of an interface."
        for name in interfaces
        if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or len(name) > INTERFACE_LENGTH
    ]
    if not ends and not findings.problems:
        findings.problems.append(
            "killswitch_endpoints: has no entry for the gateway 'host', and killswitch_mode is host: the tunnel could "
            "not be built. Add {gateway: host, addresses: [...], port: ...}."
        )
    source = facts["controller"]
    lan = [ip_network(text) for text in stack["lan"]]
    if source and not any(
        ip_address(source) in subnet for subnet in lan if subnet.version == ip_address(source).version
    ):
        findings.problems.append(
            f"mediastack_network.lan: {source}, from where this run is connected, is in none of "
            f"{', '.join(stack['lan'])}: it would be locked out. Add its network."
        )
    return Host(interfaces, tuple(sorted(ends, key=str)), lan_dns=bool(wanted["lan_dns"]))
