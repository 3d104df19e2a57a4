"""All that is to be known of a server, in one read: what `host_facts` tells, and `lease` on the way."""

from __future__ import annotations

from typing import Any

from ansible_collections.mediastack.core.plugins.module_utils import (
    engine_socket,
    generations,
    host_docker,
    host_net,
    host_system,
    kernel,
    lease_file,
    packages,
    places,
)
from ansible_collections.mediastack.core.plugins.module_utils.apps.set_up import APPLICATIONS, lacking, set_up_all
from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import (
    Docker,
    DockerError,
    parallel,
    plain_container,
    plain_network,
)
from ansible_collections.mediastack.core.plugins.module_utils.image_pull import architecture

ARGUMENTS = {
    "paths": {"type": "list", "elements": "path", "default": []},
    "states": {"type": "list", "elements": "path", "default": []},
    "kernel_settings": {"type": "list", "elements": "str", "default": []},
    "users": {"type": "list", "elements": "str", "default": []},
    "groups": {"type": "list", "elements": "str", "default": []},
    "packages": {"type": "list", "elements": "str", "default": []},
    "state_directory": {"type": "path", "default": "/var/lib/mediastack"},
    "label_prefix": {"type": "str", "default": "mediastack"},
    "hash_key": {"type": "str", "default": "", "no_log": True},
    "applications": {**APPLICATIONS, "default": []},
    "sign_ins": {"type": "dict", "default": {}, "no_log": True},
}


def engine_facts(docker: Docker) -> dict[str, Any]:
    """Engine, containers and networks; all asked at once, empty where there is no engine or it sleeps."""

    def quietly(read: Any) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = read()
        except DockerError:
            return []
        return found

    if host_docker.asleep():
        return {"engine": None, "raw_containers": [], "raw_networks": []}
    engine, containers, networks = parallel(
        docker.engine, lambda: quietly(docker.containers), lambda: quietly(docker.networks)
    )
    return {"engine": engine, "raw_containers": containers, "raw_networks": networks}


def addresses_of(raw: dict[str, Any]) -> list[str]:
    """The addresses of one container on its networks."""
    attached = ((raw.get("NetworkSettings") or {}).get("Networks") or {}).values()
    pairs = [(item.get("IPAddress"), item.get("GlobalIPv6Address")) for item in attached]
    return [address for pair in pairs for address in pair if address]


def shown(item: dict[str, Any], prefix: str) -> dict[str, Any]:
    """A container or network with Compose's labels and ours only: others' may hold passwords."""
    readable = (f"{prefix}.", "com.docker.compose.")
    return {**item, "labels": {name: value for name, value in item["labels"].items() if name.startswith(readable)}}


def ask(params: dict[str, Any], running: set[str]) -> dict[str, Any] | None:
    """What applications have left to set up; None unless all of them run and all their secrets are known."""
    apps, secrets = params["applications"], params["sign_ins"]
    if not apps or lacking(apps, secrets) or not running.issuperset(app["instance"] for app in apps):
        return None
    told = set_up_all({"applications": apps, "secrets": secrets}, check_mode=True)
    return {key: told[key] for key in ("applications", "notices")}


def gather(params: dict[str, Any], docker: Docker) -> dict[str, Any]:
    """Everything, in the shape of the sample in the documentation of `host_facts`."""
    asked = engine_facts(docker)
    raws, mark = asked["raw_containers"], f"{params['label_prefix']}.managed"
    ours = [raw for raw in raws if ((raw.get("Config") or {}).get("Labels") or {}).get(mark) == "true"]
    our_addresses = {address for raw in ours for address in addresses_of(raw)}
    containers = [{**plain_container(raw), "stale": engine_socket.stale(raw)} for raw in raws]
    networks = [plain_network(raw) for raw in asked["raw_networks"]]
    generation = generations.current(params["state_directory"])
    return {
        **host_system.basics(),
        "arch": architecture(),
        "engine": asked["engine"],
        "containers": [shown(item, params["label_prefix"]) for item in containers],
        "networks": [shown(item, params["label_prefix"]) for item in networks],
        "listening": host_net.listening(our_addresses, [raw["Id"] for raw in ours]),
        "addresses": host_net.addresses(),
        "filesystems": host_system.filesystems(params["paths"]),
        "paths": {path: host_system.describe_path(path) for path in params["paths"]},
        "states": {path: host_system.describe_state(path) for path in params["states"]},
        "kernel_settings": {name: kernel.setting(name) for name in params["kernel_settings"]},
        "users": host_system.users(params["users"]),
        "groups": host_system.groups(params["groups"]),
        "packages": packages.installed(params["packages"]),
        "docker": host_docker.engine_setup(),
        "generation": generation,
        "displaced": places.displaced(generation, params["hash_key"]),
        "lease": lease_file.read(),
        "asked": ask(params, {item["name"] for item in containers if item["state"] == "running"}),
    }
