"""The login of Sonarr, Radarr and Prowlarr."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.apps import servarr
from ansible_collections.mediastack.core.plugins.module_utils.apps.known import was_set_up
from ansible_collections.mediastack.core.plugins.module_utils.apps.setting_up import Outcome, answers
from ansible_collections.mediastack.core.plugins.module_utils.http import HttpError, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ABSENT = "absent"


def set_up(params: Mapping[str, Any], *, check_mode: bool) -> Outcome:
    """Give it the login that is wanted; the actions name what differed. Raises HttpError.

    The password that it has cannot be read, so a sign-in is tried.
    """
    wanted = servarr.Login(params["username"], params["password"])
    after = f"user {wanted.username.lower()}"
    client = servarr.client_for(params["url"], params["api_key"])
    if not answers(client, "/ping", params["timeout"], check_mode=check_mode):
        if was_set_up(params.get("known_config")):
            return Outcome([])
        return Outcome([ABSENT], before="not there yet", after=after)
    api = servarr.api_of(params["kind"])
    config = servarr.host_config(client, api)
    drift = servarr.drift(params["url"], config, wanted)
    if drift and not check_mode:
        servarr.set_login(client, api, config, wanted)
        if "method" in drift:
            servarr.restart(client, api)
            time.sleep(1)  # it answers a little longer before it goes
            wait_until(client, "/ping", time.monotonic() + params["timeout"])
        if not servarr.accepts(params["url"], wanted):
            raise HttpError(f"{params['url']}: the login that was written is not accepted")
    return Outcome(list(drift), before=describe(config, drift), after=after)


def describe(config: Mapping[str, Any], drift: Sequence[str]) -> str:
    """The login as it was, for the diff."""
    name = config.get("username") or "nobody"
    if "method" in drift:
        return f"method {config.get('authenticationMethod')}, user {name}"
    return f"user {name}" + (", another password" if "password" in drift else "")
