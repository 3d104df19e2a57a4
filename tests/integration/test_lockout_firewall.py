"""Ways to lock oneself out with a firewall: after each, the old access works again within the rollback time."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.integration.forced import FIREWALL, forced
from tests.integration.lockout import (
    AGAIN,
    HARDEN,
    HASTE,
    PATIENCE,
    SECONDS,
    at_rest,
    choose,
    outage,
    undone,
    wait_until,
)
from tests.integration.servers import Server, on_releases, server

from mediastack_provision.sandbox.docker import find_engine

FILE = "/etc/mediastack/nftables/mediastack_firewall.nft"
# The server's link goes down as soon as the new table's file is there, and comes back after the countdown. It does that
# once: the old file comes back, too.
CUT = f"""\
cat > /run/systemd/system/cut.service <<'UNIT'
[Service]
Type=oneshot
ExecStart=/bin/systemctl --no-block stop cut.path
ExecStart=/bin/bash -c 'ip route save > /run/routes; ip link set eth0 down; sleep {SECONDS + 3}; ip link set eth0 up; \
ip route restore < /run/routes'
UNIT
cat > /run/systemd/system/cut.path <<'UNIT'
[Path]
PathModified={FILE}
Unit=cut.service
UNIT
systemctl daemon-reload
systemctl start cut.path
"""
# Another firewall, as far as the role looks at one.
FAKE_UNIT = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
UFW = f"""\
mkdir -p /etc/ufw; echo ENABLED=yes > /etc/ufw/ufw.conf
printf '{FAKE_UNIT}' > /etc/systemd/system/ufw.service
cat > /usr/sbin/ufw <<'SCRIPT'
#!/bin/sh
case "$2" in disable) word=no verb=stop ;; enable) word=yes verb=start ;; esac
echo "ENABLED=$word" > /etc/ufw/ufw.conf
systemctl "$verb" ufw.service
SCRIPT
chmod 755 /usr/sbin/ufw; systemctl daemon-reload; systemctl start ufw.service
"""
NO_UFW = "systemctl stop ufw.service; rm -rf /etc/ufw /usr/sbin/ufw /etc/systemd/system/ufw.service"
FIREWALLD = f"""\
printf '{FAKE_UNIT}' > /etc/systemd/system/firewalld.service
systemctl daemon-reload; systemctl start firewalld.service
"""
NO_FIREWALLD = "systemctl stop firewalld.service; rm /etc/systemd/system/firewalld.service"
NO_NFT = """\
mv /etc/apt /etc/apt.kept; mkdir -p /etc/apt/sources.list.d
dpkg --remove --force-depends nftables > /dev/null
mv /var/lib/apt/lists /var/lib/apt/lists.kept; mkdir /var/lib/apt/lists
mv /var/cache/apt /var/cache/apt.kept; mkdir -p /var/cache/apt/archives/partial
"""
NFT_AGAIN = """\
rm -rf /etc/apt /var/lib/apt/lists /var/cache/apt
mv /etc/apt.kept /etc/apt; mv /var/lib/apt/lists.kept /var/lib/apt/lists; mv /var/cache/apt.kept /var/cache/apt
apt-get -q install --yes --no-install-recommends nftables > /dev/null
"""
# As on a kernel without nf_tables: nft finds nobody to talk to.
NO_KERNEL = """\
printf '#!/bin/sh\\necho "netlink: Error: cache initialization failed: Protocol not supported" >&2\\nexit 1\\n' \
  > /usr/local/sbin/nft
chmod 755 /usr/local/sbin/nft
"""


MUTE = "\nchain answers {\n\ttype filter hook output priority 0; policy accept;\n\ttcp sport 22 drop\n}\n"
BLOCKED = forced({"ssh_ports": [2022]})


def state(made: Server) -> str:
    """All that the role keeps, as far as it is there."""
    return made.root(
        f"nft -s list table inet mediastack_firewall 2>&1 || true; cat {FILE} 2>&1 || true; "
        "systemctl show mediastack-firewall.service --property=UnitFileState; "
        "systemctl show mediastack-firewall-watch.service --property=UnitFileState,ActiveState"
    )


def blocked(made: Server) -> bool:
    """Whether the kernel has the table that leaves the port of SSH out."""
    return "2022" in made.root("nft list set inet mediastack_firewall ssh_ports 2>&1 || true")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every release in a soak; the newest in the gate, where Molecule has the role on all of them."""
    on_releases(metafunc, "made")


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest) -> Iterator[Server]:
    with server(f"it-fwlock-{request.param}", release=request.param, kind="bare") as fresh:
        yield fresh


@pytest.fixture(scope="module")
def confirmed() -> dict[str, str]:
    """The state of each server that a run has confirmed."""
    return {}


@pytest.fixture
def guarded(made: Server, confirmed: dict[str, str]) -> Iterator[Server]:
    """A server with a confirmed firewall, which every test has to leave in force."""
    choose(made)
    if confirmed.get(made.sandbox.name) != state(made):
        result = made.play(HARDEN, *FIREWALL)
        assert result.returncode == 0, result.output[-4000:]
        confirmed[made.sandbox.name] = state(made)
    before = confirmed[made.sandbox.name]
    assert "policy drop" in before
    yield made
    made.choices.unlink()
    wait_until(made, True, AGAIN)
    at_rest(made)
    assert state(made) == before
    assert made.root("ls -A /var/lib/mediastack/guard; find /etc/systemd/system -name 'mediastack-guard*'") == ""


def test_the_first_firewall_of_a_server_blocks_ssh(made: Server) -> None:
    choose(made)
    made.root("apt-get -q update > /dev/null && apt-get -q install --yes --no-install-recommends nftables > /dev/null")
    undone(made, "firewall-first", *BLOCKED, brief=False)
    assert made.root("nft list tables | grep mediastack || true") == ""
    assert made.root(f"ls {FILE} /etc/systemd/system/mediastack-firewall*.service 2>/dev/null || true") == ""
    watched = "for n in $(seq 50); do systemctl is-active mediastack-firewall-watch.service || break; sleep 0.2; done"
    assert made.root(watched).splitlines()[-1] == "inactive"


def test_the_port_of_ssh_is_blocked_by_our_own_firewall(guarded: Server) -> None:
    undone(guarded, "firewall-port", *BLOCKED, brief=False)


def test_rules_that_keep_even_the_answer_of_their_loading_from_coming(guarded: Server, tmp_path: Path) -> None:
    *words, given = BLOCKED
    mute = json.loads(given)
    mute["__firewall_plan"]["table"] += MUTE
    impatient = "-o ControlMaster=auto -o ControlPersist=60s -o ServerAliveInterval=2 -o ServerAliveCountMax=2"
    # Given up before the countdown ends: then nobody has told the controller anything.
    env = {"ANSIBLE_SSH_ARGS": impatient, "ANSIBLE_SSH_CONTROL_PATH_DIR": str(tmp_path)}
    with outage(guarded, "firewall-answer-lost"):
        choose(guarded, firewall_rollback_seconds=2 * SECONDS)
        result = guarded.play(HARDEN, *words, json.dumps(mute), env=env)
    assert "back at its old one: no answer: " in result.failure, result.output[-4000:]


def test_a_wrong_lan(guarded: Server) -> None:
    undone(guarded, "firewall-lan", *forced(lan=["192.0.2.0/24"], ssh_from="lan"), brief=False)


def test_the_network_is_cut_after_the_apply(guarded: Server) -> None:
    guarded.root(CUT)
    choose(guarded, firewall_log_rate=7)
    with outage(guarded, "network-cut"):
        result = guarded.play(HARDEN, *FIREWALL, *HASTE)
        wait_until(guarded, True, SECONDS + PATIENCE)
    assert result.returncode != 0
    guarded.root("systemctl stop cut.path; rm /run/systemd/system/cut.*; systemctl daemon-reload")


def test_the_controller_is_killed_between_load_and_confirmation(guarded: Server) -> None:
    with outage(guarded, "firewall-controller-killed"):
        killed = guarded.play(HARDEN, *BLOCKED, *HASTE, kill_at=partial(blocked, guarded))
        assert killed.returncode == -9
        assert guarded.root("ls /var/lib/mediastack/guard") == "firewall\n"  # loaded, and not confirmed
        assert set(killed.changed) <= {"firewall : Load the table"}
        wait_until(guarded, False, 10)
        wait_until(guarded, True, SECONDS + PATIENCE)


def test_the_server_reboots_within_the_window(guarded: Server) -> None:
    choose(guarded, firewall_rollback_seconds=3600)
    with outage(guarded, "firewall-reboot"):
        killed = guarded.play(HARDEN, *BLOCKED, kill_at=partial(blocked, guarded))
        assert killed.returncode == -9
        wait_until(guarded, False, 10)
        restart = ["docker", "restart", "--time", "5", guarded.sandbox.container]
        subprocess.run(restart, env=find_engine().environment, capture_output=True, timeout=60, check=True)
        wait_until(guarded, True, PATIENCE)


REFUSALS = [
    ("subnet", "true", "true", {"firewall_allow": [{"port": 80, "from": ["192.0.2.0/33"]}]}, "is no subnet"),
    (
        "lan-malformed",
        "true",
        "true",
        {"mediastack_network": {"subnet": "198.18.208.0/20", "lan": ["192.0.2.0/33"]}},
        "192.0.2.0/33",
    ),
    (
        "lan-is-dockers",
        "true",
        "true",
        {"mediastack_network": {"subnet": "198.18.208.0/20", "lan": ["198.18.208.0/24"]}},
        "overlaps our own network",
    ),
    (
        "controller-left-out",
        "true",
        "true",
        {
            "mediastack_network": {"subnet": "198.18.208.0/20", "lan": ["192.0.2.0/24"]},
            "firewall_ssh_from": "lan",
        },
        "from where this run is connected",
    ),
    ("zone", "true", "true", {"firewall_allow": [{"port": 80, "from": ["wan"]}]}, "zones are lan and internet"),
    ("port", "true", "true", {"firewall_allow": [{"port": 70000}]}, "70000 is no port"),
    ("ufw", UFW, NO_UFW, {}, "ufw is active, and two firewalls would fight"),
    ("firewalld", FIREWALLD, NO_FIREWALLD, {}, "firewalld is active, and two firewalls would fight"),
    ("no-nftables", NO_NFT, NFT_AGAIN, {}, "The package nftables is not on this server and could not be installed"),
    ("no-nf-tables", NO_KERNEL, "rm /usr/local/sbin/nft", {}, "this kernel has no nf_tables"),
]


@pytest.mark.parametrize(
    ("before", "after", "choices", "message"), [case[1:] for case in REFUSALS], ids=[case[0] for case in REFUSALS]
)
def test_bad_input_changes_nothing(
    guarded: Server, before: str, after: str, choices: dict[str, object], message: str
) -> None:
    choose(guarded, **{"firewall_log_rate": 7, **choices})
    guarded.root(before)
    try:
        result = guarded.play(HARDEN, *FIREWALL)
        assert result.returncode != 0
        assert message in result.failure, result.output[-3000:]
        assert result.changed == []
    finally:
        guarded.root(after)


def test_another_firewall_is_replaced_when_the_owner_says_so_and_comes_back_when_ours_locks_out(
    guarded: Server,
) -> None:
    guarded.root(UFW)
    try:
        facts = {"others": {"ufw": "active"}, "ssh_ports": [2022]}
        undone(guarded, "firewall-replaces-ufw", *forced(facts, replace=True), brief=False)
        assert guarded.root("cat /etc/ufw/ufw.conf; systemctl is-active ufw.service") == "ENABLED=yes\nactive\n"
        choose(guarded, firewall_replace=True)
        result = guarded.play(HARDEN, *FIREWALL)
        assert result.changed == ["firewall : Disable other firewalls"], result.output[-3000:]
        assert guarded.root("cat /etc/ufw/ufw.conf") == "ENABLED=no\n"
    finally:
        guarded.root(NO_UFW)


def test_the_service_of_the_distribution_is_told_about(guarded: Server) -> None:
    guarded.root("systemctl enable nftables.service 2>/dev/null")
    try:
        assert "nftables.service is enabled" in guarded.play(HARDEN, *FIREWALL).output
    finally:
        guarded.root("systemctl disable nftables.service 2>/dev/null")


def test_a_run_without_changes_reaches_the_server_twice(guarded: Server) -> None:
    result = guarded.play(HARDEN, *FIREWALL)
    assert result.changed == []
    ours = [task for task in result.on_host if task.startswith("firewall")]
    assert ours == ["firewall : Learn what the firewall depends on", "firewall : Compare with the kernel"]
