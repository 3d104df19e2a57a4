"""Ports that nobody else takes by chance."""

from __future__ import annotations

import random
import socket

LOOPBACK = "127.0.0.1"


def bind(held: socket.socket, address: str = LOOPBACK) -> int:
    """Bind to some port below those that the kernel gives to whoever asks for any: let go, it stays free."""
    for port in random.sample(range(17359, 32768), 50):  # not the one that another test has just let go
        try:
            held.bind((address, port))
        except OSError:
            continue
        return port
    raise AssertionError("no port is free")


def free() -> int:
    """One for a program that has to be told its port."""
    with socket.socket() as held:
        return bind(held)
