"""What stands between a resolved stack and a server, found before anything is changed.

    check(stack, host) -> Result(refusals=[Finding], notices=[Finding]);  Finding(text, remedy)

`host` is the fact `mediastack_host` (see the host_facts module). Ours is what carries the label
`mediastack.managed`; anything else that holds a name, a subnet or a port of ours is foreign: it is
named, never touched.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.host_docker import DAEMON_FILE
from ansible_collections.mediastack.core.plugins.plugin_utils import media_tree
from ansible_collections.mediastack.core.plugins.plugin_utils.render.service import size_in_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MANAGED_LABEL = "mediastack.managed"
TESTED = {"debian": ("12", "13")}
UNTESTED = ("ubuntu", "arch", "fedora")
OLDEST_DEBIAN = 12
GIB = 1024**3
SUBNET_REMEDY = "set mediastack_network.subnet to a range that is free on this server and in your home"
PORT_FORWARDER = "docker-proxy"
ENGINE_ROOT = "/var/lib/docker"  # unless daemon.json says otherwise


@dataclass(frozen=True)
class Finding:
    """One thing in the way (`fatal`), or worth knowing, and what to do about it."""

    text: str
    remedy: str
    fatal: bool = True


@dataclass(frozen=True)
class Result:
    """All findings of one server."""

    refusals: list[Finding] = field(default_factory=list)
    notices: list[Finding] = field(default_factory=list)

    def message(self, host: str) -> str:
        """Return all refusals as one message."""
        count = f"{len(self.refusals)} thing{'s' if len(self.refusals) != 1 else ''}"
        lines = [f"{host}: {count} in the way. Nothing was changed."]
        for finding in self.refusals:
            lines += [f"  {finding.text}", f"    Remedy: {finding.remedy}"]
        return "\n".join(lines)


def check(stack: dict[str, Any], host: dict[str, Any]) -> Result:
    """Return what stands in the way of `stack` on `host`, and what its owner should know."""
    findings = [finding for look in CHECKS for finding in look(stack, host)]
    return Result([f for f in findings if f.fatal], [f for f in findings if not f.fatal])


def paths_to_ask(stack: dict[str, Any]) -> list[str]:
    """Return the paths that the fact must tell about."""
    root = stack["media"]["root"]
    folders = [f"{root}/{folder}" for folder in (media_tree.DOWNLOADS, media_tree.LIBRARY)]
    return [stack["paths"]["root"], stack["paths"]["state"], ENGINE_ROOT, root, *folders]


def operating_system(_stack: dict[str, Any], host: dict[str, Any]) -> Iterator[Finding]:
    """Debian 12 and 13 are tested, a few others are tried at the owner's risk, the rest is refused."""
    system = host["os"]
    name = str(system.get("id") or "unknown").lower()
    family = str(system.get("family") or "").lower()
    version = str(system.get("version_id") or "")
    shown = system.get("pretty") or f"{name} {version}".strip()
    if version in TESTED.get(name, ()):
        return
    major = version.partition(".")[0]
    too_old = name == "debian" and major.isdigit() and int(major) < OLDEST_DEBIAN
    known = name == "debian" or name in UNTESTED or family in ("arch", "archlinux")
    remedy = "use Debian 12 or 13"
    if too_old or not known:
        yield Finding(f"{shown} is not supported.", remedy + ". Ubuntu, Arch and Fedora may work, untested.")
    else:
        yield Finding(f"{shown} is not tested by the project.", f"if something fails, {remedy}", fatal=False)


def privileges(_stack: dict[str, Any], host: dict[str, Any]) -> Iterator[Finding]:
    """Everything we do needs root."""
    if host.get("uid") != 0 and not host.get("sudo"):
        yield Finding(
            "The login user is not root and cannot use sudo.",
            "log in as root, or install sudo and allow this user (its password: --ask-become-pass)",
        )


def architecture(stack: dict[str, Any], host: dict[str, Any]) -> Iterator[Finding]:
    """Each image needs a build for the server's processor."""
    for name, instance in sorted(stack["instances"].items()):
        builds = instance.get("architectures") or []
        if builds and host["arch"] not in builds:
            yield Finding(
                f"{name}: {instance['reference']} is not built for {host['arch']}, only {', '.join(builds)}.",
                f"switch it off (mediastack_services: {{{name}: {{enabled: false}}}}) or use another server",
            )


def disk(stack: dict[str, Any], host: dict[str, Any]) -> Iterator[Finding]:
    """Pulling images needs room; a stack whose images are all there is not stopped by a full disk."""
    wanted = size_in_bytes((stack.get("images") or {}).get("free_space") or 0)
    known = (host.get("generation") or {}).get("digests") or {}
    to_pull = any(instance["reference"] not in known for instance in stack["instances"].values())
    seen = set()
    for place in host.get("filesystems", []):
        if place["device"] in seen or place["free"] >= wanted or not is_ours(place["path"], stack, host):
            continue
        seen.add(place["device"])
        yield Finding(
            f"{place['path']} ({place['device']}) has {place['free'] / GIB:.1f} GiB free, "
            f"{wanted / GIB:.1f} GiB are wanted for images.",
            "free some space, or lower mediastack_images.free_space",
            fatal=to_pull,
        )


def is_ours(path: str, stack: dict[str, Any], host: dict[str, Any]) -> bool:
    """Say whether images or our state go to the file system asked about as `path`."""
    engine_root = (host.get("engine") or {}).get("root_dir") or ENGINE_ROOT
    return path in (stack["paths"]["root"], stack["paths"]["state"], engine_root)


def foreign_containers(stack: dict[str, Any], host: dict[str, Any]) -> Iterator[Finding]:
    """A container that has a name of ours and is not ours is not replaced."""
    wanted = {instance["container"]: name for name, instance in stack["instances"].items()}
    for container in host.get("containers", []):
        if container["name"] in wanted and not managed(container):
            yield Finding(
                f"{wanted[container['name']]}: a container called {container['name']} exists "
                f"and is not ours (image {container.get('image')}).",
                f"docker rename {container['name']} {container['name']}-old, or remove it",
            )


def networks(stack: dict[str, Any], host: dict[str, Any]) -> Iterator[Finding]:
    """Names and subnets of ours must not be held by a foreign network."""
    ours = {network["name"]: ipaddress.ip_network(network["subnet"]) for network in stack["networks"]}
    for network in host.get("networks", []):
        subnets = [ipaddress.ip_network(subnet, strict=False) for subnet in network.get("subnets", [])]
        if managed(network):
            continue
        if network["name"] in ours:
            yield Finding(
                f"A network called {network['name']} exists and is not ours.",
                f"docker network rm {network['name']}, or set mediastack_network.name",
            )
        for name, subnet in ours.items():
            if any(overlap(subnet, other) for other in subnets):
                yield Finding(f"{name} ({subnet}) overlaps the foreign network {network['name']}.", SUBNET_REMEDY)


def interfaces(stack: dict[str, Any], host: dict[str, Any]) -> Iterator[Finding]:
    """Subnets of ours must not be held by an address of the server, unless it is a bridge of its engine."""
    ours = {network["name"]: ipaddress.ip_network(network["subnet"]) for network in stack["networks"]}
    bridges = [
        ipaddress.ip_network(subnet, strict=False)
        for network in host.get("networks", [])
        for subnet in network.get("subnets", [])
    ]
    own = recorded_bridges(host)
    for address in host.get("addresses", []):
        interface = ipaddress.ip_interface(f"{address['address']}/{address['prefix']}")
        if any(interface.ip in bridge for bridge in bridges) or (str(interface.ip), interface.network) in own:
            continue  # its network is looked at by `networks`, or it is as we made it
        for name, subnet in ours.items():
            if overlap(subnet, interface.network):
                text = f"{name} ({subnet}) overlaps {interface} of interface {address['interface']}."
                yield Finding(text, SUBNET_REMEDY)


def recorded_bridges(host: dict[str, Any]) -> set[tuple[str, Any]]:
    """Return address and network of our own bridges while no engine can be asked about them: as applied before."""
    if host.get("engine"):
        return set()
    known = ((host.get("generation") or {}).get("stack") or {}).get("networks") or []
    return {(network["gateway"], ipaddress.ip_network(network["subnet"])) for network in known}


def overlap(one: Any, other: Any) -> bool:
    """Say whether two networks share an address; a default route covers all and does not count."""
    return bool(one.version == other.version and other.prefixlen > 0 and one.overlaps(other))


def ports(stack: dict[str, Any], host: dict[str, Any]) -> Iterator[Finding]:
    """A port that we publish must not be held by a foreign process."""
    own = recorded_listeners(host)
    for name, port, protocol, address in published(stack):
        for other in host.get("listening", []):
            if (name, port, protocol, address) in own and other.get("process") == PORT_FORWARDER:
                continue
            if other.get("ours") or other["port"] != port or other["protocol"] != protocol:
                continue
            if not same_address(address, other["address"]):
                continue
            holder = other.get("process") or "an unknown process"
            pid = f" (pid {other['pid']})" if other.get("pid") else ""
            yield Finding(
                f"{name}: {port}/{protocol} is held by {holder}{pid} on {other['address']}.",
                f"stop {holder}, or choose another port for {name}",
            )
            break


def recorded_listeners(host: dict[str, Any]) -> set[tuple[str, int, str, str]]:
    """Return what we published before, while no engine can be asked whose container a forwarder serves."""
    stack = (host.get("generation") or {}).get("stack")
    return set() if host.get("engine") or not stack else set(published(stack))


def published(stack: dict[str, Any]) -> Iterator[tuple[str, int, str, str]]:
    """Yield instance, port, protocol and address of all that we open on the server itself."""
    for name, instance in sorted(stack["instances"].items()):
        for port in instance.get("ports", []):
            protocol = port.get("protocol") or "tcp"
            if port.get("publish"):
                yield name, port["publish"]["port"], protocol, port["publish"]["address"]
            elif instance["network"]["mode"] == "host":
                yield name, port["listen"], protocol, "0.0.0.0"  # noqa: S104  # that is where it listens


def same_address(wanted: str, held: str) -> bool:
    """Say whether two listeners exclude each other: the same address, or one of them listens on all."""
    everywhere = ("0.0.0.0", "::", "*", "")  # noqa: S104  # compared, not bound
    return wanted == held or wanted in everywhere or held in everywhere


def media(stack: dict[str, Any], host: dict[str, Any]) -> Iterator[Finding]:
    """Look at the media root: never made by us, since what is missing may be an unmounted disk."""
    root, paths = stack["media"]["root"], host.get("paths") or {}
    if root not in paths:
        raise ValueError(f"host_facts was not asked about {root}. Remedy: add it to its `paths`.")
    if not paths[root].get("exists"):
        yield Finding(
            f"The media root {root} does not exist.",
            f"mount its disk, or mkdir -p {root}, or set mediastack_media.root",
        )
        return
    if not paths[root].get("is_dir"):
        yield Finding(f"The media root {root} is not a folder.", "set mediastack_media.root to a folder")
        return
    devices = {}
    for folder in (media_tree.DOWNLOADS, media_tree.LIBRARY):
        known = paths.get(f"{root}/{folder}") or {}
        devices[folder] = known["device"] if known.get("exists") else paths[root]["device"]
    if len(set(devices.values())) > 1:
        yield Finding(
            f"{root}/{media_tree.DOWNLOADS} and {root}/{media_tree.LIBRARY} are on different file systems: "
            "imports will be copies, not hardlinks.",
            "put both on one file system, or accept it with mediastack_media.separate_filesystems: warn",
            fatal=stack["media"].get("separate_filesystems") == "fail",
        )


def tunnel(stack: dict[str, Any], host: dict[str, Any]) -> Iterator[Finding]:
    """A gateway needs the kernel's tunnel device."""
    needing = [
        name
        for name, instance in sorted(stack["instances"].items())
        if any(str(d).startswith("/dev/net/tun") for d in (instance.get("hardening") or {}).get("devices") or [])
    ]
    if needing and not host.get("tun"):
        yield Finding(
            f"{', '.join(needing)}: the server has no /dev/net/tun.",
            "modprobe tun; in a container or VPS, let its host allow the device",
        )


def engine_configuration(_stack: dict[str, Any], host: dict[str, Any]) -> Iterator[Finding]:
    """Our keys are merged into the engine's file; one that cannot be read would be replaced, and so lost."""
    problem = (host.get("docker") or {}).get("daemon_error")
    if problem:
        yield Finding(
            f"{DAEMON_FILE}: {problem}.",
            f"mend it (python3 -m json.tool {DAEMON_FILE} shows the mistake), "
            f"or move it away (mv {DAEMON_FILE} {DAEMON_FILE}.old)",
        )


def managed(thing: dict[str, Any]) -> bool:
    """Say whether a container or network is ours."""
    return bool((thing.get("labels") or {}).get(MANAGED_LABEL) == "true")


CHECKS: tuple[Callable[[dict[str, Any], dict[str, Any]], Iterator[Finding]], ...] = (
    operating_system,
    privileges,
    architecture,
    disk,
    foreign_containers,
    networks,
    interfaces,
    ports,
    media,
    tunnel,
    engine_configuration,
)
