"""What fail2ban is to be told; see plugin_utils/fail2ban_plan.py."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils import fail2ban_watch
from ansible_collections.mediastack.core.plugins.plugin_utils import fail2ban_plan as bans
from ansible_collections.mediastack.core.plugins.plugin_utils.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable


def fail2ban_plan(
    facts: dict[str, Any], wanted: dict[str, Any], stack: dict[str, Any], texts: dict[str, str]
) -> dict[str, Any]:
    """Compare what `fail2ban_facts` found with what is wanted."""
    needed = {
        "networks": plain(stack["networks"]),
        "instances": {name: plain(one) for name, one in stack["instances"].items()},
    }
    whole = {**plain(texts), bans.WATCH: inspect.getsource(fail2ban_watch)}
    return bans.plan(plain(facts), plain(wanted), needed, whole)


def fail2ban_paths(texts: dict[str, str]) -> list[str]:
    """Return every file that the role may have on a server."""
    return bans.paths(plain(texts))


class FilterModule:
    """The filters by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them."""
        return {view.__name__: view for view in (fail2ban_plan, fail2ban_paths)}
