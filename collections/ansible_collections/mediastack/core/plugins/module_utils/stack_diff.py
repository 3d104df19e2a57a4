"""What has to happen to containers and networks so that they are as wanted. Pure: plan and run use it alike.

``wanted``::

    {projects: [{name, services: {instance: {container, reference, digest, spec, gateway, workload,
    networks?}}}], networks: [{name, subnet, internal, gateway}]}

``actual``::

    {containers: [docker_cli.plain_container + {stale: socket|null}], networks: [docker_cli.plain_network],
    images: {pinned reference: id}}

A change is ``{instance|null, network|null, container|null, action, reason}`` with the actions create,
recreate, start, remove. What does not carry our label is foreign: it never appears in a change, and a
clash with it is a Refusal.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import pinned

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Change = dict[str, Any]
PROJECT_LABEL = "com.docker.compose.project"
IDLE = ("exited", "created", "paused")


class RefusalError(Exception):
    """Something foreign is in the way; one line per clash. Nothing was changed."""


class View:
    """Wanted and actual, indexed."""

    def __init__(self, wanted: Mapping[str, Any], actual: Mapping[str, Any], prefix: str) -> None:
        """Index both by name; `prefix` is that of our labels."""
        self.prefix = prefix
        self.services: dict[str, Mapping[str, Any]] = {}
        self.projects: dict[str, str] = {}
        for project in wanted["projects"]:
            for instance, service in project["services"].items():
                self.services[instance] = service
                self.projects[instance] = project["name"]
        self.networks = {item["name"]: item for item in wanted["networks"]}
        self.images: Mapping[str, str] = actual.get("images") or {}
        self.containers = {item["name"]: item for item in actual.get("containers") or []}
        self.present_networks = {item["name"]: item for item in actual.get("networks") or []}

    def ours(self, item: Mapping[str, Any]) -> bool:
        """Whether a container or network carries our label."""
        return bool(item["labels"].get(f"{self.prefix}.managed") == "true")

    def instance_of(self, container: Mapping[str, Any]) -> str:
        """The instance a container of ours belongs to."""
        return str(container["labels"].get(f"{self.prefix}.instance") or container["name"])

    def container(self, instance: str) -> Mapping[str, Any] | None:
        """The container that is there for a wanted instance."""
        return self.containers.get(self.services[instance]["container"])

    def members(self, gateway: str) -> list[str]:
        """Wanted instances in a gateway's network namespace."""
        return sorted(name for name, service in self.services.items() if service.get("gateway") == gateway)


def change(action: str, reason: str, *, instance: str | None = None, **names: str) -> Change:
    """One change; `names` are container and network."""
    found = {"instance": instance, "network": None, "container": None, "action": action, "reason": reason}
    return {**found, **names}


def diff(wanted: Mapping[str, Any], actual: Mapping[str, Any], prefix: str = "mediastack") -> list[Change]:
    """All changes: removals, then networks, then instances in order of the projects.

    Raises:
        RefusalError: a foreign container or network holds a name of ours, or uses a network that must be
        remade.

    """
    view = View(wanted, actual, prefix)
    networks = _networks(view)
    remade = {item["network"] for item in networks if item["action"] == "recreate"}
    refuse_foreign(view, remade)
    decided = {name: _instance(view, name) for name in view.services}
    for name in view.services:
        found = view.container(name)
        hit = sorted(remade & set(found["networks"])) if found else []
        if hit and (decided[name] or ("",))[0] in ("", "start"):
            decided[name] = ("recreate", f"its network {hit[0]} is remade")
    _follow_gateways(view, decided)
    instances = [
        change(what[0], what[1], instance=name, container=view.services[name]["container"])
        for name, what in decided.items()
        if what
    ]
    return [*_removals(view), *networks, *instances]


def refuse_foreign(view: View, remade: Iterable[str]) -> None:
    """Raise RefusalError when something that is not ours is in the way."""
    problems = []
    for instance, service in view.services.items():
        found = view.containers.get(service["container"])
        if found and not view.ours(found):
            problems.append(
                f"a container named {found['name']!r} (image {found['image']}) is not ours, and {instance} needs "
                f"the name. Rename it (`docker rename {found['name']} …`), or name the instance otherwise"
            )
    for name in view.networks:
        present = view.present_networks.get(name)
        if present and not view.ours(present):
            problems.append(
                f"a network named {name!r} is not ours. Remove it (`docker network rm {name}`), "
                "or set another mediastack_network.name"
            )
    problems += _overlaps(view, remade)
    for name in remade:
        present = view.present_networks.get(name)
        users = [view.containers[user] for user in present["containers"] if user in view.containers] if present else []
        problems += [
            f"the network {name!r} has to be remade, and the foreign container {user['name']!r} uses it. "
            f"Detach it first: `docker network disconnect {name} {user['name']}`"
            for user in users
            if not view.ours(user)
        ]
    if problems:
        raise RefusalError("\n".join(sorted(problems)))


def _overlaps(view: View, remade: Iterable[str]) -> list[str]:
    """Foreign networks in a subnet that one of ours is about to take."""
    problems = []
    for name, network in view.networks.items():
        if name in view.present_networks and name not in remade:
            continue
        subnet = ipaddress.ip_network(network["subnet"])
        for present in view.present_networks.values():
            theirs = [ipaddress.ip_network(text) for text in present["subnets"]]
            if not view.ours(present) and any(_overlap(subnet, other) for other in theirs):
                problems.append(
                    f"the subnet {subnet} of {name!r} overlaps the network {present['name']!r} "
                    f"({', '.join(present['subnets'])}), which is not ours. Set another mediastack_network.subnet"
                )
    return problems


def _overlap(one: Any, other: Any) -> bool:
    return bool(one.version == other.version and one.overlaps(other))


def _networks(view: View) -> list[Change]:
    changes = []
    for name, network in view.networks.items():
        present = view.present_networks.get(name)
        if present is None:
            changes.append(change("create", f"new, {network['subnet']}", network=name))
        elif present["subnets"] != [network["subnet"]]:
            before = ", ".join(present["subnets"]) or "none"
            changes.append(change("recreate", f"subnet {before} -> {network['subnet']}", network=name))
        elif present["internal"] != bool(network.get("internal")):
            side = "internal" if network.get("internal") else "no longer internal"
            changes.append(change("recreate", f"is to be {side}", network=name))
        elif network.get("bridge") and present["bridge"] != network["bridge"]:
            before = present["bridge"] or "as the engine named it"
            changes.append(change("recreate", f"interface {before} -> {network['bridge']}", network=name))
    return changes


def _removals(view: View) -> list[Change]:
    kept = {service["container"] for service in view.services.values()}
    changes = []
    for name, found in sorted(view.containers.items()):
        if name not in kept and view.ours(found):
            instance = view.instance_of(found)
            why = f"{instance} is now called otherwise" if instance in view.services else "no longer wanted"
            changes.append(change("remove", why, instance=instance, container=name))
    for name, present in sorted(view.present_networks.items()):
        if name not in view.networks and view.ours(present):
            changes.append(change("remove", "no longer wanted", network=name))
    return changes


def _instance(view: View, instance: str) -> tuple[str, str] | None:
    """Action and reason for one instance by itself, not yet looking at its gateway."""
    service, found = view.services[instance], view.container(instance)
    if found is None:
        return "create", "new"
    reason = _drift(view, instance, service, found)
    if reason:
        return "recreate", reason
    return _liveness(found) if service["workload"] == "service" else None


def _liveness(found: Mapping[str, Any]) -> tuple[str, str] | None:
    """What a service's container lacks to be running and of use."""
    if found["state"] == "dead":
        return "recreate", "is dead"
    if found["state"] in IDLE:
        return "start", f"is {found['state']}"
    if found.get("stale"):
        return "recreate", f"{found['stale']} is another one since it was started"
    return None


def _drift(  # noqa: PLR0911 - one line per kind of drift
    view: View, instance: str, service: Mapping[str, Any], found: Mapping[str, Any]
) -> str | None:
    project = found["labels"].get(PROJECT_LABEL)
    if project != view.projects[instance]:
        return f"moves from the compose project {project} to {view.projects[instance]}"
    if found["labels"].get(f"{view.prefix}.instance") not in (None, instance):
        return f"was the instance {found['labels'][view.prefix + '.instance']}"
    local = view.images.get(pinned(service["reference"], service.get("digest")))
    if local is not None and local != found["image_id"]:
        return f"image {_short(found['image'])} -> {_short(service['reference'])}"
    if found["labels"].get(f"{view.prefix}.spec") != service["spec"]:
        tagged = found["image"].partition("@")[0]
        if ":" in _short(tagged) and tagged != service["reference"]:
            return f"image {_short(tagged)} -> {_short(service['reference'])}"
        return "its configuration changed"
    missing = sorted(set(service.get("networks") or ()) - set(found["networks"]))
    if missing and found["state"] != "created":
        return f"is not attached to {', '.join(missing)}"
    return None


def _short(reference: str) -> str:
    """The name and tag of an image, without registry and path."""
    return reference.rpartition("/")[2].partition("@")[0]


def _follow_gateways(view: View, decided: dict[str, tuple[str, str] | None]) -> None:
    """Members go with their gateway, and stranded ones are remade; repeated until nothing more follows."""
    again = True
    while again:
        again = False
        for name, service in view.services.items():
            gateway = service.get("gateway")
            if not gateway or (decided[name] and decided[name][0] in ("create", "recreate")):  # type: ignore[index]
                continue
            reason = _stranded(view, name, gateway, decided)
            if reason:
                decided[name] = ("recreate", reason)
                again = True


def _stranded(view: View, name: str, gateway: str, decided: Mapping[str, tuple[str, str] | None]) -> str | None:
    """Why a member has lost, or is about to lose, its gateway's network namespace."""
    member, first = view.container(name), view.container(gateway) if gateway in view.services else None
    if member is None:
        return None
    following = decided.get(gateway)
    if following:
        words = {"create": "is new", "recreate": "is recreated", "start": "is started"}
        return f"its gateway {gateway} {words[following[0]]}"
    if first is None:
        return None
    mode = str(member["network_mode"])
    if mode not in (f"container:{first['id']}", f"container:{first['name']}"):
        return f"is stranded: its gateway {gateway} has another container now"
    if member["state"] == "running" and stamp(first["started_at"]) > stamp(member["started_at"]):
        return f"is stranded: its gateway {gateway} was restarted after it"
    return None


def stamp(text: str) -> tuple[str, str]:
    """A moment as docker writes it, comparable: the fraction of a second has a varying number of digits."""
    moment, _, fraction = text.rstrip("Z").partition(".")
    return moment, fraction.ljust(9, "0")


def start_order(view: View, instances: Iterable[str]) -> list[str]:
    """Gateways before their members."""
    chosen = set(instances)

    def depth(name: str) -> int:
        gateway, level = view.services.get(name, {}).get("gateway"), 0
        while gateway and level < len(view.services):
            gateway, level = view.services.get(gateway, {}).get("gateway"), level + 1
        return level

    return sorted(chosen, key=lambda name: (depth(name), name))


def with_members(view: View, instances: Sequence[str]) -> list[str]:
    """The instances and everything in the namespaces of those that are gateways."""
    chosen, todo = set(), list(instances)
    while todo:
        name = todo.pop()
        if name not in chosen:
            chosen.add(name)
            todo.extend(view.members(name))
    return sorted(chosen)


def describe(view: View, changes: Sequence[Change]) -> list[dict[str, str]]:
    """What `--diff` shows: one entry per changed instance or network."""
    shown = []
    for item in changes:
        before, after = _sides(view, item)
        name = f"network {item['network']}" if item["network"] else f"instance {item['instance']}"
        header = f"{name}: {item['action']} ({item['reason']})"
        shown.append({"before_header": header, "after_header": header, "before": before, "after": after})
    return shown


def _network_side(network: Mapping[str, Any] | None, subnets: str) -> str:
    if network is None:
        return ""
    found = network[subnets]
    subnet = found if isinstance(found, str) else ", ".join(found)
    return _lines(subnet=subnet, internal=bool(network.get("internal")), bridge=network.get("bridge") or "")


def _sides(view: View, item: Change) -> tuple[str, str]:
    if item["network"]:
        present = view.present_networks.get(item["network"])
        wanted_network = view.networks.get(item["network"])
        return _network_side(present, "subnets"), _network_side(wanted_network, "subnet")
    found = view.containers.get(item["container"])
    before = ""
    if found:
        spec = str(found["labels"].get(f"{view.prefix}.spec", ""))[:12]
        before = _lines(state=found["state"], image=found["image"], image_id=found["image_id"][:19], spec=spec)
    service = view.services.get(item["instance"]) if item["action"] != "remove" else None
    if service is None:
        return before, ""
    reference, digest = service["reference"], service.get("digest")
    local = view.images.get(pinned(reference, digest), "not pulled yet")
    state = "running" if service["workload"] == "service" else "created"
    after = _lines(state=state, image=reference, image_id=local[:19], spec=service["spec"][:12])
    return before, after


def _lines(**values: Any) -> str:
    return "".join(f"{key}: {value}\n" for key, value in values.items())
