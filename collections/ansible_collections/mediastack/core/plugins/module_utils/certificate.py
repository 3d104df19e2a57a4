"""The certificate that a server shows for a name, verified."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Any

from ansible_collections.mediastack.core.plugins.module_utils.http import (
    UnreachableError,
    reason,
    tls_context,
)

HOUR = 3600


def of(name: str, target: tuple[str, int], *, ca_file: str | None = None, timeout: float = 10) -> dict[str, Any]:
    """What `target` shows for `name`: {"name", "issuer", "expires": "2027-01-31", "hours": 1711.5, "lifetime": 2160.0}.

    ca_file: the root to verify against, None for the system's. Raises UnreachableError, also when the chain,
    the name or the dates do not verify.
    """
    try:
        with (
            socket.create_connection(target, timeout) as plain,
            tls_context(ca_file).wrap_socket(plain, server_hostname=name) as secured,
        ):
            shown = secured.getpeercert() or {}
    except OSError as error:
        raise UnreachableError(f"{name} at {target[0]}:{target[1]}: {reason(error)}") from None
    since = ssl.cert_time_to_seconds(str(shown["notBefore"]))
    until = ssl.cert_time_to_seconds(str(shown["notAfter"]))
    return {
        "name": name,
        "issuer": _common_name(shown.get("issuer")) or "an unnamed issuer",
        "expires": time.strftime("%Y-%m-%d", time.gmtime(until)),
        "hours": round((until - time.time()) / HOUR, 1),
        "lifetime": round((until - since) / HOUR, 1),
    }


def _common_name(parts: Any) -> str:
    pairs = {key: value for part in parts or () for key, value in part}
    return str(pairs.get("commonName") or pairs.get("organizationName") or "")
