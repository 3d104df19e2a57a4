"""Containers, networks and images as the current record tells them: for a plan while the engine is down.

An engine that is started brings back what ran when it stopped. So the record of what was applied is the best
knowledge there is, and a plan that compares with it says what the run will find.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils import engine_socket
from ansible_collections.mediastack.core.plugins.module_utils.stack_diff import PROJECT_LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping


def containers_and_networks(record: Mapping[str, Any] | None, prefix: str) -> dict[str, Any]:
    """``{containers, networks, images}`` in the shape that stack_diff reads; empty without a record.

    Ids of images are not known, so none is told: the specification says whether the image is another one.
    """
    services, stack = (record or {}).get("services") or {}, (record or {}).get("stack") or {}
    networks = stack.get("networks") or [] if services else []
    held = {name: _sockets(stack, name) for name in services}
    renewed = engine_socket.stale_after_start(source for sources in held.values() for source in sources)
    return {
        "containers": [
            {**_container(name, service, prefix), "stale": next((one for one in held[name] if one in renewed), None)}
            for name, service in sorted(services.items())
        ],
        "networks": [_network(network, prefix) for network in networks],
        "images": {},
    }


def images(record: Mapping[str, Any] | None) -> set[tuple[str, str | None]]:
    """Reference and digest of every image that was here when the record was made."""
    services = ((record or {}).get("services") or {}).values()
    return {(service["reference"], service["digest"]) for service in services}


def _sockets(stack: Mapping[str, Any], name: str) -> list[str]:
    instance = (stack.get("instances") or {}).get(name) or {}
    return engine_socket.sockets_of(instance.get("volumes") or [], "source")


def _container(instance: str, service: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {
        "id": service["container"],
        "name": service["container"],
        "state": "running" if service["workload"] == "service" else "created",
        "health": None,
        "exit_code": 0,
        "image": service["reference"],
        "image_id": "",
        "labels": {
            f"{prefix}.managed": "true",
            f"{prefix}.instance": instance,
            f"{prefix}.spec": service["spec"],
            PROJECT_LABEL: service["project"],
        },
        "started_at": "",
        "network_mode": f"container:{service['gateway']}" if service["gateway"] else "",
        "networks": service["networks"],
        "restarts": 0,
        "restart_policy": "",
    }


def _network(network: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {
        "id": network["name"],
        "name": network["name"],
        "subnets": [network["subnet"]],
        "labels": {f"{prefix}.managed": "true"},
        "driver": "bridge",
        "bridge": network.get("bridge", ""),
        "internal": network["internal"],
        "containers": [],
    }
