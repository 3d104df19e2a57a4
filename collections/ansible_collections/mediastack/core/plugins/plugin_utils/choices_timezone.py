"""Whether a time zone exists: asked of the controller's own list, where it has one."""

from __future__ import annotations

from zoneinfo import ZoneInfo, available_timezones

from ansible_collections.mediastack.core.plugins.module_utils.nearest import suggestion
from ansible_collections.mediastack.core.plugins.plugin_utils.errors import Problem

VARIABLE = "mediastack_timezone"
ALWAYS = "Etc/UTC"


def unknown_timezone(name: object) -> list[Problem]:
    """Return a problem when the list does not know the zone; none when there is no list."""
    if not isinstance(name, str) or _exists(name) or not _exists(ALWAYS):
        return []
    text = f"'{name}' is not a time zone.{suggestion(name, available_timezones())}"
    return [Problem((VARIABLE,), text, ("See: timedatectl list-timezones.",))]


def _exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # a folder, not a name at all, not in the list
        return False
    return True
