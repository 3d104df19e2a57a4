"""Stop, start, restart and remove what carries our label. Needs no compose file: the containers say all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.compose_apply import (
    STOP_SECONDS,
    remove_containers,
)
from ansible_collections.mediastack.core.plugins.module_utils.nearest import suggestion
from ansible_collections.mediastack.core.plugins.module_utils.stack_diff import Change, change, stamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import Docker

Container = dict[str, Any]


class VerbError(Exception):
    """The verb cannot be carried out; the message is for the owner."""


def ours(containers: Sequence[Container], prefix: str) -> list[Container]:
    """Our containers, each with its instance and its gateway's container under `instance` and `gateway`."""
    by_key = {key: item for item in containers for key in (item["id"], item["name"])}
    found = []
    for item in containers:
        if item["labels"].get(f"{prefix}.managed") != "true":
            continue
        kind, _, target = item["network_mode"].partition(":")
        gateway = by_key.get(target) if kind == "container" else None
        instance = item["labels"].get(f"{prefix}.instance") or item["name"]
        stranded = kind == "container" and gateway is None
        found.append({**item, "instance": instance, "gateway": gateway and gateway["name"], "stranded": stranded})
    return found


def select(found: Sequence[Container], instances: Sequence[str]) -> list[Container]:
    """Those named, all when none is; raises VerbError for a name that is not there."""
    known = {item["instance"] for item in found}
    unknown = sorted(set(instances) - known)
    if unknown:
        hints = "".join(dict.fromkeys(suggestion(name, known) for name in unknown))
        deployed = ", ".join(sorted(known)) or "nothing"
        raise VerbError(f"not deployed here: {', '.join(unknown)}.{hints} Deployed: {deployed}")
    return [item for item in found if not instances or item["instance"] in instances]


def plan(verb: str, found: Sequence[Container], instances: Sequence[str]) -> list[Change]:
    """What the verb changes. Members follow their gateway; gateways are first to start and last to stop."""
    chosen = {item["name"]: item for item in select(found, instances)}
    names = set(chosen)
    members = {item["name"]: item for item in found if item["gateway"] in names and item["name"] not in names}
    if verb == "started":
        chosen = _with_gateways(found, chosen)
        changes = _start(found, chosen, members, named=bool(instances))
    elif verb == "restarted":
        changes = [_change("restart", item, "asked for") for item in chosen.values() if _active(item) or instances]
        changes += [_change("restart", item, f"its gateway {item['gateway']} restarts") for item in _running(members)]
    else:
        action = "stop" if verb == "stopped" else "remove"
        changes = [
            _change(action, item, "asked for") for item in chosen.values() if action == "remove" or _active(item)
        ]
        verb_s = "stops" if action == "stop" else "is removed"
        changes += [_change("stop", item, f"its gateway {item['gateway']} {verb_s}") for item in _running(members)]
    gateways = {item["gateway"] for item in found if item["gateway"]}
    first_last = verb in ("started", "restarted")
    return sorted(changes, key=lambda item: ((item["container"] in gateways) != first_last, item["container"]))


def _active(item: Mapping[str, Any]) -> bool:
    return item["state"] in ("running", "restarting", "paused")


def _running(items: Mapping[str, Container]) -> list[Container]:
    return [item for item in items.values() if _active(item)]


def _change(action: str, item: Mapping[str, Any], reason: str) -> Change:
    return change(action, reason, instance=item["instance"], container=item["name"])


def _with_gateways(found: Sequence[Container], chosen: Mapping[str, Container]) -> dict[str, Container]:
    """The chosen ones and the gateways without which they cannot start."""
    needed = {item["gateway"] for item in chosen.values()}
    return {item["name"]: item for item in found if item["name"] in chosen or item["name"] in needed}


def _start(
    found: Sequence[Container],
    chosen: Mapping[str, Container],
    members: Mapping[str, Container],
    *,
    named: bool,
) -> list[Change]:
    by_name = {item["name"]: item for item in found}
    changes, started = [], set()
    for item in chosen.values():
        if item["state"] != "running" and (named or item["restart_policy"] != "no"):
            if item["stranded"]:
                raise VerbError(f"{item['instance']} has lost its gateway's container; `apply` mends that")
            changes.append(_change("start", item, f"is {item['state']}"))
            started.add(item["name"])
    for item in _running({**members, **chosen}):
        gateway = by_name.get(item["gateway"] or "")
        late = gateway and gateway["state"] == "running" and stamp(gateway["started_at"]) > stamp(item["started_at"])
        if item["name"] not in started and (item["gateway"] in started or late):
            changes.append(_change("restart", item, f"its gateway {item['gateway']} was started after it"))
    return changes


def run(docker: Docker, found: Sequence[Container], changes: Sequence[Change]) -> None:
    """Carry the plan out in its order."""
    by_name = {item["name"]: item for item in found}
    for item in changes:
        container = by_name[item["container"]]
        if item["action"] == "remove":
            remove_containers(docker, [container])
        elif item["action"] == "start" and container["state"] == "paused":
            docker.must("unpause", container["id"])
        elif item["action"] == "start":
            docker.must("start", container["id"], timeout=60)
        else:
            seconds = str(STOP_SECONDS)
            docker.must(item["action"], "--time", seconds, container["id"], timeout=STOP_SECONDS + 60)


def networks_to_remove(networks: Sequence[Mapping[str, Any]], prefix: str) -> list[str]:
    """Names of our networks."""
    return sorted(item["name"] for item in networks if item["labels"].get(f"{prefix}.managed") == "true")
