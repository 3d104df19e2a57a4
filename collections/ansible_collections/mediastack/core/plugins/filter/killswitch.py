"""Filters of the role `killswitch`.

killswitch_questions(stack, wanted)  -> what `killswitch_facts` is to be asked
killswitch_plan(stack, facts, wanted) -> what the role has to do, and what speaks against it
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.plugin_utils.killswitch import plan
from ansible_collections.mediastack.core.plugins.plugin_utils.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable


def killswitch_questions(stack: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """See plugin_utils/killswitch/plan.py."""
    return plan.questions(plain(stack), plain(wanted))


def killswitch_plan(stack: dict[str, Any], facts: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """See plugin_utils/killswitch/plan.py."""
    return plan.plan(plain(stack), plain(facts), plain(wanted))


class FilterModule:
    """The filters by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them."""
        return {view.__name__: view for view in (killswitch_questions, killswitch_plan)}
