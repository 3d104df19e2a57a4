"""Free ports on the loopback interface."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now (0: any port)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(preferred: int = 0, taken: frozenset[int] = frozenset()) -> int:
    """A free loopback port: `preferred` if it can be had, else any that is not in `taken`."""
    if preferred and preferred not in taken and is_free(preferred):
        return preferred
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((LOOPBACK, 0))
            port: int = probe.getsockname()[1]
        if port not in taken:
            return port


@dataclass(frozen=True)
class Published:
    """The loopback ports of one sandbox server. `extra` maps ports of the server to the machine's."""

    ssh: int
    http: int
    https: int
    extra: dict[int, int]

    def mapping(self) -> dict[int, int]:
        """The server's ports and the machine's; those of the edge proxy are the same on both sides."""
        return {22: self.ssh, self.http: self.http, self.https: self.https, **self.extra}


def choose(extra: tuple[int, ...], http: int, https: int, kept: Iterable[int] = ()) -> Published:
    """Free ports for a new sandbox, none of `kept`; `http` and `https` if they can be had."""
    taken = set(kept)

    def take(preferred: int = 0) -> int:
        port = free_port(preferred, frozenset(taken))
        taken.add(port)
        return port

    return Published(take(), take(http), take(https), {port: take() for port in extra})
