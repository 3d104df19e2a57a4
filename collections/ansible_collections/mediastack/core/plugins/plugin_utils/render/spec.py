"""Fingerprints that decide restarts.

A container is recreated when the label `mediastack.spec` that it carries differs from the one rendered
now. The label covers the whole service definition and, under a key, the text of the managed files and
secrets that the container reads: so a run that was killed between writing a file and restarting its
reader is mended by the next one. The key (`mediastack_secrets.mediastack.hash_key`) keeps a reader of
labels from guessing secrets by their hash.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.fingerprint import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

SPEC_LABEL = "mediastack.spec"
# What decides the order of starts, or whether `up` starts it at all, is no reason to recreate a container.
NO_RESTART = ("depends_on", "profiles")


def spec_of(service: Mapping[str, Any], contents_hash: str) -> str:
    """Return the fingerprint of a rendered compose service; its own spec label does not count."""
    labels = {name: value for name, value in service.get("labels", {}).items() if name != SPEC_LABEL}
    body = {key: value for key, value in service.items() if key not in NO_RESTART} | {"labels": labels}
    return hashlib.sha256(canonical([body, contents_hash])).hexdigest()
