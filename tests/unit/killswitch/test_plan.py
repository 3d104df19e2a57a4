"""What the role killswitch would do, and what it refuses to do."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.killswitch.support import facts, named, settled, stack, wanted

from ansible_collections.mediastack.core.plugins.plugin_utils.killswitch import units
from ansible_collections.mediastack.core.plugins.plugin_utils.killswitch.plan import plan, questions

HOST = {"gateway": "host", "addresses": ["203.0.113.5"], "port": 51820, "protocol": "udp"}


def host_mode(**changes: Any) -> dict[str, Any]:
    return wanted(mode="host", interfaces=["nordlynx"], endpoints=[HOST]) | changes


def test_a_new_server_gets_everything() -> None:
    answer = plan(stack(), facts(), wanted())
    assert answer["problems"] == []
    assert answer["differs"]
    assert answer["restart"]
    assert [item["path"] for item in answer["files"]] == units.paths()
    assert "203.0.113" not in answer["table"]
    assert "198.51.100.7 . udp . 51820" in answer["table"]


def test_nothing_is_to_be_done_twice() -> None:
    answer = plan(stack(), facts(), wanted())
    again = plan(stack(), settled(answer), wanted())
    assert not again["differs"]
    assert not again["restart"]


@pytest.mark.parametrize(
    "change",
    [
        {"faults": ["table mediastack_killswitch is gone"]},
        {"guarded": True},
        {"units": {name: {"enabled": False, "active": True, "stale": False} for name in (units.BOOT, units.WATCH)}},
        {"units": {name: {"enabled": True, "active": False, "stale": False} for name in (units.BOOT, units.WATCH)}},
        {"units": {name: {"enabled": True, "active": True, "stale": True} for name in (units.BOOT, units.WATCH)}},
    ],
)
def test_what_was_changed_on_the_server_is_seen(change: dict[str, Any]) -> None:
    answer = plan(stack(), facts(), wanted())
    assert plan(stack(), settled(answer, **change), wanted())["differs"]


def test_a_file_of_another_owner_is_seen() -> None:
    answer = plan(stack(), facts(), wanted())
    found = settled(answer)
    found["states"][units.RULES] |= {"uid": 1000, "owner": "eve"}
    assert plan(stack(), found, wanted())["differs"]


def test_switched_off_everything_goes() -> None:
    answer = plan(stack(), facts(), wanted())
    off = plan(stack(), settled(answer), wanted(mode="off"))
    assert (off["active"], off["table"], off["rules"]) == (False, "", {"4": [], "6": []})
    assert off["absent"] == units.paths()
    assert off["differs"]
    assert not plan(stack(), facts(), wanted(mode="off"))["differs"]


def test_what_is_taken_away_can_be_brought_back_whole() -> None:
    off = plan(stack(), settled(plan(stack(), facts(), wanted())), wanted(mode="off"))
    assert set(off["absent"]) <= set(off["guarded_paths"])
    enabled = [path for path in off["guarded_paths"] if ".wants/" in path or ".requires/" in path]
    assert {path.rpartition("/")[2] for path in enabled} == {units.BOOT, units.WATCH}
    assert off["restore"][0] == [units.PYTHON, "-I", units.PROGRAM, "apply"]
    assert off["restore"][-1] == ["systemctl", "restart", units.WATCH]


def test_what_is_new_goes_without_its_program() -> None:
    assert units.PROGRAM not in plan(stack(), facts(), wanted())["guarded_paths"]


def test_a_stack_without_a_gateway_needs_nothing() -> None:
    found = stack()
    found["networks"] = [one for one in found["networks"] if not one["key"].startswith("egress")]
    assert not plan(found, facts(), wanted())["differs"]


def test_only_what_is_published_to_the_lan_may_answer_it() -> None:
    found = stack()
    found["instances"]["qbittorrent"]["ports"][0]["publish"] = {"address": "0.0.0.0", "port": 8080}
    found["instances"]["gluetun"]["ports"][0]["publish"] = {"address": "127.0.0.1", "port": 8000}
    text = plan(found, facts(), wanted())["table"]
    assert "ct direction reply tcp sport 8080 accept" in text
    assert "sport 8000" not in text


def test_the_whole_server() -> None:
    answer = plan(stack(), facts(), host_mode())
    assert answer["problems"] == []
    assert "hook output" in answer["table"]
    assert "203.0.113.5 . udp . 51820" in answer["table"]


def test_servers_are_asked_for_where_gluetun_chooses() -> None:
    asked = questions(named("mullvad", country=["Nauru"]), wanted())["servers"]
    assert asked == [
        {
            "gateway": "gluetun",
            "path": "/opt/mediastack/config/gluetun/servers.json",
            "provider": "mullvad",
            "only": {"vpn": ["wireguard"], "country": ["Nauru"]},
        }
    ]
    assert questions(stack(), wanted())["servers"] == []


REFUSALS = [
    (stack(outbound_subnets=["192.168.1.300/24"]), {}, wanted(), "gluetun.outbound_subnets: '192.168.1.300/24' is not"),
    (stack(outbound_subnets=["172.16.0.0/12"]), {}, wanted(), "overlaps the stack's network mediastack_zone_apps"),
    (stack(outbound_subnets=["10.0.0.0/8"]), {}, wanted(), "overlaps the tunnel's own addresses (10.2.0.2/32)"),
    (stack(outbound_subnets=["0.0.0.0/0"]), {}, wanted(), "overlaps the stack's network"),
    (stack(), {"systemd": False}, wanted(), "not run by systemd"),
    (stack(), {}, wanted(endpoints=[{**HOST, "gateway": "gluten"}]), "'gluten' is no VPN gateway of this server"),
    (stack(), {}, wanted(endpoints=[{**HOST, "port": 0}]), "killswitch_endpoints[0].port: 0 is no port"),
    (stack(), {}, wanted(endpoints=[{**HOST, "addresses": []}]), "killswitch_endpoints[0].addresses: is empty"),
    (stack(), {}, host_mode(endpoints=[{**HOST, "addresses": ["vpn.example"]}]), "'vpn.example' does not resolve"),
    (stack(), {}, host_mode(interfaces=[]), "killswitch_interfaces: is empty"),
    (stack(), {}, host_mode(interfaces=['x" accept']), "is no name of an interface"),
    (stack(), {}, host_mode(endpoints=[]), "has no entry for the gateway 'host'"),
    (
        stack(),
        {"controller": "198.51.100.9"},
        host_mode(),
        "198.51.100.9, from where this run is connected, is in none",
    ),
]


@pytest.mark.parametrize(("found", "change", "choice", "message"), REFUSALS)
def test_refusals(found: dict[str, Any], change: dict[str, Any], choice: dict[str, Any], message: str) -> None:
    answer = plan(found, facts(**change), choice)
    assert len(answer["problems"]) == 1
    assert message in answer["problems"][0]
