"""fail2ban on a server: who guesses is cut off and nobody else, and no restart, reload or flush lets them in again."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from tests.integration import playbook
from tests.integration.servers import Server, changes, on_releases, server
from tests.integration.street import (
    PATIENCE,
    STREET,
    WORLD,
    cut_off,
    guess,
    let_in,
    reaches,
    stranger,
    target,
    unreached,
    until,
)

HARDEN = ("playbooks/harden.yml", "--tags", "fail2ban")
JAILS = "/etc/fail2ban/jail.d/mediastack.local"
SEERR_LOG = "/opt/mediastack/config/seerr/logs/seerr.log"
LOGINS = Path(__file__).parents[1] / "contracts" / "logins"
WRITTEN = "1795276800"  # 2026-11-21 16:00:00 UTC
# A firewall that is replaced, and lets in whoever is connected.
FIREWALL = """nft 'table inet mediastack_firewall
delete table inet mediastack_firewall
table inet mediastack_firewall {
    chain input { type filter hook input priority 0; policy accept; ct state established,related accept; }
}'"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every release in a soak; the newest in the gate, where Molecule has the role on all of them."""
    on_releases(metafunc, "made")


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest) -> Iterator[Server]:
    with server(f"it-bans-{request.param}", release=request.param, kind="bare") as fresh:
        choose(fresh)
        result = fresh.play(*HARDEN)
        assert result.returncode == 0, result.output[-4000:]
        fresh.root(WORLD)
        yield fresh


@pytest.fixture
def quiet(made: Server) -> Server:
    """The server with the usual choices in force, and nobody banned."""
    choose(made)
    apply(made)
    made.root("fail2ban-client unban --all")
    deadline = time.monotonic() + PATIENCE
    while missed := unreached(made, *STREET):  # a banned neighbour's link address is asked for again only after seconds
        assert time.monotonic() < deadline, missed
        # A log-in of an earlier test that sshd gives up on only now is a failure, too.
        made.root("fail2ban-client unban --all")
    return made


def choose(made: Server, **choices: object) -> None:
    """What these tests have chosen, and what one of them wants besides."""
    usual = {
        "fail2ban_maxretry": 3,
        "fail2ban_lan": [str(made.sandbox.subnet), "198.51.100.0/24"],
        "fail2ban_ignore": ["192.0.2.77", "2001:db8::77"],
    }
    made.choices.write_text(yaml.safe_dump({**usual, **choices}), encoding="utf-8")


def apply(made: Server) -> playbook.Result:
    result = made.play(*HARDEN)
    assert result.returncode == 0, result.output[-4000:]
    return result


def sign_in_badly(made: Server, source: str) -> None:
    """What Seerr writes when somebody tries four passwords; the watcher looks as often as it does by itself."""
    line = (
        "$(date -u +%FT%T.000Z) [warn][API]: Failed sign-in attempt using invalid Seerr password "
        f'{{\\"ip\\":\\"{source}\\",\\"email\\":\\"a@example.org\\"}}'
    )
    made.root(f'mkdir -p $(dirname {SEERR_LOG}); for i in 1 2 3 4; do echo "{line}" >> {SEERR_LOG}; done')
    made.root("systemctl start mediastack-fail2ban.service")


def bans(made: Server, source: str) -> bool:
    return source in made.root("fail2ban-client banned")


def logins() -> list[tuple[str, str, str, str]]:
    """(filter, what, line, address that it counts against)."""
    found = []
    for path in sorted(LOGINS.glob("*.log")):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line]
        for about, line in zip(lines[1::2], lines[2::2], strict=True):
            kind = re.fullmatch(r"# (?:counts against (?P<address>\S+)|does not count): (?P<what>.+)", about)
            assert kind, about
            found.append((path.stem, kind["what"], line, kind["address"] or ""))
    return found


def test_there_are_lines_of_both_kinds_and_families() -> None:
    """A filter that matches everything or nothing would not be noticed otherwise."""
    for name in {name for name, *_ in logins()}:
        addresses = [address for known, _, _, address in logins() if known == name]
        assert "" in addresses
        assert any("." in address for address in addresses)
        assert any(":" in address for address in addresses)


def test_every_filter_sees_what_it_should_and_nothing_else(made: Server) -> None:
    wrong = []
    for name, what, line, address in logins():
        made.root(f"cat > /root/line.log <<'END-OF-LINE'\n{line}\nEND-OF-LINE")
        told = made.root(
            f"fail2ban-regex -o '<ip> <time>' /root/line.log /etc/fail2ban/filter.d/mediastack-{name}.conf", check=False
        ).strip()
        if re.sub(r" (\d+)(\.\d+)?$", r" \1", told) != (f"{address} {WRITTEN}" if address else ""):
            wrong.append((name, what, told))
    assert wrong == []


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("attack", [guess, sign_in_badly])
def test_who_guesses_is_cut_off_and_nobody_else(
    quiet: Server, attack: Callable[[Server, str], None], version: int
) -> None:
    source = stranger(quiet, version)
    attack(quiet, source)
    cut_off(quiet, source)
    let_in(quiet, *STREET)
    quiet.root(f"fail2ban-client unban {source}")
    let_in(quiet, source)


@pytest.mark.parametrize("source", ["192.0.2.77", "198.51.100.77", "2001:db8::77"])
def test_who_is_on_the_list_never_is(quiet: Server, source: str) -> None:
    guess(quiet, source)
    sign_in_badly(quiet, source)
    attacker = stranger(quiet)
    sign_in_badly(quiet, attacker)  # the proof that the log was read
    cut_off(quiet, attacker)
    assert not bans(quiet, source)
    let_in(quiet, source)


def test_the_list_holds_in_the_firewall_too(quiet: Server) -> None:
    """Whoever is banned by hand, or within a network that is: the owner's own addresses get through."""
    other = stranger(quiet, 6)
    quiet.root("fail2ban-client set sshd banip 192.0.2.77 2001:db8::/64")
    until(quiet, "nft list table inet mediastack_bans | grep -A9 'set banned6_sshd' | grep -q 2001:db8::/64")
    let_in(quiet, "192.0.2.77", "2001:db8::77")
    assert not reaches(quiet, other)


@pytest.mark.parametrize("place", ["street", "yard"])
def test_open_connections_are_cut_too(quiet: Server, place: str) -> None:
    """On the way in and on the way through."""
    attacker = stranger(quiet)
    goal = target(attacker, place)
    quiet.root(
        "rm -f /root/count; "
        f"systemd-run -q --unit=hold-{place} ip netns exec street python3 /root/hold.py {attacker} {goal} /root/count"
    )
    until(quiet, "[ -s /root/count ] && [ $(cat /root/count) -gt 5 ]")
    quiet.root(f"fail2ban-client set sshd banip {attacker}")
    until(quiet, f"nft list table inet mediastack_bans | grep -qwF {attacker}")
    first = quiet.root("cat /root/count")
    time.sleep(2)
    assert int(quiet.root("cat /root/count")) <= int(first) + 1
    assert quiet.root(f"systemctl is-active hold-{place}") == "active\n"  # it waits, and did not end by itself
    quiet.root(f"systemctl stop hold-{place}")


def test_two_jails_hold_the_same_address(quiet: Server) -> None:
    attacker = stranger(quiet)
    quiet.root(f"for jail in sshd seerr; do fail2ban-client set $jail banip {attacker}; done")
    until(quiet, f"nft list set inet mediastack_bans banned4_seerr | grep -q {attacker}")
    cut_off(quiet, attacker)
    quiet.root(f"fail2ban-client set seerr unbanip {attacker}")
    assert not reaches(quiet, attacker)
    quiet.root(f"fail2ban-client set sshd unbanip {attacker}")
    let_in(quiet, attacker)


def test_a_ban_survives_a_restart_a_reload_and_another_firewall(quiet: Server) -> None:
    sources = (stranger(quiet), stranger(quiet, 6))
    for source in sources:
        guess(quiet, source)
        cut_off(quiet, source)
    for event in (
        "systemctl restart fail2ban",
        "systemctl reload fail2ban",
        FIREWALL,
    ):
        quiet.root(event)
        until(quiet, "fail2ban-client ping >/dev/null 2>&1")
        for source in sources:
            cut_off(quiet, source)
    quiet.root("nft delete table inet mediastack_firewall")


def test_a_foreign_flush_is_made_good(quiet: Server) -> None:
    """By itself within a minute or so; at once for the next who guesses."""
    attacker = stranger(quiet)
    other = stranger(quiet, 6)
    quiet.root(f"fail2ban-client set sshd banip {attacker}")
    cut_off(quiet, attacker)
    # Who looks after it may be at it: it is waited for, and would put back at once what is flushed.
    quiet.root(
        "systemctl stop mediastack-fail2ban.timer; systemctl start mediastack-fail2ban.service; nft flush ruleset"
    )
    let_in(quiet, attacker)
    guess(quiet, other)
    cut_off(quiet, other)
    quiet.root("systemctl start mediastack-fail2ban.timer")
    took = until(quiet, f"nft list table inet mediastack_bans | grep -qwF {attacker}", 90)
    assert not reaches(quiet, attacker)
    print(f"fault ban-flushed recovered={took:.1f}s")


def test_ipv6_by_network(quiet: Server) -> None:
    other = stranger(quiet, 6)
    choose(quiet, fail2ban_ipv6_prefix=64)
    apply(quiet)
    quiet.root(f"fail2ban-client set sshd banip {other}")
    until(quiet, "nft list table inet mediastack_bans | grep -q 2001:db8::/64")
    assert not reaches(quiet, "2001:db8::67")
    let_in(quiet, "2001:db8::77")
    choose(quiet)
    apply(quiet)
    let_in(quiet, "2001:db8::67")
    cut_off(quiet, other)


def test_a_run_without_changes_asks_once(quiet: Server) -> None:
    result = apply(quiet)
    assert result.changed == []
    assert [name for name in result.on_host if "fail2ban" in name.lower()] == ["fail2ban : Learn what fail2ban does"]


def test_the_plan_is_what_happens(quiet: Server) -> None:
    choose(quiet, fail2ban_maxretry=4)
    quiet.root("systemctl stop mediastack-fail2ban.timer")
    before = quiet.root(f"sha256sum {JAILS}; fail2ban-client get sshd maxretry")
    plan = quiet.play(*HARDEN, "--check", "--diff")
    assert plan.returncode == 0, plan.output[-3000:]
    assert "+maxretry = 4" in plan.output
    assert quiet.root(f"sha256sum {JAILS}; fail2ban-client get sshd maxretry") == before
    assert changes(plan) == changes(apply(quiet))
    assert quiet.root("fail2ban-client get sshd maxretry") == "4\n"


def test_a_run_that_was_killed_loses_no_reload(quiet: Server) -> None:
    """The files of the new choice are there, and fail2ban does not know of them."""
    choose(quiet, fail2ban_maxretry=4)
    apply(quiet)
    quiet.root("cp -a /etc/fail2ban /root/written")
    choose(quiet)
    apply(quiet)
    quiet.root("cp -a /root/written/. /etc/fail2ban/; rm -r /root/written")
    choose(quiet, fail2ban_maxretry=4)
    assert [action for _, _, action in changes(apply(quiet))] == ["reloaded"]
    assert quiet.root("fail2ban-client get sshd maxretry") == "4\n"


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        ({"fail2ban_ignore": ["192.168.1.0/33"]}, "fail2ban_ignore: '192.168.1.0/33' is no address and no network"),
        ({"fail2ban_bantime": -1}, "fail2ban_bantime: -1 is no time"),
        ({"fail2ban_engine": "denyhosts"}, "value of fail2ban_engine must be one of: fail2ban, crowdsec"),
        ({"fail2ban_overrides": {"jelyfin": {"maxretry": 1}}}, "Did you mean 'jellyfin'?"),
        ({"fail2ban_jails": [{"name": "x", "filter": "sshd", "logpath": "x.log"}]}, "is not absolute"),
        ({"fail2ban_jails": [{"name": "x", "filter": "none-such", "logpath": "/x.log"}]}, "nothing was changed"),
    ],
)
def test_bad_input_changes_nothing(quiet: Server, choices: dict[str, object], says: str) -> None:
    state = "find /etc/fail2ban /etc/systemd/system -type f | sort | xargs sha256sum; fail2ban-client status"
    before = quiet.root(state)
    choose(quiet, **choices)
    result = quiet.play(*HARDEN)
    assert result.returncode != 0
    assert says in result.failure
    assert quiet.root(state) == before


def test_crowdsec_takes_over_and_gives_back(quiet: Server) -> None:
    attacker = stranger(quiet)
    quiet.root(f"fail2ban-client set sshd banip {attacker}")
    cut_off(quiet, attacker)
    choose(quiet, fail2ban_engine="crowdsec")
    result = apply(quiet)
    assert "fail2ban is off" in result.output
    for unit in ("fail2ban.service", "mediastack-fail2ban.timer"):
        assert (
            quiet.root(f"systemctl is-active {unit}; systemctl is-enabled {unit}", check=False).split()[0] == "inactive"
        )
    assert quiet.root("find / -xdev -path '*fail2ban*' -name '*mediastack*' 2>/dev/null") == ""
    let_in(quiet, attacker)
    assert apply(quiet).changed == []
    choose(quiet)
    apply(quiet)
    cut_off(quiet, attacker)
