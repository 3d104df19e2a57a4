"""What a server tells of a file of root's, in the shape of `host_system.describe_state`."""

from __future__ import annotations

from hashlib import sha256
from typing import Any


def state_of(content: str, *, mode: str = "0644", **changes: Any) -> dict[str, Any]:
    """The file with this content."""
    owned = {"uid": 0, "gid": 0, "owner": "root", "group": "root"}
    digest = sha256(content.encode()).hexdigest()
    return {"kind": "file", "mode": mode, "sha256": digest, **owned} | changes
