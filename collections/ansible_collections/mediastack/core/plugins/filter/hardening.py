"""What the role `hardening` wants, and what is left to do.

hardening_choose(items, wanted)  -> {problems, chosen, dropped, sysctl, questions}
hardening_plan(choice, facts)    -> {notes, install, files, absent, settings, host}
hardening_differs(plan)          -> whether files, kernel settings, units, permissions, ... are to be changed
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.plugin_utils.hardening import items, plan
from ansible_collections.mediastack.core.plugins.plugin_utils.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable


def hardening_choose(every: list[dict[str, Any]], wanted: dict[str, Any]) -> dict[str, Any]:
    """Choose items by profile and exclusion; see plugin_utils/hardening/items.py."""
    return items.choose(plain(every), plain(wanted))


def hardening_plan(choice: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """Compare what is wanted with what `hardening_facts` found; see plugin_utils/hardening/plan.py."""
    return plan.plan(plain(choice), plain(facts))


def hardening_differs(planned: dict[str, Any]) -> bool:
    """Whether something but packages is to be changed."""
    return bool(planned["files"] or planned["absent"] or planned["settings"] or any(planned["host"].values()))


class FilterModule:
    """The filters by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them."""
        return {view.__name__: view for view in (hardening_choose, hardening_plan, hardening_differs)}
