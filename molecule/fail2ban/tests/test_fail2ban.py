"""fail2ban bans who guesses passwords, and nobody else, and does not forget it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

OURS = ("caddy", "jellyfin", "seerr", "sshd", "traefik")
ATTACKER = {4: "192.0.2.66", 6: "2001:db8::66"}
NEIGHBOUR = {4: "192.0.2.67", 6: "2001:db8::67"}
STREET = {*ATTACKER.values(), *NEIGHBOUR.values()}
# A network of the test's own, with an attacker and a neighbour in it.
NAMESPACE = """
set -e
ip netns list | grep -qw street && exit 0
ip netns add street
ip link add street type veth peer name house netns street
sysctl -qw net.ipv6.conf.street.disable_ipv6=0
ip addr add 192.0.2.1/24 dev street
ip addr add 2001:db8::1/64 dev street nodad
ip link set street up
ip netns exec street sysctl -qw net.ipv6.conf.all.disable_ipv6=0
for address in 192.0.2.66/24 192.0.2.67/24; do ip -n street addr add $address dev house; done
for address in 2001:db8::66/64 2001:db8::67/64; do ip -n street addr add $address dev house nodad; done
ip -n street link set house up
"""
# Bounded: who is banned in the middle of a log-in waits for answers that never come.
SSH = (
    "timeout 10 ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "
    "-o PubkeyAuthentication=no -o ConnectTimeout=3"
)


def until(host: Any, script: str, seconds: float = 60) -> None:
    """Wait for a command to succeed."""
    deadline = time.monotonic() + seconds
    with host.sudo():
        while host.run(script).rc:
            assert time.monotonic() < deadline, f"{script}: not within {seconds} s"
            time.sleep(0.5)


def held(host: Any) -> set[str]:
    """Whom the firewall drops, whichever jail said so."""
    with host.sudo():
        listing = json.loads(host.check_output("nft -j list table inet mediastack_bans"))["nftables"]
    sets = [item["set"] for item in listing if "set" in item and item["set"]["name"].startswith("banned")]
    return {element for found in sets for element in found.get("elem", [])}


def banned(host: Any, jail: str = "sshd") -> set[str]:
    """Whom fail2ban has banned."""
    with host.sudo():
        return set(host.check_output(f"fail2ban-client get {jail} banip").split())


def guess(host: Any, version: int) -> None:
    """Try three users' passwords from the attacker's address."""
    target = {4: "192.0.2.1", 6: "2001:db8::1"}[version]
    with host.sudo():
        host.check_output(f"bash -c '{NAMESPACE}'")
        host.check_output(f"fail2ban-client unban {ATTACKER[version]}")
        for user in ("root", "admin", "bob", "eve"):
            host.run(f"ip netns exec street {SSH} -b {ATTACKER[version]} {user}@{target} || true")


def reaches(host: Any, source: str) -> bool:
    """Whether somebody on the street gets an answer: a refusal of a port that nobody listens on.

    Not from sshd: it counts those who only knock, and the neighbour would be banned for the tests' own questions.
    """
    target, family = ("2001:db8::1", "AF_INET6") if ":" in source else ("192.0.2.1", "AF_INET")
    script = (
        f'import errno, socket; s = socket.socket(socket.{family}); s.settimeout(2); s.bind(("{source}", 0)); '
        f'raise SystemExit(s.connect_ex(("{target}", 2222)) != errno.ECONNREFUSED)'
    )
    with host.sudo():
        return bool(host.run(f"ip netns exec street python3 -c '{script}'").rc == 0)


def test_the_jails_run_and_come_back_after_a_boot(host: Any) -> None:
    with host.sudo():
        listed = host.check_output("fail2ban-client status").rpartition("\t")[2].split(", ")
    assert sorted(listed) == sorted(OURS)
    for unit in ("fail2ban", "mediastack-fail2ban.timer"):
        assert host.service(unit).is_running
        assert host.service(unit).is_enabled


def test_the_distributions_files_are_as_they_were(host: Any) -> None:
    assert "/etc/fail2ban" not in host.run("dpkg --verify fail2ban").stdout


@pytest.mark.parametrize("version", [4, 6])
def test_who_guesses_is_banned_and_only_they(host: Any, version: int) -> None:
    guess(host, version)
    assert reaches(host, NEIGHBOUR[version])
    until(host, f"fail2ban-client get sshd banip | grep -qF {ATTACKER[version]}")
    until(host, f"nft list table inet mediastack_bans | grep -qF {ATTACKER[version]}")
    assert not reaches(host, ATTACKER[version])
    assert reaches(host, NEIGHBOUR[version])
    assert NEIGHBOUR[version] not in held(host) | banned(host)


def test_the_controller_is_not_banned(host: Any) -> None:
    with host.sudo():
        listed = host.check_output("ss -Htn state established sport = :22").splitlines()
        allowed = host.check_output("fail2ban-client get sshd ignoreip")
    peers = [line.split()[3].rpartition(":")[0].strip("[]") for line in listed]
    address = next(peer for peer in peers if peer not in STREET)  # who was cut off in a log-in still stands there
    assert address.rpartition(".")[0] in allowed
    assert address not in banned(host)


def test_a_ban_survives_a_restart(host: Any) -> None:
    before = banned(host)
    assert {ATTACKER[4], ATTACKER[6]} <= before
    with host.sudo():
        host.check_output("systemctl restart fail2ban")
    for address in before:  # one by one, and in no order that is ours
        until(host, f"nft list table inet mediastack_bans | grep -qwF {address}")
    assert banned(host) == before
    assert before <= held(host)
    assert not reaches(host, ATTACKER[4])


def test_what_fail2ban_has_banned_the_firewall_drops(host: Any) -> None:
    """After the side effects, too: a ban that was lost is back."""
    assert banned(host) == held(host)


def test_limits_and_length_are_as_chosen(host: Any) -> None:
    with host.sudo():
        assert host.check_output("fail2ban-client get sshd maxretry") == "3"
        assert host.check_output("fail2ban-client get jellyfin bantime") == "86400"


def test_a_log_that_comes_later_is_read(host: Any) -> None:
    log = "/opt/mediastack/config/jellyfin/log/log_20261121.log"
    line = (
        '[$(date -u +"%F %T.000 +00:00")] [INF] [7] Jellyfin.Server.Implementations.Users.UserManager: '
        'Authentication request for \\"admin\\" has been denied (IP: \\"198.51.100.9\\").'
    )
    with host.sudo():
        host.check_output(f"mkdir -p $(dirname {log})")
        host.check_output(f"bash -c 'for i in 1 2 3; do echo \"{line}\" >> {log}; done'")
        host.check_output("systemctl start mediastack-fail2ban.service")
    until(host, "fail2ban-client get jellyfin banip | grep -qF 198.51.100.9")
    until(host, "nft list set inet mediastack_bans banned4_jellyfin | grep -qF 198.51.100.9")
    with host.sudo():
        host.check_output("fail2ban-client set jellyfin unbanip 198.51.100.9")
        host.check_output(f"rm {log}; systemctl start mediastack-fail2ban.service")
    assert "198.51.100.9" not in held(host)
