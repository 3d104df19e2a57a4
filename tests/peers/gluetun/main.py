"""`/gluetun-entrypoint`: run everything, or `healthcheck`.

Variables that only this stand-in has: STANDIN_ECHO (the provider's page that tells our public address, default
the peer's tunnel address), STANDIN_RESOLVER (its resolver), STANDIN_HEALTH_PERIOD (seconds between checks) and
STANDIN_FORWARDED_PORT.
"""

from __future__ import annotations

import os
import signal
import socketserver
import sys
import threading
from collections.abc import Callable

from peers.framework import journal
from peers.framework.client import UnreachableError, call
from peers.framework.web import Server
from peers.gluetun import control, names, network, proxy
from peers.gluetun.loop import Loop
from peers.gluetun.settings import Reader, Settings, SettingsError, read

ECHO, RESOLVER, PERIOD, PORT = "http://198.18.255.1:80/", "198.18.255.1", "5", "41200"


def healthcheck() -> int:
    """Ask the health server; 1 and the reason when it is not well."""
    host, port = Reader(os.environ).address("HEALTH_SERVER_ADDRESS")
    try:
        answer = call("GET", f"http://{host or '127.0.0.1'}:{port}/", timeout=4)
    except UnreachableError as error:
        sys.stderr.write(f"ERROR {error}\n")
        return 1
    if answer.status != 200:
        sys.stderr.write(f"ERROR HTTP response status is not OK: {answer.status}: {answer.body.decode()}")
        return 1
    return 0


def background(target: Callable[[], None]) -> None:
    """Run in a thread that does not keep the process alive."""
    threading.Thread(target=target, daemon=True).start()


def open_firewall(settings: Settings) -> Callable[[int | None], None]:
    """Close first, then learn the network, set policy routes and load the rules; return how a port is opened."""
    network.load(network.closed())
    known = network.links(settings.tunnel.interface)
    routes = network.defaults(known)
    if not routes:
        raise SettingsError("no default route found")
    network.set_policy(settings, known, routes)

    def load(port: int | None) -> None:
        forwarded = (port, settings.forwarding.listening_port) if port else None
        if settings.firewall.enabled:
            network.load(network.ruleset(settings.firewall, settings.tunnel, known, routes, forwarded=forwarded))

    if settings.firewall.enabled:
        load(None)
        journal.say("INFO [firewall] enabled successfully")
    else:
        network.run("nft", "delete", "table", "inet", network.TABLE)
        journal.say("WARN [firewall] disabled: traffic leaks when the tunnel fails")
    return load


class Resolver:
    """The DNS server of the namespace, switched by the control server."""

    def __init__(self, settings: Settings, upstream: str) -> None:
        """Pin resolv.conf and start, unless the settings say otherwise."""
        self._servers: list[socketserver.BaseServer] = []
        self._names = None
        if settings.dns:
            local = None if settings.keep_nameserver else names.pin()
            self._names = names.Names((upstream, 53), local)
            self.switch("running")

    def switch(self, wanted: str) -> str:
        """Start or stop; the new status."""
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._servers = names.start(self._names) if wanted == "running" and self._names else []
        for server in self._servers:
            background(server.serve_forever)
        return wanted


def run(settings: Settings) -> None:
    """Start everything and wait for SIGTERM."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    who = control.roles(settings.roles_file, settings.default_role)
    open_port = open_firewall(settings)
    environment = {name: os.environ.get(name) or default for name, default in
                   (("STANDIN_ECHO", ECHO), ("STANDIN_HEALTH_PERIOD", PERIOD),
                    ("STANDIN_FORWARDED_PORT", PORT), ("STANDIN_RESOLVER", RESOLVER))}  # fmt: skip
    loop = Loop(settings, environment["STANDIN_ECHO"], float(environment["STANDIN_HEALTH_PERIOD"]), open_port,
                int(environment["STANDIN_FORWARDED_PORT"]))  # fmt: skip
    resolver = Resolver(settings, environment["STANDIN_RESOLVER"])
    api = control.Control(loop, settings.provider, who, resolver.switch)
    background(Server(api, *settings.control_address).serve_forever)
    background(Server(control.Health(loop), *settings.health_address).serve_forever)
    if settings.proxy:
        background(proxy.serve(settings.proxy, settings.proxy_user, settings.proxy_password).serve_forever)
    vpn = threading.Thread(target=loop.run, daemon=True)
    vpn.start()
    ended.wait()
    journal.say("INFO Shutting down")
    loop.stop()
    vpn.join(3)


def main(arguments: list[str]) -> int:
    """Run a command of the entry point."""
    if arguments == ["healthcheck"]:
        return healthcheck()
    if arguments:
        sys.stderr.write(f"command is unknown: {arguments[0]}\n")
        return 1
    try:
        settings = read(os.environ, ipv6=network.ipv6_supported())
        run(settings)
    except (SettingsError, OSError) as error:
        journal.say(f"ERROR {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
