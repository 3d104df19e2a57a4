"""One instance of the Stack as one compose service: {key: plain value}, no interpolation, no secrets."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mediastack.core.plugins.plugin_utils.render.health import healthcheck
from ansible_collections.mediastack.core.plugins.plugin_utils.render.versions import Abilities

JOBS = ("scheduled", "manual")
START_INTERVAL = "2s"
LOGGING = {"driver": "json-file", "options": {"max-file": "3", "max-size": "10m"}}
DEFAULT_TMPFS = ("/tmp:mode=1777",)  # noqa: S108  # a mount inside the container
# The engine's resolver asks a resolver on the host's loopback from the host's own namespace, past every rule that holds
# a gateway; one that the container is told, from the container's. Nothing answers there at this address, so the engine
# resolves only the names that it knows itself.
NO_RESOLVER = "127.0.0.2"
UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


@dataclass(frozen=True)
class Context:
    """What an instance's rendering depends on beside itself."""

    stack: dict[str, Any]
    digests: dict[str, str] = field(default_factory=dict)
    abilities: Abilities = field(default_factory=Abilities)

    @property
    def instances(self) -> dict[str, dict[str, Any]]:
        """Return the Stack's instances by name."""
        instances: dict[str, dict[str, Any]] = self.stack["instances"]
        return instances


def render_service(name: str, context: Context) -> dict[str, Any]:
    """Return instance `name` as a compose service without the spec label; the owner's override is last."""
    instance = context.instances[name]
    service: dict[str, Any] = {
        "container_name": instance["container"],
        "image": image(instance, context.digests),
        "user": instance.get("user"),
        "command": instance.get("command"),
        "labels": labels(name, instance),
        **lifecycle(instance),
        **hardening(instance),
        **limits(instance),
        "logging": LOGGING,
        **network(name, context),
        **mounts(name, instance),
    }
    environment = {key: str(value) for key, value in instance.get("environment", {}).items()}
    for secret in instance.get("secrets", []):
        if secret.get("env"):
            environment.setdefault(secret["env"], secret["target"])
    check = healthcheck(instance)
    if check and context.abilities.check_sooner:  # else the first answer comes after a whole interval
        check["start_interval"] = START_INTERVAL
    service |= {
        "environment": environment,
        "healthcheck": check,
        "depends_on": depends_on(name, context),
    }
    kept = {key: value for key, value in service.items() if value not in (None, {}, [])}
    return overridden(kept, instance.get("compose") or {})


def overridden(service: dict[str, Any], override: dict[str, Any]) -> dict[str, Any]:
    """Return a service with the owner's compose override, all but what makes it recognisable as ours.

    Compose takes `environment` and `labels` as lists of `name=value` too.
    """
    listed = {key: mapping(override[key]) for key in ("environment", "labels") if override.get(key)}
    merged = deep_merge(service, {**override, **listed})
    ours = {key: value for key, value in service["labels"].items() if key.startswith("mediastack.")}
    merged["labels"] = {**(merged.get("labels") or {}), **ours}
    merged["container_name"] = service["container_name"]
    return merged


def mapping(value: dict[str, Any] | list[str]) -> dict[str, Any]:
    """Return `{name: value}` of a mapping or of a list of `name=value`."""
    if isinstance(value, dict):
        return value
    pairs = (str(item).partition("=") for item in value)
    return {name: text for name, _, text in pairs}


def image(instance: dict[str, Any], digests: dict[str, str]) -> str:
    """Return `mirror/repository:tag@digest`; the owner's digest beats the one of the first pull."""
    reference: str = instance["reference"]
    digest = (instance.get("image") or {}).get("digest") or digests.get(reference)
    return f"{reference}@{digest}" if digest and "@" not in reference else reference


def labels(name: str, instance: dict[str, Any]) -> dict[str, str]:
    """Return the owner's labels and ours, which win."""
    own = {key: str(value) for key, value in (instance.get("labels") or {}).items()}
    return {**own, "mediastack.instance": name, "mediastack.managed": "true"}


def lifecycle(instance: dict[str, Any]) -> dict[str, Any]:
    """Services come back by themselves; jobs run when asked."""
    if instance.get("workload", "service") in JOBS:
        return {"profiles": ["jobs"], "restart": "no"}
    return {"restart": "unless-stopped"}


def hardening(instance: dict[str, Any]) -> dict[str, Any]:
    """Return capabilities, devices and file system restrictions."""
    wanted = instance.get("hardening") or {}
    read_only = bool(wanted.get("read_only"))
    tmpfs = list(wanted.get("tmpfs") or [])
    if read_only and not any(entry.split(":")[0] == "/tmp" for entry in tmpfs):  # noqa: S108
        tmpfs += DEFAULT_TMPFS
    return {
        "cap_drop": sorted(wanted.get("cap_drop") or ["ALL"]),
        "cap_add": sorted(wanted.get("cap_add") or []),
        "security_opt": ["no-new-privileges:true"] if wanted.get("no_new_privileges", True) else None,
        "read_only": True if read_only else None,
        "tmpfs": sorted(tmpfs),
        "devices": sorted(wanted.get("devices") or []),
        "sysctls": {key: str(value) for key, value in (wanted.get("sysctls") or {}).items()},
    }


def limits(instance: dict[str, Any]) -> dict[str, Any]:
    """Return memory in bytes, the number of processes and the share of processors."""
    wanted = instance.get("limits") or {}
    memory, pids, cpus = wanted.get("memory"), wanted.get("pids"), wanted.get("cpus")
    return {
        "mem_limit": size_in_bytes(memory) if memory else None,
        "pids_limit": int(pids) if pids else None,
        "cpus": float(cpus) if cpus else None,
    }


def size_in_bytes(size: str | int) -> int:
    """Return 1GiB, 512m or 1024 as a number of bytes (powers of 1024, like the engine reads them)."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kmgt]?)i?b?", str(size).strip().lower())
    if not found:
        raise ValueError(f"'{size}' is not a size. Examples: 512MiB, 1GiB.")
    return int(float(found[1]) * UNITS[found[2]])


def network(name: str, context: Context) -> dict[str, Any]:
    """Return networks and published ports, or the namespace that the instance shares."""
    instance = context.instances[name]
    mode = instance["network"]["mode"]
    if mode in ("host", "none"):
        return {"network_mode": mode}
    if mode == "container":
        gateway = context.instances[instance["gateway"]]
        if gateway["project"] == instance["project"]:
            return {"network_mode": f"service:{instance['gateway']}"}
        return {"network_mode": f"container:{gateway['container']}"}
    attachments = {
        attachment["network"]: attach(attachment, instance["network"]["attachments"], context)
        for attachment in instance["network"]["attachments"]
    }
    behind = any(key.startswith("egress") for key in attachments)
    return {"networks": attachments, "ports": published(name, context), "dns": [NO_RESOLVER] if behind else None}


def attach(attachment: dict[str, Any], all_of_it: list[dict[str, Any]], context: Context) -> dict[str, Any]:
    """Return one network attachment; engines that can be told get the default route over the egress network.

    Older ones take the first network by name, and "egress" sorts before "zone".
    """
    result: dict[str, Any] = {}
    if attachment.get("address"):
        result["ipv4_address"] = attachment["address"]
    if context.abilities.choose_way_out and len(all_of_it) > 1 and attachment["network"].startswith("egress"):
        result["gw_priority"] = 1
    return result


def published(name: str, context: Context) -> list[dict[str, Any]]:
    """Return the published ports of an instance and of those that share its namespace, in order."""
    sharers = [
        instance
        for instance in context.instances.values()
        if instance["network"]["mode"] == "container" and instance.get("gateway") == name
    ]
    ports = [
        {
            "target": port["listen"],
            "published": str(port["publish"]["port"]),
            "protocol": port.get("protocol") or "tcp",
            "host_ip": port["publish"]["address"],
            "mode": "host",
        }
        for instance in [context.instances[name], *sharers]
        for port in instance.get("ports", [])
        if port.get("publish")
    ]
    unique = {(p["host_ip"], int(p["published"]), p["protocol"]): p for p in ports}
    return [unique[key] for key in sorted(unique)]


def mounts(name: str, instance: dict[str, Any]) -> dict[str, Any]:
    """Return bind mounts and file secrets; a folder that is missing is an error, never made by the engine."""
    volumes = [
        {
            "type": "bind",
            "source": volume["source"],
            "target": volume["target"],
            **({"read_only": True} if volume.get("read_only") else {}),
            "bind": {"create_host_path": False},
        }
        for volume in sorted(instance.get("volumes", []), key=lambda volume: str(volume["target"]))
    ]
    secrets = [
        {"source": secret_key(name, secret["name"]), "target": secret["target"]}
        for secret in sorted(instance.get("secrets", []), key=lambda secret: str(secret["name"]))
    ]
    return {"volumes": volumes, "secrets": secrets}


def secret_key(name: str, secret: str) -> str:
    """Return the name under which a compose file knows a secret of an instance."""
    return f"{name}_{secret}"


def depends_on(name: str, context: Context) -> dict[str, Any]:
    """Return what must run first within the project (compose knows no other); a gateway must be healthy."""
    instance = context.instances[name]
    wanted = list(instance.get("depends_on") or [])
    gateway = instance.get("gateway") if instance["network"]["mode"] == "container" else None
    if gateway and gateway not in wanted:
        wanted.append(gateway)
    same_project = [
        other
        for other in sorted(wanted)
        if other in context.instances
        and context.instances[other]["project"] == instance["project"]
        and context.instances[other].get("workload", "service") not in JOBS
    ]
    return {
        other: {"condition": "service_healthy" if other == gateway else "service_started"} for other in same_project
    }


def deep_merge(base: dict[str, Any], override: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with `override` on top: mappings merge, all else replaces, null removes."""
    merged = dict(base)
    for key, value in override.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = deep_merge(merged[key], value)
        else:
            merged[key] = value
    return merged
