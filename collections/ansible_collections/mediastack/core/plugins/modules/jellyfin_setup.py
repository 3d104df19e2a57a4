"""Jellyfin's first start: administrator and API key."""

from __future__ import annotations

DOCUMENTATION = r"""
module: jellyfin_setup
short_description: Set Jellyfin up
description:
  - Waits for Jellyfin, goes through its first-start wizard if that is not done, and signs in as admin.
  - A password that was changed in Jellyfin is reported, not overwritten.
  - Ensures one API key of a name, and keeps it in a file on the server, because Jellyfin makes keys itself.
author: [mediastack maintainers]
version_added: 0.1.0
options:
  server_name:
    description: Name that Jellyfin shows. Set by the wizard only, like the four options below.
    type: str
    default: mediastack
  ui_culture:
    description: Language of the interface.
    type: str
    default: en-US
  metadata_country:
    description: Country whose metadata are preferred.
    type: str
    default: US
  metadata_language:
    description: Language of the metadata.
    type: str
    default: en
  remote_access:
    description: Whether other machines may connect. Without it a reverse proxy cannot.
    type: bool
    default: true
  key_name:
    description: Application name of the API key.
    type: str
    default: mediastack
  key_file:
    description: File on the server that gets the key; mode 0600. Its directory is made when missing.
    type: path
    required: true
extends_documentation_fragment: [mediastack.core.setup_options, mediastack.core.lease_options]
attributes:
  check_mode:
    details: That O(key_file) is written when it is missing is predicted in any case.
"""

EXAMPLES = r"""
- name: Set Jellyfin up
  mediastack.core.jellyfin_setup:
    url: http://172.31.240.20:8096
    username: admin
    password: "{{ jellyfin_admin_password }}"
    key_file: /opt/mediastack/secrets/jellyfin/api_key
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be, in order.
  returned: always
  type: list
  elements: str
  sample: [wizard, key, key_file]
version:
  description: Version of the server, null when it does not answer yet.
  returned: success
  type: str
  sample: 12.1.0
"""

import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils.apps import jellyfin, setting_up
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
    "server_name": {"type": "str", "default": "mediastack"},
    "ui_culture": {"type": "str", "default": "en-US"},
    "metadata_country": {"type": "str", "default": "US"},
    "metadata_language": {"type": "str", "default": "en"},
    "remote_access": {"type": "bool", "default": True},
    "key_name": {"type": "str", "default": "mediastack", "no_log": False},
    "key_file": {"type": "path", "required": True, "no_log": False},
    **LEASE_ARGUMENTS,
}
EVERYTHING = ["wizard", "key", "key_file"]
MODE = 0o600


def set_up(params: Mapping[str, Any], *, check_mode: bool) -> tuple[list[str], str | None]:
    """(what was done, version). Raises HttpError, and OSError when the key file cannot be written."""
    client = Client(params["url"])
    if not setting_up.answers(client, jellyfin.PING, params["timeout"], check_mode=check_mode):
        return predict(params), None
    told = jellyfin.info(client)
    version = told.get("Version")
    actions = []
    if not told["StartupWizardCompleted"]:
        if check_mode:
            return EVERYTHING, version
        jellyfin.wizard(client, params, params["username"], params["password"])
        actions.append("wizard")
    if not jellyfin.sign_in(client, params["username"], params["password"]):
        raise HttpError(
            f"Jellyfin refuses the password of {params['username']}: store the one that is set there as the "
            "instance's admin_password, or set the stored one there"
        )
    return actions + keep_key(client, params, check_mode=check_mode), version


def predict(params: Mapping[str, Any]) -> list[str]:
    """What a run will do, as far as that can be told while the server does not answer."""
    if not was_set_up(params.get("known_config")):
        return EVERYTHING
    return [] if read_key(Path(params["key_file"])) else ["key_file"]


def keep_key(client: Client, params: Mapping[str, Any], *, check_mode: bool) -> list[str]:
    """Ensure that the server has a key of that name and that the file holds it; what was done."""
    path = Path(params["key_file"])
    present = jellyfin.keys(client, params["key_name"])
    stored = read_key(path)
    if stored in present:
        return []
    if check_mode:
        return ["key_file"] if present else ["key", "key_file"]
    actions = [] if present else ["key"]
    write_key(path, present[0] if present else jellyfin.make_key(client, params["key_name"]))
    return [*actions, "key_file"]


def read_key(path: Path) -> str | None:
    """The key in the file; None when there is none, or when others could read it."""
    try:
        if stat.S_IMODE(path.lstat().st_mode) != MODE or path.is_symlink():
            return None
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None


def write_key(path: Path, key: str) -> None:
    """Replace the file at once; never readable by others, at no moment. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(key + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        setting_up.run(module, set_up, "version")
    except OSError as error:
        module.fail_json(msg=f"{module.params['key_file']} cannot be written: {error.strerror}", actions=[])
    except (KeyError, TypeError, AttributeError) as error:
        module.fail_json(msg=f"unexpected answer of Jellyfin ({type(error).__name__})", actions=[])


if __name__ == "__main__":
    main()
