"""The VPN loop: keeps the tunnel up, learns address and port, restarts what carries nothing."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

from peers.framework import journal, store
from peers.framework.client import UnreachableError, call
from peers.gluetun.settings import Settings
from peers.gluetun.tunnel import Wireguard

CHECK_SECONDS = 3.0
FAILURES = 3


class Loop:
    """The state that health, control server and port forwarding share."""

    def __init__(
        self,
        settings: Settings,
        echo: str,
        period: float,
        open_port: Callable[[int | None], None],
        forwarded_port: int,
    ) -> None:
        """`echo` is the provider's page that tells our public address; `period` is the time between checks."""
        self._settings, self._echo, self._period = settings, echo, period
        self._open_port, self._forwarded_port = open_port, forwarded_port
        self._wanted = threading.Event()
        self._wanted.set()
        self._wake = threading.Event()
        self._ended = threading.Event()
        self.status = "starting"
        self.problem: str | None = "healthcheck did not run yet"
        self.public_ip: dict[str, Any] = {"public_ip": ""}
        self.port = 0

    # control

    def apply(self, wanted: str) -> str:
        """Run or stop the VPN and say what came of it, as the control server answers."""
        if wanted == self.status:
            return f"already {wanted}"
        if wanted == "running":
            self._wanted.set()
        else:
            self._wanted.clear()
        self._wake.set()
        limit = time.monotonic() + 10
        while self.status != wanted and time.monotonic() < limit:
            time.sleep(0.02)
        return self.status

    def stop(self) -> None:
        """End the loop."""
        self._ended.set()
        self._wake.set()

    def run(self) -> None:
        """Keep the tunnel as wanted until `stop`."""
        delay = 1.0
        while not self._ended.is_set():
            if not self._wanted.is_set():
                self.status, self.problem = "stopped", "the VPN is stopped"
                self._pause(3600)
                continue
            try:
                healthy = self._once()
            except (OSError, subprocess.SubprocessError) as error:
                journal.say(f"ERROR [vpn] {error}")
                self.status, self.problem, healthy = "crashed", str(error), False
            if self._wanted.is_set() and not self._ended.is_set():
                delay = 1.0 if healthy else min(delay * 2, 15.0)
                journal.say(f"INFO [vpn] retrying in {delay:.0f} s")
                self._pause(delay)

    def _pause(self, seconds: float) -> None:
        self._wake.wait(seconds)
        self._wake.clear()

    def _once(self) -> bool:
        """One life of the tunnel; whether it was ever healthy."""
        self.status = "starting"
        wireguard, was_healthy = Wireguard(self._settings.tunnel), False
        wireguard.up()
        self.status = "running"
        try:
            failures = 0
            while wireguard.alive() and self._wanted.is_set() and not self._ended.is_set():
                if self._check():
                    failures = 0
                    if not was_healthy:
                        was_healthy = True
                        self._came_up()
                else:
                    failures += 1
                if failures >= FAILURES and self._settings.restart_vpn:
                    journal.say(f"INFO [vpn] restarting VPN because it failed to pass the healthcheck: {self.problem}")
                    break
                self._pause(self._period if not failures else min(self._period, 1.0))
            if not wireguard.alive():
                journal.say("ERROR [wireguard] wireguard-go ended")
        finally:
            self.problem = "the tunnel is down"
            if was_healthy:
                self._goes_down()
            wireguard.down()
        return was_healthy

    # what the tunnel carries

    def _check(self) -> bool:
        try:
            answer = call("GET", self._echo, timeout=CHECK_SECONDS)
        except UnreachableError as error:
            self.problem = f"the tunnel carries nothing: {error}"
            return False
        if answer.status != 200:
            self.problem = f"the provider answers {answer.status}"
            return False
        data = answer.json()
        if isinstance(data, dict):
            self.public_ip = {"public_ip": data.get("public_ip") or data.get("ip") or "", **data}
        else:
            self.public_ip = {"public_ip": answer.body.decode("utf-8", "replace").strip()}
        self.problem = None
        return True

    def _came_up(self) -> None:
        address = str(self.public_ip["public_ip"])
        if self._settings.public_ip_file:
            store.write_atomically(self._settings.public_ip_file, address.encode())
            journal.say(f"INFO [ip getter] Public IP address is {address}")
        else:
            self.public_ip = {"public_ip": ""}
        forwarding = self._settings.forwarding
        if forwarding.enabled:
            self.port = self._forwarded_port
            self._open_port(self.port)
            store.write_atomically(forwarding.file, str(self.port).encode())
            journal.say(f"INFO [port forwarding] port forwarded is {self.port}")
            self._command(forwarding.up)

    def _goes_down(self) -> None:
        self.public_ip = {"public_ip": ""}
        if self._settings.public_ip_file:
            with contextlib.suppress(FileNotFoundError):
                self._settings.public_ip_file.unlink()
        forwarding = self._settings.forwarding
        if forwarding.enabled:
            self._command(forwarding.down)
            self.port = 0
            self._open_port(None)
            with contextlib.suppress(FileNotFoundError):
                forwarding.file.unlink()

    def _command(self, template: str) -> None:
        """Run an up or down command; placeholders as documented, no shell unless it names one."""
        if not template:
            return
        text = template.replace("{{PORTS}}", str(self.port)).replace("{{PORT}}", str(self.port))
        words = shlex.split(text.replace("{{VPN_INTERFACE}}", self._settings.tunnel.interface))
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
        except (OSError, subprocess.SubprocessError) as error:
            journal.say(f"ERROR [port forwarding] running command: {error}")
            return
        for line in (done.stdout + done.stderr).splitlines():
            journal.say(f"INFO [port forwarding] {line}")
        if done.returncode:
            journal.say(f"ERROR [port forwarding] command exited with {done.returncode}")
