"""Whether the directories and files of the record in force are still as they were written.

The record says of each path what `files` made of it::

    places: {path: {kind: directory|file, owner, group, mode, policy: managed|seed|""}}
    files:  {path: keyed hash}                                  of managed files
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.files_plan import Ids, State, look, mode_of
from ansible_collections.mediastack.core.plugins.module_utils.fingerprint import keyed_hash
from ansible_collections.mediastack.core.plugins.module_utils.safe_path import Directories, UnsafePathError

if TYPE_CHECKING:
    from collections.abc import Mapping

ANY_SIZE = -1


def displaced(record: Mapping[str, Any] | None, hash_key: str) -> list[str] | None:
    """The paths that are no longer as recorded; None where nothing was recorded or the key is not known."""
    if not record or not hash_key or not record.get("places"):
        return None
    hashes, ids = record.get("files") or {}, Ids(may_be_missing=True)
    with Directories() as directories:
        return [
            path
            for path, place in sorted(record["places"].items())
            if not _same(_found(directories, path, path in hashes), place, ids, hashes.get(path), hash_key)
        ]


def _found(directories: Directories, path: str, with_content: bool) -> State:
    try:
        return look(directories, path, ANY_SIZE if with_content else None)
    except (OSError, UnsafePathError):
        return State("missing")  # `files` says what is wrong


def _same(state: State, place: Mapping[str, Any], ids: Ids, fingerprint: str | None, hash_key: str) -> bool:
    uid, gid = ids.number("user", place.get("owner")), ids.number("group", place.get("group"))
    mode = None if place.get("policy") == "seed" else mode_of(place.get("mode"))
    attributes = uid in (None, state.uid) and gid in (None, state.gid) and mode in (None, state.mode)
    unchanged = fingerprint is None or _fingerprint(state, hash_key) == fingerprint
    return state.kind == place["kind"] and attributes and unchanged


def _fingerprint(state: State, hash_key: str) -> str | None:
    if state.content is None:
        return None
    try:
        return keyed_hash(hash_key, {"": state.content.decode("utf-8")})
    except UnicodeDecodeError:
        return None
