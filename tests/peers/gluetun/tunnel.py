"""The WireGuard tunnel: wireguard-go as a child, configured through its socket, stopped with it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from pathlib import Path

from peers.framework import journal
from peers.gluetun import network
from peers.gluetun.settings import Tunnel

START_SECONDS = 5.0


def configuration(tunnel: Tunnel) -> str:
    """The text for `wg setconf`; it goes through a pipe, never through arguments or a file."""
    host = f"[{tunnel.endpoint}]" if ":" in tunnel.endpoint else tunnel.endpoint
    lines = [
        "[Interface]",
        f"PrivateKey = {tunnel.private_key}",
        f"FwMark = {network.MARK}",
        "[Peer]",
        f"PublicKey = {tunnel.public_key}",
        f"Endpoint = {host}:{tunnel.port}",
        f"AllowedIPs = {', '.join(str(allowed) for allowed in tunnel.allowed)}",
    ]
    if tunnel.preshared_key:
        lines.append(f"PresharedKey = {tunnel.preshared_key}")
    if tunnel.keepalive:
        lines.append(f"PersistentKeepalive = {tunnel.keepalive}")
    return "\n".join(lines) + "\n"


class Wireguard:
    """One run of the tunnel."""

    def __init__(self, tunnel: Tunnel) -> None:
        """Nothing runs yet."""
        self._tunnel = tunnel
        self._process: subprocess.Popen[bytes] | None = None

    def up(self) -> None:
        """Start, configure, route. OSError says what failed; then nothing is left running."""
        journal.say("INFO [wireguard] Using userspace implementation")
        environment = {"PATH": os.environ["PATH"], "LOG_LEVEL": "error", "WG_PROCESS_FOREGROUND": "1",
                       "WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD": "1"}  # fmt: skip
        self._process = subprocess.Popen(["wireguard-go", "-f", self._tunnel.interface], env=environment)
        try:
            self._wait_for_socket()
            network.run("wg", "setconf", self._tunnel.interface, "/dev/stdin", text=configuration(self._tunnel))
            network.route_tunnel(self._tunnel)
            self._loosen_reverse_path()
        except (OSError, subprocess.SubprocessError):
            self.down()
            raise
        journal.say(f"INFO [wireguard] Connecting to {self._tunnel.endpoint}:{self._tunnel.port}")

    def _wait_for_socket(self) -> None:
        limit = time.monotonic() + START_SECONDS
        socket = Path(f"/var/run/wireguard/{self._tunnel.interface}.sock")
        while time.monotonic() < limit:
            if not self.alive():
                raise OSError("wireguard-go ended at once: is /dev/net/tun there, with NET_ADMIN?")
            if socket.exists():
                return
            time.sleep(0.02)
        raise OSError("wireguard-go made no interface")

    def _loosen_reverse_path(self) -> None:
        """Strict reverse-path filtering would drop the endpoint's answers unless marks count."""
        with contextlib.suppress(OSError):
            Path("/proc/sys/net/ipv4/conf/all/src_valid_mark").write_text("1", "ascii")

    def alive(self) -> bool:
        """Whether the child runs."""
        return self._process is not None and self._process.poll() is None

    def down(self) -> None:
        """End the child; its interface and routes go with it."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(2)
        self._process = None
