"""First sign-in of Seerr, Jellyseerr and Overseerr."""

from __future__ import annotations

DOCUMENTATION = r"""
module: seerr_setup
short_description: Set Seerr, Jellyseerr or Overseerr up
description:
  - Waits for the application, signs in with Jellyfin's administrator (which makes the application's own
    administrator and tells it where Jellyfin is) and ends its set-up.
  - Overseerr knows only Plex, whose sign-in needs a person. It is left as it is, and a warning says what to do.
author: [mediastack maintainers]
version_added: 0.1.0
options:
  variant:
    description: Which of the three it is.
    type: str
    choices: [seerr, jellyseerr, overseerr]
    default: seerr
  password:
    description: Password of Jellyfin's administrator. Required but for Overseerr.
    type: str
    required: false
  email:
    description: Mail address of the administrator.
    type: str
    required: true
  api_key:
    description:
      - The key that was given to the application. A second run proves with it that all is well.
    type: str
  jellyfin:
    description: Where Jellyfin is, as the application reaches it. Not needed for Overseerr.
    type: dict
    suboptions:
      hostname:
        description: Host name.
        type: str
        required: true
      port:
        description: Port.
        type: int
        default: 8096
      use_ssl:
        description: Whether it speaks TLS there.
        type: bool
        default: false
      url_base:
        description: Base URL, empty for none.
        type: str
        default: ""
extends_documentation_fragment: [mediastack.core.setup_options, mediastack.core.lease_options]
"""

EXAMPLES = r"""
- name: Set Seerr up
  mediastack.core.seerr_setup:
    url: http://172.31.240.30:5055
    username: admin
    password: "{{ jellyfin_admin_password }}"
    email: admin@example.org
    api_key: "{{ seerr_api_key }}"
    jellyfin: {hostname: jellyfin, port: 8096}
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be, in order.
  returned: always
  type: list
  elements: str
  sample: [sign_in, initialize]
notices:
  description: What is left to a person; each is a warning, too.
  returned: success
  type: list
  elements: str
  sample: []
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils.apps import seerr, setting_up
from ansible_collections.mediastack.core.plugins.module_utils.apps.known import was_set_up
from ansible_collections.mediastack.core.plugins.module_utils.arguments import (
    LEASE_ARGUMENTS,
    SETUP_ARGUMENTS,
)
from ansible_collections.mediastack.core.plugins.module_utils.http import Client, HttpError

if TYPE_CHECKING:
    from collections.abc import Mapping

ARGUMENTS: dict[str, Any] = {
    **SETUP_ARGUMENTS,
    "variant": {"type": "str", "choices": ["seerr", "jellyseerr", "overseerr"], "default": "seerr"},
    "password": {"type": "str", "required": False, "no_log": True},
    "email": {"type": "str", "required": True},
    "api_key": {"type": "str", "no_log": True},
    "jellyfin": {
        "type": "dict",
        "options": {
            "hostname": {"type": "str", "required": True},
            "port": {"type": "int", "default": 8096},
            "use_ssl": {"type": "bool", "default": False},
            "url_base": {"type": "str", "default": ""},
        },
    },
    **LEASE_ARGUMENTS,
}
NEED_PASSWORD = [("variant", variant, ["password"]) for variant in ("seerr", "jellyseerr")]
SIGN_IN_TIMEOUT = 60  # it talks to Jellyfin meanwhile, more than once
PLEX_ONLY = "Overseerr signs in with Plex only: open it and do so, or choose seerr, its successor"


def set_up(params: Mapping[str, Any], *, check_mode: bool) -> tuple[list[str], str | None]:
    """(what was done, notice). Raises HttpError."""
    client = Client(params["url"], cookies=True)
    by_hand = params["variant"] == "overseerr"
    if not setting_up.answers(client, f"{seerr.API}/settings/public", params["timeout"], check_mode=check_mode):
        if by_hand:
            return [], PLEX_ONLY
        return [] if was_set_up(params.get("known_config")) else ["sign_in", "initialize"], None
    told = seerr.public(client)
    if told.get("initialized"):
        check_key(params)
        return [], None
    if by_hand:
        return [], PLEX_ONLY
    if not check_mode:
        client.timeout = SIGN_IN_TIMEOUT
        enter(client, told, params)
        seerr.initialize(client)
        check_key(params)
    return ["sign_in", "initialize"], None


def enter(client: Client, told: Mapping[str, Any], params: Mapping[str, Any]) -> None:
    """Sign in; Jellyfin's address is told only while none is configured. Raises HttpError."""
    account = {key: params[key] for key in ("username", "password", "email")}
    if told.get("mediaServerType", seerr.NOT_CONFIGURED) != seerr.NOT_CONFIGURED:
        seerr.sign_in(client, account)
    elif params["jellyfin"] is None:
        raise HttpError("option jellyfin is needed: where the media server is")
    else:
        seerr.first_sign_in(client, account, params["jellyfin"])


def check_key(params: Mapping[str, Any]) -> None:
    """Raise HttpError when the application does not take the key that it was given."""
    if params["api_key"] and not seerr.knows_key(params["url"], params["api_key"]):
        raise HttpError(f"{params['url']} is set up, but refuses its API key: restart it to read it")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, required_if=NEED_PASSWORD, supports_check_mode=True)

    def noticed(params: Mapping[str, Any], *, check_mode: bool) -> tuple[list[str], list[str]]:
        actions, notice = set_up(params, check_mode=check_mode)
        notices = [notice] if notice else []
        for text in notices:
            module.warn(text)
        return actions, notices

    setting_up.run(module, noticed, "notices")


if __name__ == "__main__":
    main()
