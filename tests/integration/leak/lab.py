"""A server with a VPN zone, something in it that wants out, and somebody on the uplink's far side who counts."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from tests.integration.leak.swarm import FOLDER, Swarm
from tests.integration.servers import Server

from mediastack_provision.sandbox.docker import find_engine

PROGRAMS = Path(__file__).parent / "programs"
KILLSWITCH = "python3 -I /usr/local/lib/mediastack/killswitch.py"
FILES, AWAY = "/etc/mediastack/killswitch", "/root/killswitch-away"
WATCH = "mediastack-killswitch-watch.service"
BOX = "/srv/leak"
LEFT_OUT = ("prowlarr", "flaresolverr", "sonarr", "radarr", "jellyfin", "seerr", "socket-proxy")
COMPOSE = "docker compose -f /opt/mediastack/compose/mediastack/compose.yml"
PAUSE = 0.35  # what a packet needs to be counted, and the count to be written
PATIENCE = 60
CONTROLS = 3  # that are made until one has seen both families
# Everything in the gateway's namespace leaves by the bridge, as if the tunnel's routes had never been.
INSIDE = "nsenter --net=/proc/$(pgrep -f '^standin-python -m peers.gluetun.main$' | head -1)/ns/net --"
UNIT = """[Unit]
Description=leak test: {verb}
DefaultDependencies=no
Before=mediastack-killswitch.service
[Service]
ExecStart=/usr/bin/python3 -u {folder}/on_server.py {verb} {argument}
Restart=always
RestartSec=1
[Install]
WantedBy=sysinit.target
"""

Counts = dict[str, int]


def choices() -> dict[str, object]:
    """The VPN zone alone; the gateway's own firewall is off, so that what is measured is the host's."""
    return {
        "mediastack_services": {name: {"enabled": False} for name in LEFT_OUT}
        | {
            "gluetun": {
                "environment": {
                    "FIREWALL_ENABLED_DISABLING_IT_SHOOTS_YOU_IN_YOUR_FOOT": "off",
                    "STANDIN_HEALTH_PERIOD": "1",
                }
            },
            "qbittorrent": {"publish": "lan"},
        },
    }


def control_of(measure: Callable[[], Counts]) -> Counts:
    """The first measurement that has seen both families, else the last: busy cores may starve one."""
    for _ in range(CONTROLS):
        control = measure()
        if control["v4"] > 0 and control["v6"] > 0:
            break
    return control


@dataclass
class Lab:
    """The server and its far side. `protected`: whether the kill-switch is in force."""

    server: Server
    kept: Path
    protected: bool = True
    start: Counts = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Nothing of the swarm runs yet."""
        self.swarm = Swarm(self)

    def root(self, script: str, *, check: bool = True) -> str:
        """A script on the server."""
        return self.server.root(script, check=check)

    def inside(self, script: str) -> None:
        """A script in the gateway's namespace, with the server's programs."""
        self.root(f"{INSIDE} sh -c '{script}'", check=False)

    def enter(self, words: str) -> str:
        """A program in the gateway's namespace; what it prints."""
        return self.root(f"{INSIDE} {words}")

    def box(self, script: str, *, check: bool = True) -> str:
        """A script on the far side."""
        argv = ["docker", "exec", "-i", self.server.sandbox.internet, "/bin/bash", "-eu", "-c", script]
        environment = find_engine().environment
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert not check or done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def set_up(self) -> None:
        """Bring the parts up: far side, stack, kill-switch, generator, torrent."""
        self.surround()
        # As on hosts with systemd-resolved: the engine asks a resolver on the host's loopback.
        self.root("echo nameserver 127.0.0.53 > /etc/resolv.conf")
        self.server.choices.write_text(yaml.safe_dump(choices()), encoding="utf-8")
        self.server.apply()
        result = self.server.play("playbooks/harden.yml", "--tags", "killswitch")
        assert result.returncode == 0, result.output[-4000:]
        self.unit("generator", "")
        self.recover()
        self.swarm.start()
        self.swarm.ready()
        self.warm_up()

    def warm_up(self) -> None:
        """Let both families be seen outside before anything is measured: IPv6 takes a while to stand."""
        self.off()
        with self.astray():
            self.begin()
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline:
                seen = self.since()
                if all(seen[version] > seen.get(f"{version}-passed-on", 0) for version in ("v4", "v6")):
                    break
        self.recover(hurry=True)
        self.on()
        self.recover()
        self.forget_flows()

    def surround(self) -> None:
        """The far side, and what the server has around it."""
        self.far_side()
        sandbox = self.server.sandbox
        for path in PROGRAMS.glob("*.py"):
            self.copy(path, f"{sandbox.container}:{FOLDER}")
        self.unit("surroundings", sandbox.internet_address)

    def copy(self, path: Path, target: str) -> None:
        """Copy a file into one of the two machines."""
        container, _, folder = target.partition(":")
        environment = find_engine().environment
        script = f"mkdir -p {folder} && cat > {folder}/{path.name}"
        argv = ["docker", "exec", "-i", container, "sh", "-c", script]
        subprocess.run(argv, env=environment, input=path.read_bytes(), timeout=30, check=True)

    def unit(self, verb: str, argument: str) -> None:
        """Run a part of on_server.py for ever, from early at boot on."""
        text = UNIT.format(verb=verb, argument=argument, folder=FOLDER)
        self.root(
            f"cat > /etc/systemd/system/leak-{verb}.service <<'UNIT'\n{text}UNIT\n"
            f"systemctl daemon-reload; systemctl enable --now --quiet leak-{verb}.service"
        )

    def far_side(self) -> None:
        """Addresses on the uplink's far side, and somebody who counts there."""
        self.copy(PROGRAMS / "far_side.py", f"{self.server.sandbox.internet}:{BOX}")
        own = self.server.sandbox
        mac = self.root("cat /sys/class/net/eth0/address").strip()
        self.box(
            "echo 0 > /proc/sys/net/ipv4/tcp_synack_retries\n"
            "for f in all default eth0 lo; do echo 0 > /proc/sys/net/ipv6/conf/$f/disable_ipv6; done\n"
            "ip address add 198.51.100.77/32 dev lo; ip address add 198.51.100.53/32 dev lo\n"
            "ip -6 address add 2001:db8:1::2/64 dev eth0 nodad\n"
            "ip -6 address add 2001:db8:f::77/128 dev lo; ip -6 address add 2001:db8:f::53/128 dev lo\n"
            "ip -6 route add 2001:db8:e::/64 via 2001:db8:1::10; ip -6 route add 2001:db8:a::/64 via 2001:db8:1::10\n"
            f"setsid python3 {BOX}/far_side.py eth0 {mac} {own.subnet} {BOX}/capture.pcap {BOX}/counts.json "
            f">{BOX}/log 2>&1 </dev/null &\n"
            f"for i in $(seq 50); do [ -s {BOX}/counts.json ] && exit 0; sleep 0.1; done; cat {BOX}/log; exit 1"
        )

    def keep(self) -> None:
        """Keep capture and journal where the gate's logs are."""
        self.kept.mkdir(parents=True, exist_ok=True)
        environment = find_engine().environment
        source = f"{self.server.sandbox.internet}:{BOX}/capture.pcap"
        subprocess.run(["docker", "cp", "-q", source, str(self.kept)], env=environment, timeout=60, check=False)
        journal = self.root(f"journalctl --no-pager -u {WATCH} -u mediastack-killswitch.service", check=False)
        (self.kept / "journal.txt").write_text(journal, encoding="utf-8")

    # what is measured

    def counts(self) -> Counts:
        """What has leaked so far."""
        time.sleep(PAUSE)
        found: Counts = json.loads(self.box(f"cat {BOX}/counts.json"))
        return found

    def begin(self) -> None:
        """Count from here."""
        self.start = self.counts()

    def forget_flows(self) -> None:
        """End what the far side still has of a control: the server's kernel would answer its repeats, itself."""
        self.box("kill -USR1 $(cat /run/far_side.pid)")
        time.sleep(PAUSE)

    def since(self) -> Counts:
        """What has leaked since `begin`."""
        return {key: value - self.start.get(key, 0) for key, value in self.counts().items()}

    def recover(self, *, hurry: bool = False) -> float:
        """Wait until the tunnel carries, and, where it should, the kill-switch is whole; the seconds that took.

        `hurry`: have the gateway build its tunnel anew at once, instead of when it notices.
        """
        began = time.monotonic()
        whole = f"{KILLSWITCH} check" if self.protected else "true"
        carries = "timeout 2 bash -c 'exec 3<>/dev/tcp/198.18.255.1/80'"
        if hurry:
            self.root("pkill -KILL -x wireguard-go || true")
        self.root(
            f"for i in $(seq {PATIENCE * 4}); do\n"
            f"  if {whole} >/dev/null 2>&1 && {INSIDE} {carries} 2>/dev/null; then exit 0; fi\n  sleep 0.2\ndone\n"
            f"{KILLSWITCH} check; docker ps; {INSIDE} ip rule; docker logs --tail 20 gluetun; exit 1"
        )
        return time.monotonic() - began

    # what is in force

    def off(self) -> None:
        """Without the kill-switch: what a control is measured with."""
        self.protected = False
        self.root(f"systemctl stop {WATCH}; mv {FILES} {AWAY}; {KILLSWITCH} apply")

    def on(self) -> None:
        """With it again."""
        self.root(f"if [ -d {AWAY} ]; then mv {AWAY} {FILES}; fi; {KILLSWITCH} apply; systemctl start {WATCH}")
        self.protected = True

    @contextmanager
    def astray(self, via: str = "") -> Iterator[None]:
        """The namespace's traffic leaves past the tunnel, over the egress bridge or another."""
        way = f"ip route replace default via {via}.1; " if via else ""
        way += "ip -6 route replace default via 2001:db8:a::1; " if via else ""
        back = (
            "ip route replace default via 198.18.211.1; ip -6 route replace default via 2001:db8:e::1; " if via else ""
        )
        self.inside(f"{way}ip rule add priority 50 lookup main")
        try:
            yield
        finally:
            self.inside(f"{back}ip rule del priority 50")
