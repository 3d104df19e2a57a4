"""Everything that has opened a kill-switch somewhere, done on purpose. Each leaves the server able to recover."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from tests.integration.leak.lab import COMPOSE, FILES, INSIDE, WATCH, Lab

from mediastack_provision.sandbox.docker import find_engine

SECONDS = 2.0  # how long a fault lasts
TABLE = f"{FILES}/table.nft"
SAVE = "iptables-save > /root/iptables; ip6tables-save > /root/ip6tables"
RESTORE = "iptables-restore < /root/iptables; ip6tables-restore < /root/ip6tables"
GATEWAY_RUNS = """for i in $(seq 150); do
    [ "$(docker inspect -f '{{.State.Running}}' gluetun)" = true ] && exit
    sleep 0.2
done
docker ps --all; exit 1
"""
FAULTS: dict[str, Callable[[Lab], None]] = {}


def fault(act: Callable[[Lab], None]) -> Callable[[Lab], None]:
    """Register a fault under its name."""
    FAULTS[act.__name__.replace("_", "-")] = act
    return act


def hold(seconds: float = SECONDS) -> None:
    """Let it last."""
    time.sleep(seconds)


def again_and_again(lab: Lab, script: str, seconds: float = SECONDS) -> None:
    """Do it every tenth of a second: the gateway tries to come back."""
    lab.root(f"end=$((SECONDS + {max(1, round(seconds))})); while [ $SECONDS -lt $end ]; do {script}; sleep 0.1; done")


# The tunnel


@fault
def tunnel_killed(lab: Lab) -> None:
    again_and_again(lab, "pkill -KILL -x wireguard-go || true")


@fault
def tun_down(lab: Lab) -> None:
    again_and_again(lab, f"{INSIDE} ip link set tun0 down 2>/dev/null || true")


@fault
def vpn_server_gone(lab: Lab) -> None:
    lab.box("ip netns exec provider ip link set wan down")
    try:
        hold(15)  # the gateway has to notice, and to begin anew
    finally:
        lab.box("ip netns exec provider sh -c 'ip link set wan up; ip route replace default via 203.0.113.1'")


@fault
def tunnel_routes_lost(lab: Lab) -> None:
    again_and_again(lab, f"{INSIDE} ip route flush table 51820 || true")


# The gateway


@fault
def own_firewall_off(lab: Lab) -> None:
    with lab.astray():
        hold()


@fault
def gateway_killed(lab: Lab) -> None:
    lab.root("kill -KILL $(docker inspect -f '{{.State.Pid}}' gluetun)")
    hold(3)
    lab.root(GATEWAY_RUNS)  # compose joins no namespace of a container that does not
    lab.root(f"{COMPOSE} up -d --no-deps --force-recreate qbittorrent >/dev/null 2>&1")


@fault
def gateway_restarted(lab: Lab) -> None:
    """Who is in its namespace keeps the dead one until it is made anew."""
    lab.root("docker restart --time 1 gluetun >/dev/null")
    hold()
    lab.root(f"{COMPOSE} up -d --no-deps --force-recreate qbittorrent >/dev/null 2>&1")


@fault
def gateway_removed_and_recreated(lab: Lab) -> None:
    lab.root("docker rm --force gluetun >/dev/null")
    hold(0.5)
    lab.root(f"{COMPOSE} up -d --no-deps gluetun >/dev/null 2>&1")
    hold()
    lab.root(f"{COMPOSE} up -d --no-deps --force-recreate qbittorrent >/dev/null 2>&1")


@fault
def second_bridge(lab: Lab) -> None:
    with lab.astray(via="198.18.208"):
        hold()


@fault
def names_through_a_forwarder_on_the_bridge(lab: Lab) -> None:
    hold()  # the generator asks it all the time


@fault
def after_recovery(lab: Lab) -> None:
    """Sockets that were opened during the outage keep the bridge's address."""
    with lab.astray():
        hold(1)
    if not lab.protected:
        lab.begin()
    hold()


# What is behind the gateway


@fault
def torrent_client_astray(lab: Lab) -> None:
    """Its peers are told by the tracker, and it calls them past the tunnel."""
    with lab.astray():
        for _ in range(4):  # it calls a few of them at a time
            lab.swarm.tell("dial")
            hold()


# The host's firewall


@fault
def accept_atop_forward_and_docker_user(lab: Lab) -> None:
    chains = ("FORWARD", "DOCKER-USER")
    lab.root(
        "; ".join(f"{tool} -I {chain} 1 -j ACCEPT || true" for tool in ("iptables", "ip6tables") for chain in chains)
    )
    try:
        with lab.astray():
            hold()
    finally:
        commands = [f"{tool} -D {chain} -j ACCEPT || true" for tool in ("iptables", "ip6tables") for chain in chains]
        lab.root("; ".join(commands))


@fault
def iptables_flushed_and_accept(lab: Lab) -> None:
    lab.root(f"{SAVE}; for t in iptables ip6tables; do $t -F; $t -P FORWARD ACCEPT; $t -A FORWARD -j ACCEPT; done")
    try:
        with lab.astray():
            hold()
    finally:
        lab.root(RESTORE)


@fault
def bridge_recreated(lab: Lab) -> None:
    with lab.astray():
        lab.root(
            "b=ms-eg-gluetun; ports=$(ls /sys/class/net/$b/brif); mac=$(cat /sys/class/net/$b/address)\n"
            "a=$(ip -o -4 address show dev $b | awk '{print $4}')\n"
            "ip link delete $b; sleep 0.3; ip link add $b address $mac type bridge\n"
            "ip address add $a dev $b; ip link set $b up\n"
            "for p in $ports; do ip link set $p master $b; done"
        )
        hold()


@fault
def reloaded_50_times(lab: Lab) -> None:
    with lab.astray():
        lab.root(f"for i in $(seq 50); do if [ -e {TABLE} ]; then nft -f {TABLE}; fi; done")
        hold(1)


@fault
def deleted_and_added_50_times(lab: Lab) -> None:
    delete = "nft delete table inet mediastack_killswitch 2>/dev/null || true"
    with lab.astray():
        lab.root(f"for i in $(seq 50); do {delete}; sleep 0.02; if [ -e {TABLE} ]; then nft -f {TABLE}; fi; done")
        hold(1)


@fault
def flushed_and_docker_adds_its_own(lab: Lab) -> None:
    with lab.astray():
        lab.root(f"{SAVE}; nft flush ruleset; {RESTORE}")
        hold()


@fault
def flushed_while_the_watcher_hangs(lab: Lab) -> None:
    """It puts nothing back, but still holds its table."""
    watcher = f"systemctl kill --kill-whom=main --signal=%s {WATCH} || true"
    lab.root(watcher % "STOP")
    try:
        with lab.astray():
            lab.root(f"{SAVE}; nft flush ruleset; {RESTORE}")
            hold()
    finally:
        lab.root(watcher % "CONT")


@fault
def routing_alone(lab: Lab) -> None:
    """Nobody watches, and the tables are flushed. Questions to the host itself are not routed, so they are not held."""
    lab.root(f"systemctl stop {WATCH}")
    with lab.astray():
        lab.root(f"{SAVE}; nft flush ruleset; {RESTORE}")
        if lab.protected:
            assert "killswitch" not in lab.root("nft list tables")
        hold()
    _watch_again(lab)


@fault
def table_alone(lab: Lab) -> None:
    """Nobody watches, and the rules of policy routing are deleted."""
    lab.root(
        f"systemctl stop {WATCH}; for f in 4 6; do for p in 710 720 730 780 790; do\n"
        "while ip -$f rule del priority $p 2>/dev/null; do :; done; done; done; ip rule; ip -6 rule"
    )
    with lab.astray():
        hold(1)
    with lab.astray(via="198.18.208"):
        hold(1)
    _watch_again(lab)


@fault
def table_deleted_by_hand(lab: Lab) -> None:
    with lab.astray():
        lab.root("nft delete table inet mediastack_killswitch 2>/dev/null || true")
        hold()


def _watch_again(lab: Lab) -> None:
    if lab.protected:
        lab.root(f"systemctl start {WATCH}")


@fault
def flow_older_than_the_load(lab: Lab) -> None:
    """Flows that got out before the rules came do not go on."""
    protected = lab.protected
    if protected:
        lab.off()
    with lab.astray():
        hold(1)
        if protected:
            lab.on()
        lab.begin()
        hold()


# The engine and the server


@fault
def engine_restarted(lab: Lab) -> None:
    with lab.astray():
        # A soak restarts it more often than systemd takes for healthy.
        lab.root("systemctl reset-failed docker.service; systemctl restart docker.service")
        hold()


@fault
def endpoint_changed(lab: Lab) -> None:
    """The role itself brings in another endpoint, which closes the old one, and then that again."""
    path = lab.server.choices.with_name("endpoint.yml")
    with lab.astray():
        if not lab.protected:
            hold()
            return
        path.write_text(
            "killswitch_endpoints: [{gateway: gluetun, addresses: [203.0.113.20], port: 51820}]\n", encoding="utf-8"
        )
        _harden(lab)
        before = lab.counts().get("tunnel", 0)
        hold()
        assert lab.counts().get("tunnel", 0) == before, "the old endpoint is still open"
        path.unlink()
        _harden(lab)


def _harden(lab: Lab) -> None:
    result = lab.server.play("playbooks/harden.yml", "--tags", "killswitch")
    assert result.returncode == 0, result.output[-3000:]
    assert "killswitch : Write rules and services" in result.changed  # the watcher may have loaded them already


@fault
def boot(lab: Lab) -> None:
    """The generator starts before our unit, and sends as soon as there is a gateway."""
    units = "mediastack-killswitch.service mediastack-killswitch-watch.service"
    if not lab.protected:
        lab.root(f"systemctl disable --quiet {units}")
    container = lab.server.sandbox.container
    lab.root("sync")
    subprocess.run(
        ["docker", "restart", "--time", "10", container],
        env=find_engine().environment,
        capture_output=True,
        timeout=90,
        check=True,
    )
    lab.root("for i in $(seq 100); do systemctl is-active --quiet docker.service && break; sleep 0.2; done")
    hold(3)
    with lab.astray():
        hold(1)
    if not lab.protected:
        lab.root(f"systemctl enable --quiet {units}")
