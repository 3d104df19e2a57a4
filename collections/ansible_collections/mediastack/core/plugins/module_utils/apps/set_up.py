"""Set several applications up, or ask what is left: accounts, first start."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.apps import (
    jellyfin_setup,
    seerr_setup,
    servarr_setup,
)
from ansible_collections.mediastack.core.plugins.module_utils.apps.setting_up import Outcome
from ansible_collections.mediastack.core.plugins.module_utils.http import HttpError
from ansible_collections.mediastack.core.plugins.module_utils.parallel import run_all

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SET_UPS: dict[str, Callable[..., Outcome]] = {
    "servarr-v3": servarr_setup.set_up,
    "servarr-v1": servarr_setup.set_up,
    "jellyfin": jellyfin_setup.set_up,
    "seerr": seerr_setup.set_up,
    "jellyseerr": seerr_setup.set_up,
    "overseerr": seerr_setup.set_up,
}
MEDIA_SERVER: dict[str, Any] = {
    "hostname": {"type": "str", "required": True},
    "port": {"type": "int", "default": 8096},
    "use_ssl": {"type": "bool", "default": False},
    "url_base": {"type": "str", "default": ""},
}
APPLICATION: dict[str, Any] = {
    "instance": {"type": "str", "required": True},
    "kind": {"type": "str", "required": True, "choices": sorted(SET_UPS)},
    "url": {"type": "str", "required": True},
    "username": {"type": "str", "required": True},
    "known_config": {"type": "path"},
    "timeout": {"type": "int", "default": 180},
    "server_name": {"type": "str", "default": "mediastack"},
    "ui_culture": {"type": "str", "default": "en-US"},
    "metadata_country": {"type": "str", "default": "US"},
    "metadata_language": {"type": "str", "default": "en"},
    "remote_access": {"type": "bool", "default": True},
    "key_name": {"type": "str", "default": "mediastack", "no_log": False},
    "key_file": {"type": "path", "no_log": False},
    "email": {"type": "str"},
    "media_server": {"type": "dict", "options": MEDIA_SERVER},
}
NEEDED = [("kind", "jellyfin", ["key_file"]), ("kind", "seerr", ["email"]), ("kind", "jellyseerr", ["email"])]
APPLICATIONS: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": APPLICATION,
    "required_if": NEEDED,
}
NEEDED_SECRETS = {
    "servarr-v3": ("api_key", "password"),
    "servarr-v1": ("api_key", "password"),
    "jellyfin": ("password",),
    "seerr": ("password",),
    "jellyseerr": ("password",),
    "overseerr": (),
}
PARALLEL = 8
REQUESTS = 60  # seconds for the requests themselves, after the application is up


def lacking(applications: Sequence[Mapping[str, Any]], secrets: Mapping[str, Any]) -> list[str]:
    """Secrets that are needed and not given, as ``instance.name``."""
    return [
        f"{app['instance']}.{name}"
        for app in applications
        for name in NEEDED_SECRETS[app["kind"]]
        if not (secrets.get(app["instance"]) or {}).get(name)
    ]


def set_up_all(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """The result of module `applications`; with `failed` and `msg` when one of them could not be handled."""
    apps, secrets = params["applications"], params["secrets"]
    missing = lacking(apps, secrets)
    if missing:
        return {"failed": True, "msg": f"secrets are missing: {', '.join(missing)}", "applications": {}, "notices": []}
    jobs = [
        partial(SET_UPS[app["kind"]], {**app, **(secrets.get(app["instance"]) or {})}, check_mode=check_mode)
        for app in apps
    ]
    longest = max((app["timeout"] for app in apps), default=0)
    rounds = max(1, -(-len(jobs) // PARALLEL))
    return summarise(apps, run_all(jobs, parallel=PARALLEL, timeout=rounds * (2 * longest + REQUESTS)))


def summarise(apps: Sequence[Mapping[str, Any]], outcomes: Sequence[Outcome | Exception]) -> dict[str, Any]:
    """Put the outcomes of all applications together."""
    told: dict[str, Any] = {}
    diff, errors, notices = [], [], []
    for app, outcome in zip(apps, outcomes):  # noqa: B905 - Python 3.9
        name = app["instance"]
        if isinstance(outcome, Exception):
            error = reason(outcome)
            told[name] = {"actions": [], "error": error}
            errors.append(f"{name}: {error}")
            continue
        told[name] = {"actions": outcome.actions, "error": None}
        if outcome.notice:
            notices.append(outcome.notice)
        if outcome.actions:
            diff.append({"before_header": name, "after_header": name, **sides(outcome)})
    changed = any(app["actions"] for app in told.values())
    result = {"changed": changed, "applications": told, "notices": notices, "diff": diff}
    return {**result, "failed": True, "msg": "; ".join(errors)} if errors else result


def reason(error: Exception) -> str:
    """What to say of an exception: of one that is not ours the name only, for its text may hold more."""
    return str(error) if isinstance(error, (HttpError, TimeoutError)) else f"unexpected answer ({type(error).__name__})"


def sides(outcome: Outcome) -> dict[str, str]:
    """Before and after, for the diff; what is done where there is nothing to compare."""
    if outcome.after:
        return {"before": f"{outcome.before}\n", "after": f"{outcome.after}\n"}
    return {"before": "", "after": "".join(f"{action}\n" for action in outcome.actions)}
