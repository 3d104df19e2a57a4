"""What must hold for a server as a whole, and for all servers together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.mediastack.core.plugins.plugin_utils.resolver.model import Server
    from ansible_collections.mediastack.core.plugins.plugin_utils.stack_types import Stack


def check_images(server: Server) -> None:
    """Find images without a build for the server's processor, where that is known."""
    architecture = server.choices.architecture
    if architecture is None:
        return
    for instance in server.in_order():
        built = instance.spec["architectures"]
        if architecture not in built:
            text = f"{instance.spec['image']} is not built for {architecture}, the processor of {server.host}."
            server.wrong(
                instance,
                (),
                text,
                f"Built for: {', '.join(built)}. Choose another service or another server.",
                key=True,
            )


def check_routes(servers: list[Server], stacks: Mapping[str, Stack]) -> None:
    """Find two instances, also of two servers, that want one name at the edge."""
    taken: dict[str, str] = {}
    for server in servers:
        for route in stacks[server.host]["routes"]:
            other = taken.setdefault(route["host"], f"{route['instance']} on {server.host}")
            if other != f"{route['instance']} on {server.host}":
                instance = server.instances[route["instance"]]
                keys = ("name",) if "name" in instance.overrides else ()
                text = f"{route['host']} is already the name of {other}."
                server.wrong(instance, keys, text, "Give it another: name: ….", key=not keys)
