"""What the role fail2ban would do, and what it refuses to do."""

from __future__ import annotations

import configparser
import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.written import state_of

from ansible_collections.mediastack.core.plugins.plugin_utils import fail2ban_plan as bans
from ansible_collections.mediastack.core.plugins.plugin_utils.fail2ban_jails import seconds

STACK = json.loads((Path(__file__).parents[1] / "fixtures/stack_example.json").read_text())
TEXTS = {"/etc/fail2ban/action.d/mediastack.conf": "the action\n", bans.WATCH: "the watcher\n"}
UNITS = ("fail2ban.service", "mediastack-fail2ban.timer")


def wanted(**changes: Any) -> dict[str, Any]:
    return {
        "engine": "fail2ban",
        "ignore": [],
        "lan": ["192.168.0.0/16"],
        "bantime": "1h",
        "findtime": "10m",
        "maxretry": 5,
        "increment": True,
        "bantime_max": "1w",
        "prefix6": 128,
        "overrides": {},
        "jails": [],
    } | changes


def facts(**changes: Any) -> dict[str, Any]:
    return {
        "packages": {"fail2ban": True, "python3-systemd": True, "nftables": True},
        "units": {unit: {"active": True, "enabled": True} for unit in UNITS},
        "jails": None,
        "states": {path: {"kind": "missing"} for path in bans.paths(TEXTS)},
        "controller": "192.168.1.5",
    } | changes


def planned(found: dict[str, Any] | None = None, **choices: Any) -> dict[str, Any]:
    return bans.plan(found or facts(), wanted(**choices), STACK, TEXTS)


def content(plan: dict[str, Any], path: str) -> str:
    return next(str(file["content"]) for file in plan["files"] if file["path"] == path)


def jails(plan: dict[str, Any]) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(content(plan, bans.JAILS))
    return parser


def settled(**changes: Any) -> dict[str, Any]:
    """The facts of a server on which everything is as a first run left it."""
    plan = planned()
    states = {file["path"]: state_of(file["content"]) for file in plan["files"]}
    running = {
        name: {"revision": plan["revision"], "logs": [], "broken": False, "lost": [], "stray": []}
        for name in plan["jails"]
    }
    return facts(states=states, jails=running) | changes


def test_a_jail_for_sshd_and_for_what_the_stack_runs() -> None:
    plan = planned()
    assert plan["problems"] == []
    assert plan["jails"] == ["caddy", "jellyfin", "seerr", "sshd"]
    found = jails(plan)
    assert found["sshd"]["backend"] == "systemd"
    assert found["jellyfin"]["logpath"].split() == ["/dev/null", "/opt/mediastack/config/jellyfin/log/log_*.log"]
    assert found["caddy"]["logpath"].split() == ["/dev/null", "/opt/mediastack/config/caddy/data/logs/access.log"]
    assert found["seerr"]["filter"] == "mediastack-seerr"
    assert found["DEFAULT"]["bantime.increment"] == "true"


def test_what_is_watched_is_what_is_read() -> None:
    watched = json.loads(content(planned(), bans.WATCHED))
    assert watched["prefix6"] == 128
    assert sorted(watched["logs"]) == ["caddy", "jellyfin", "seerr"]


def test_loopback_lan_stack_and_controller_are_never_banned() -> None:
    plan = planned(facts(controller="203.0.113.9"), ignore=["2001:db8::/64", "198.51.100.7"])
    allowed = jails(plan)["DEFAULT"]["ignoreip"].split()
    assert {"127.0.0.0/8", "::1/128", "192.168.0.0/16", "203.0.113.9/32", "2001:db8::/64", "198.51.100.7/32"} <= set(
        allowed
    )
    assert "172.31.240.0/24" in allowed
    assert '203.0.113.9/32"' in content(plan, bans.JAILS)


def test_a_controller_that_is_covered_changes_nothing() -> None:
    assert planned(facts(controller="192.168.7.7"))["revision"] == planned(facts(controller="192.168.1.5"))["revision"]
    assert planned(facts(controller=""))["revision"] == planned(facts(controller="192.168.1.5"))["revision"]
    assert planned(facts(controller="203.0.113.9"))["revision"] != planned()["revision"]


def test_no_allowed_network_is_within_another() -> None:
    """nft refuses a set with networks that overlap."""
    allowed = bans.allow_list(wanted(ignore=["192.168.7.0/24", "10.0.0.0/8", "10.1.2.3"]), STACK, "10.9.9.9")
    assert "192.168.7.0/24" not in allowed
    assert [one for one in allowed if one.startswith("10.")] == ["10.0.0.0/8"]


def test_bans_are_remembered_for_longer_than_they_last() -> None:
    assert "dbpurgeage = 1209600\n" in content(planned(), bans.SERVER)
    longer = planned(overrides={"sshd": {"bantime": "4w"}})
    assert f"dbpurgeage = {2 * 4 * 604800}\n" in content(longer, bans.SERVER)


def test_a_jail_can_differ() -> None:
    found = jails(planned(overrides={"sshd": {"maxretry": 2, "bantime": "1d"}, "seerr": {"enabled": False}}))
    assert (found["sshd"]["maxretry"], found["sshd"]["bantime"], found["sshd"]["findtime"]) == ("2", "86400", "600")
    assert found["seerr"]["enabled"] == "false"


def test_own_jails() -> None:
    own = [
        {"name": "traefik", "filter": "mediastack-traefik", "logpath": "/srv/traefik/access.log", "maxretry": 2},
        {"name": "auth", "filter": "x[mode=a%b]", "journalmatch": "CONTAINER_TAG=authentik"},
    ]
    plan = planned(jails=own)
    assert plan["problems"] == []
    assert plan["jails"] == ["auth", "caddy", "jellyfin", "seerr", "sshd", "traefik"]
    assert jails(plan)["traefik"]["maxretry"] == "2"
    assert jails(plan)["auth"]["filter"] == "x[mode=a%%b]"


def test_ipv6_by_network() -> None:
    assert 'mask6="/64"' in content(planned(prefix6=64), bans.JAILS)
    assert 'mask6=""' in content(planned(), bans.JAILS)


def test_nothing_is_done_twice() -> None:
    assert planned()["differs"]
    assert not planned(settled())["differs"]


@pytest.mark.parametrize(
    "changes",
    [
        {"broken": True},
        {"lost": ["192.0.2.7/32"]},
        {"stray": ["192.0.2.7/32"]},
        {"revision": "of-another-configuration"},
    ],
)
def test_what_runs_decides(changes: dict[str, Any]) -> None:
    """A run that was killed after it wrote the files has left a fail2ban that does not know of them."""
    found = settled()
    found["jails"]["sshd"] |= changes
    assert planned(found)["differs"]


def test_a_jail_that_does_not_run_is_started() -> None:
    found = settled()
    del found["jails"]["seerr"]
    assert planned(found)["differs"]
    assert planned(settled(jails=None))["differs"]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("what", ["active", "enabled"])
def test_units_that_do_not_run_are_started(unit: str, what: str) -> None:
    found = settled()
    found["units"][unit][what] = False
    assert planned(found)["differs"]


def test_a_missing_package_is_installed() -> None:
    found = settled(packages={"fail2ban": True, "python3-systemd": False, "nftables": True})
    assert planned(found)["packages"] == ["python3-systemd"]
    assert planned(found)["differs"]


def test_a_changed_file_is_put_right() -> None:
    found = settled()
    found["states"][bans.JAILS]["sha256"] = "another"
    assert planned(found)["differs"]


def test_crowdsec_takes_over() -> None:
    plan = planned(settled(), engine="crowdsec")
    assert plan["state"] == "absent"
    assert plan["absent"] == sorted(bans.paths(TEXTS))
    assert plan["differs"]
    assert "CrowdSec" in plan["notices"][0]
    quiet = facts(units={unit: {"active": False, "enabled": False} for unit in UNITS})
    assert not planned(quiet, engine="crowdsec")["differs"]


@pytest.mark.parametrize(
    ("text", "number"),
    [("10m", 600), ("1h", 3600), ("2d", 172800), ("1w", 604800), (90, 90), ("90s", 90), ("0", 0), (-1, 0), (True, 0)],
)
def test_times(text: Any, number: int) -> None:
    assert seconds(text) == number


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        ({"ignore": ["192.168.300.1"]}, "fail2ban_ignore: '192.168.300.1' is no address"),
        ({"ignore": ["192.168.1.5/24"]}, "fail2ban_ignore: '192.168.1.5/24' is no address and no network"),
        ({"ignore": ["home.example.org"]}, "fail2ban_ignore: 'home.example.org' is no address"),
        ({"lan": ["10.0.0.0/33"]}, "fail2ban_lan: '10.0.0.0/33'"),
        ({"bantime": "-1"}, "fail2ban_bantime: '-1' is no time"),
        ({"findtime": -600}, "fail2ban_findtime: -600 is no time"),
        ({"bantime": "1 hour"}, "fail2ban_bantime: '1 hour' is no time"),
        ({"maxretry": 0}, "fail2ban_maxretry: 0 is no number of attempts"),
        ({"maxretry": -3}, "fail2ban_maxretry: -3"),
        ({"bantime_max": "10m"}, "fail2ban_bantime_max is shorter"),
        ({"engine": "crowdsecc"}, "Did you mean 'crowdsec'?"),
        ({"prefix6": 129}, "fail2ban_ipv6_prefix: 129"),
        ({"overrides": {"jelyfin": {"maxretry": 2}}}, "there is no jail 'jelyfin'. Did you mean 'jellyfin'?"),
        ({"overrides": {"sshd": {"maxretri": 2}}}, "sshd: unknown key 'maxretri'. Did you mean 'maxretry'?"),
        ({"overrides": {"sshd": {"bantime": -1}}}, "fail2ban_overrides.sshd.bantime: -1 is no time"),
        ({"overrides": {"sshd": False}}, "fail2ban_overrides.sshd: has to be a mapping"),
        ({"overrides": {"sshd": {"enabled": "no"}}}, "fail2ban_overrides.sshd.enabled"),
        ({"jails": [{"name": "x", "filter": "f", "logpath": "var/x"}]}, "logpath 'var/x' is not absolute"),
        ({"jails": [{"name": "x", "filter": "f", "logpath": "/var/my log"}]}, "has a blank in it"),
        ({"jails": [{"name": "x", "filter": "f"}]}, "needs either logpath or journalmatch"),
        ({"jails": [{"name": "x", "logpath": "/x"}]}, "needs a filter"),
        ({"jails": [{"name": "sshd", "filter": "f", "logpath": "/x"}]}, "there is a jail sshd already"),
        ({"jails": [{"name": "DEFAULT", "filter": "f", "logpath": "/x"}]}, "needs a name"),
        ({"jails": [{"name": "x\n[sshd]", "filter": "f", "logpath": "/x"}]}, "needs a name"),
        ({"jails": [{"name": "x", "filter": "f\naction = rm", "logpath": "/x"}]}, "has to be one line"),
        ({"jails": [{"name": "x", "filter": "f", "logpath": "/x", "maxretries": 1}]}, "Did you mean 'maxretry'?"),
        ({"jails": ["sshd"]}, "needs a name"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_with_a_remedy(choices: dict[str, Any], says: str) -> None:
    plan = planned(**choices)
    assert [problem for problem in plan["problems"] if says in problem], plan["problems"]
    assert len(plan["problems"]) == 1
    assert not plan["differs"]
    assert plan["files"] == []


def test_an_override_for_a_service_that_is_not_here_is_no_mistake() -> None:
    """A group of servers shares its variables."""
    assert planned(overrides={"overseerr": {"maxretry": 2}})["problems"] == []
