"""Jellyfin's first start: administrator and API key."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.apps import jellyfin
from ansible_collections.mediastack.core.plugins.module_utils.apps.known import was_set_up
from ansible_collections.mediastack.core.plugins.module_utils.apps.setting_up import Outcome, answers
from ansible_collections.mediastack.core.plugins.module_utils.http import Client, HttpError

if TYPE_CHECKING:
    from collections.abc import Mapping

EVERYTHING = ["wizard", "key", "key_file"]
MODE = 0o600


def set_up(params: Mapping[str, Any], *, check_mode: bool) -> Outcome:
    """Go through the wizard where that is not done, and keep a key. Raises HttpError."""
    client = Client(params["url"])
    if not answers(client, jellyfin.PING, params["timeout"], check_mode=check_mode):
        return Outcome(predict(params))
    actions = []
    if not jellyfin.info(client)["StartupWizardCompleted"]:
        if check_mode:
            return Outcome(EVERYTHING)
        jellyfin.wizard(client, params, params["username"], params["password"])
        actions.append("wizard")
    if not jellyfin.sign_in(client, params["username"], params["password"]):
        raise HttpError(
            f"Jellyfin refuses the password of {params['username']}: store the one that is set there as the "
            "instance's admin_password, or set the stored one there"
        )
    try:
        return Outcome(actions + keep_key(client, params, check_mode=check_mode))
    except OSError as error:
        raise HttpError(f"{params['key_file']} cannot be written: {error.strerror}") from error


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
