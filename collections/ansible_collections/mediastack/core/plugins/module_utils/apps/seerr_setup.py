"""The first sign-in of Seerr and of those it succeeds, Jellyseerr and Overseerr."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.apps import seerr
from ansible_collections.mediastack.core.plugins.module_utils.apps.known import was_set_up
from ansible_collections.mediastack.core.plugins.module_utils.apps.setting_up import Outcome, answers
from ansible_collections.mediastack.core.plugins.module_utils.http import Client, HttpError

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGN_IN_TIMEOUT = 60  # it talks to Jellyfin meanwhile, more than once
PLEX_ONLY = "Overseerr signs in with Plex only: open it and do so, or choose seerr, its successor"


def set_up(params: Mapping[str, Any], *, check_mode: bool) -> Outcome:
    """Sign in and end the first start where that is not done. Raises HttpError."""
    client = Client(params["url"], cookies=True)
    by_hand = params["kind"] == "overseerr"
    if not answers(client, f"{seerr.API}/settings/public", params["timeout"], check_mode=check_mode):
        if by_hand:
            return Outcome([], PLEX_ONLY)
        return Outcome([] if was_set_up(params.get("known_config")) else ["sign_in", "initialize"])
    told = seerr.public(client)
    if told.get("initialized"):
        check_key(params)
        return Outcome([])
    if by_hand:
        return Outcome([], PLEX_ONLY)
    if not check_mode:
        client.timeout = SIGN_IN_TIMEOUT
        enter(client, told, params)
        seerr.initialize(client)
        check_key(params)
    return Outcome(["sign_in", "initialize"])


def enter(client: Client, told: Mapping[str, Any], params: Mapping[str, Any]) -> None:
    """Sign in; Jellyfin's address is told only while none is configured. Raises HttpError."""
    account = {key: params[key] for key in ("username", "password", "email")}
    if told.get("mediaServerType", seerr.NOT_CONFIGURED) != seerr.NOT_CONFIGURED:
        seerr.sign_in(client, account)
    elif not params.get("media_server"):
        raise HttpError("option media_server is needed: where Jellyfin is")
    else:
        seerr.first_sign_in(client, account, params["media_server"])


def check_key(params: Mapping[str, Any]) -> None:
    """Raise HttpError when the application does not take the key that it was given."""
    if params.get("api_key") and not seerr.knows_key(params["url"], params["api_key"]):
        raise HttpError(f"{params['url']} is set up, but refuses its API key: restart it to read it")
