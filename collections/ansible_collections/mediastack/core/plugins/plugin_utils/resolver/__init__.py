"""choices x catalogue -> Stack: pure, and every problem at once.

    resolve(catalogue, {"nas": choices}) -> {"nas": Stack}

Raises ChoicesError (plugin_utils/errors.py) with everything that is wrong in the choices of all servers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.mediastack.core.plugins.plugin_utils.errors import ChoicesError, Problem
from ansible_collections.mediastack.core.plugins.plugin_utils.resolver.instances import read_instances
from ansible_collections.mediastack.core.plugins.plugin_utils.resolver.model import Server
from ansible_collections.mediastack.core.plugins.plugin_utils.resolver.ports import read_ports
from ansible_collections.mediastack.core.plugins.plugin_utils.resolver.relations import (
    check_relations,
    choose_gateways,
)
from ansible_collections.mediastack.core.plugins.plugin_utils.resolver.settings import read_settings
from ansible_collections.mediastack.core.plugins.plugin_utils.resolver.stack import build
from ansible_collections.mediastack.core.plugins.plugin_utils.resolver.together import (
    check_images,
    check_routes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.mediastack.core.plugins.plugin_utils.catalogue import Catalogue
    from ansible_collections.mediastack.core.plugins.plugin_utils.choices import Choices
    from ansible_collections.mediastack.core.plugins.plugin_utils.stack_types import Stack

__all__ = ["resolve"]


def resolve(catalogue: Catalogue, choices: Mapping[str, Choices]) -> dict[str, Stack]:
    """Return the Stack of every server; nothing else in the project decides what runs where."""
    servers = [Server(host, choices[host], catalogue) for host in sorted(choices)]
    for server in servers:
        server.problems += server.choices.problems
        read_settings(server)
        read_instances(server, choices.keys())
        choose_gateways(server)
        read_ports(server)
    everywhere = [instance for server in servers for instance in server.in_order()]
    for server in servers:
        check_relations(server, everywhere)
        check_images(server)
    stacks = {server.host: build(server) for server in servers}
    check_routes(servers, stacks)
    if problems := [problem for server in servers for problem in _of_host(server, several=len(servers) > 1)]:
        raise ChoicesError(problems)
    return stacks


def _of_host(server: Server, *, several: bool) -> list[Problem]:
    return [replace(problem, host=server.host if several else None) for problem in server.problems]
