"""The firewall's table says what the Stack declares, and what would lock out or fight is refused."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.firewall.support import FACTS, STACK, WANTED
from tests.unit.nft.namespace import Namespace, namespace

from ansible_collections.mediastack.core.plugins.module_utils import firewall_host, nft_host, nft_table
from ansible_collections.mediastack.core.plugins.plugin_utils import nft_text
from ansible_collections.mediastack.core.plugins.plugin_utils.firewall import plan, table, view


def made(facts: dict[str, Any] | None = None, stack: dict[str, Any] | None = None, **wanted: Any) -> dict[str, Any]:
    return plan.plan({**STACK, **(stack or {})}, {**FACTS, **(facts or {})}, {**WANTED, **wanted})


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    with namespace(tmp_path_factory.mktemp("nft")) as fresh:
        yield fresh


def checked(space: Namespace, text: str) -> None:
    done = space.run("nft", "-c", "-f", "-", data=nft_table.transaction(table.NAME, text))
    assert done.returncode == 0, done.stderr + text


def test_the_stack_decides_what_is_open() -> None:
    text = made()["table"]
    assert "set lan_tcp {\n\ttype inet_service\n\tflags interval\n\telements = { 80, 443 }\n}" in text
    assert "ip saddr @lan_v4 tcp dport @lan_tcp accept" in text
    assert "ip saddr @lan_v4 meta l4proto tcp ct original proto-dst @lan_tcp accept" in text
    assert 'elements = { "ms-apps", "ms-socket" }' in text
    assert "policy drop" in text
    assert "all_tcp" not in text


def test_what_is_open_to_all_and_what_is_for_the_server_alone() -> None:
    allowances = [
        {"instance": "caddy", "port": 443, "protocol": "tcp", "from": "internet"},
        {"instance": "caddy", "port": 443, "protocol": "udp", "from": "internet"},
        {"instance": "radarr", "port": 7878, "protocol": "tcp", "from": "loopback"},
    ]
    text = made(stack={"allowances": allowances})["table"]
    assert "\ttcp dport @all_tcp accept" in text
    assert "\tmeta l4proto udp ct original proto-dst @all_udp accept" in text
    assert "7878" not in text


def test_own_allowances() -> None:
    allow = [
        {"port": 9000},
        {"port": "27000-27100", "protocol": "udp", "from": ["203.0.113.0/24", "2001:db8:7::/48"]},
        {"port": 27050, "protocol": "udp", "from": ["2001:db8:7::/48", "203.0.113.0/24"]},
        {"port": 51820, "protocol": "udp", "from": "internet"},
    ]
    done = made(allow=allow)
    assert done["problems"] == []
    assert done["open"] == ["all: udp 51820", "lan: tcp 80, 443, 9000", "from1: udp 27000-27100, 27050"]
    assert "elements = { 27000-27100 }" in done["table"]
    assert "ip6 saddr @from1_v6 meta l4proto udp ct original proto-dst @from1_udp accept" in done["table"]


def test_the_port_of_ssh_is_open_before_it_is_changed() -> None:
    assert "elements = { 22, 2200 }" in made(ssh_port=2200)["table"]


def test_ssh_from_the_lan_only() -> None:
    text = made(ssh_from="lan")["table"]
    assert "ssh_seen" not in text
    assert text.count("@ssh_ports") == 1
    assert "ip saddr @lan_v4 tcp dport @ssh_ports accept" in text


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"allow": [{"port": 0}]}, "firewall_allow[0].port: 0 is no port"),
        ({"allow": [{"port": 80}, {"port": 65536}]}, "firewall_allow[1].port: 65536 is no port"),
        ({"allow": [{"port": "90-80"}]}, "firewall_allow[0].port: '90-80' is no port"),
        ({"allow": [{"port": "http"}]}, "firewall_allow[0].port: 'http' is no port"),
        ({"allow": [{"port": "٣"}]}, "is no port"),
        ({"allow": [{"port": 80, "from": ["wan"]}]}, "firewall_allow[0].from: 'wan' is no subnet"),
        ({"allow": [{"port": 80, "from": []}]}, "firewall_allow[0].from: is empty"),
        ({"allow": [{"port": 80, "from": ["192.0.2.7/24"]}]}, "write 192.0.2.0/24"),
        ({"allow": [{"port": 80, "from": ["192.0.2.0/33"]}]}, "is no subnet"),
        ({"lan_ipv6": ["2001:db8::/129"]}, "firewall_lan_ipv6[0]: '2001:db8::/129' is no subnet"),
        ({"lan_ipv6": ["192.0.2.0/24"]}, "IPv4 subnets go to mediastack_network.lan"),
        ({"lan_ipv6": ["::/0"]}, "is the whole Internet"),
        ({"ssh_rate": 0}, "firewall_ssh_rate: 0 is no rate"),
        ({"seconds": 1}, "firewall_rollback_seconds: 1 has to be between 5 and 3600"),
    ],
)
def test_a_wrong_choice_is_one_error(wanted: dict[str, Any], message: str) -> None:
    done = made(**wanted)
    assert len(done["problems"]) == 1, done["problems"]
    assert message in done["problems"][0]
    assert "Remedy" in done["problems"][0] or "between" in done["problems"][0]
    assert done["table"] == ""


def test_a_zone_that_is_none_is_told_which_there_are() -> None:
    assert "zones are lan and internet" in made(allow=[{"port": 80, "from": ["wan"]}])["problems"][0]


@pytest.mark.parametrize(
    ("client", "wanted", "locked"),
    [
        ("192.0.2.5", {}, False),
        ("192.0.2.5", {"ssh_from": "lan"}, True),
        ("2001:db8::5", {"ssh_from": "lan"}, True),
        ("fe80::1%eth0", {"ssh_from": "lan"}, True),
        ("192.168.7.7", {"ssh_from": "lan"}, False),
        ("2001:db8::5", {"ssh_from": "lan", "lan_ipv6": ["2001:db8::/64"]}, False),
        ("192.0.2.5", {"ssh_from": "lan", "allow": [{"port": 22, "from": ["192.0.2.0/24"]}]}, False),
        ("192.0.2.5", {"ssh_from": "lan", "allow": [{"port": 23, "from": ["192.0.2.0/24"]}]}, True),
        ("192.0.2.5", {"ssh_from": "lan", "allow": [{"port": "20-30", "from": "internet"}]}, False),
        ("127.0.0.1", {"ssh_from": "lan"}, False),
        (None, {"ssh_from": "lan"}, False),
    ],
)
def test_nobody_is_locked_out(client: str | None, wanted: dict[str, Any], locked: bool) -> None:
    problems = made({"client": client}, **wanted)["problems"]
    assert bool(problems) is locked
    assert not locked or f"leaves out {client}" in problems[0]


@pytest.mark.parametrize(
    ("name", "state", "said", "restore"),
    [
        ("ufw", "active", "active", "ufw --force enable"),
        ("firewalld", "active", "active", "systemctl enable --now firewalld.service"),
        ("firewalld", "enabled", "enabled at boot", "systemctl enable firewalld.service"),
    ],
)
def test_another_firewall_is_refused_or_replaced_as_told(name: str, state: str, said: str, restore: str) -> None:
    facts = {"others": {**FACTS["others"], name: state}}
    refused = made(facts)
    assert len(refused["problems"]) == 1
    assert f"{name} is {said}, and two firewalls would fight" in refused["problems"][0]
    assert "firewall_replace: true" in refused["problems"][0]
    replaced = made(facts, replace=True)
    assert replaced["problems"] == []
    assert replaced["disable"]
    assert [" ".join(words) for words in replaced["restore"]] == [restore]
    assert replaced["guarded"]


def test_the_distributions_service_is_told_about() -> None:
    assert "flush ruleset" in made({"nftables_service": True})["notices"][0]
    assert made()["notices"] == []


def test_switched_off() -> None:
    done = made({"others": {"ufw": "active"}}, enabled=False)
    assert (done["problems"], done["state"], done["disable"], done["table"]) == ([], "absent", [], "")


def test_a_server_without_systemd_is_refused() -> None:
    assert "systemd" in made({"systemd": False})["problems"][0]


def test_nft_takes_it(space: Namespace) -> None:
    checked(space, made()["table"])
    checked(space, made(ssh_from="lan", log=False)["table"])
    checked(space, made(stack={"lan": [], "networks": [], "allowances": []})["table"])


PORT = st.integers(1, 65535)
SPAN = st.tuples(PORT, PORT).map(lambda pair: f"{min(pair)}-{max(pair)}")
SUBNET = st.one_of(
    st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 32)).map(lambda p: str(ip_network((p[0], p[1]), strict=False))),
    st.tuples(st.integers(0, 2**128 - 1), st.integers(1, 128)).map(
        lambda p: str(ip_network((ip_address(p[0] | 2**127), p[1]), strict=False))
    ),
)
ENTRY = st.fixed_dictionaries(
    {
        "port": st.one_of(PORT, SPAN),
        "protocol": st.sampled_from(["tcp", "udp"]),
        "from": st.lists(st.one_of(SUBNET, st.sampled_from(["lan", "internet"])), min_size=1, max_size=4),
    }
)


@given(
    allow=st.lists(ENTRY, max_size=5),
    lan=st.lists(SUBNET.filter(lambda one: ":" not in one), max_size=3),
    ssh_port=st.integers(0, 65535),
    ssh_from=st.sampled_from(["lan", "anywhere"]),
)
def test_every_choice_makes_a_table_that_nft_takes(
    space: Namespace, allow: list[dict[str, Any]], lan: list[str], ssh_port: int, ssh_from: str
) -> None:
    done = made({"client": None}, {"lan": lan}, allow=allow, ssh_port=ssh_port, ssh_from=ssh_from)
    assert done["problems"] == []
    checked(space, done["table"])


@given(st.text(max_size=20))
def test_no_text_of_an_owner_gets_into_the_table(text: str) -> None:
    done = made(allow=[{"port": text, "from": [text]}], lan_ipv6=[text])
    assert done["problems"] or text.strip() in ("lan", "internet")


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(0, 20)).map(lambda p: (p[0], p[0] + p[1])), max_size=8))
def test_ranges_are_merged_without_losing_a_port(ranges: list[tuple[int, int]]) -> None:
    found: list[int] = []
    for item in nft_text.merged(ranges):
        first, _, last = item.partition("-")
        found += range(int(first), int(last or first) + 1)
    assert found == sorted({port for first, last in ranges for port in range(first, last + 1)})


def test_names_that_are_none_are_refused() -> None:
    for call in (
        lambda: nft_text.chain("a b", []),
        lambda: nft_text.named_set("x;", "ipv4_addr", []),
        lambda: nft_text.interfaces(['a"b']),
    ):
        with pytest.raises(ValueError, match="cannot be"):
            call()


def test_a_source_knows_who_belongs_to_it() -> None:
    source = view.Source("lan", [ip_network("192.0.2.0/24"), ip_network("2001:db8::/64")])
    assert [source.holds(one) for one in ("192.0.2.9", "2001:db8::9%eth0", "198.51.100.1")] == [True, True, False]


@pytest.mark.parametrize(
    ("now", "at_boot", "state"),
    [
        ("active", "enabled", "active"),
        ("active", "disabled", "active"),
        ("inactive", "enabled", "enabled"),
        ("inactive", "disabled", "off"),
        ("inactive", "masked", "off"),
    ],
)
def test_a_firewall_that_comes_with_the_next_boot_is_not_off(now: str, at_boot: str, state: str) -> None:
    assert firewall_host.state_of({"ActiveState": now, "UnitFileState": at_boot}) == state


def test_a_unit_that_nobody_knows_is_off() -> None:
    assert firewall_host.state_of({}) == "off"


def test_ports_of_a_socket() -> None:
    assert firewall_host.socket_ports("0.0.0.0:22 (Stream)\n[::]:2222 (Stream)\n/run/x (Stream)") == {22, 2222}
    assert firewall_host.socket_ports("") == set()


@pytest.mark.parametrize(
    ("text", "expected"), [("ENABLED=yes\n", True), ("ENABLED=no\n", False), ("# ENABLED=yes\n", False), ("", False)]
)
def test_ufw_filters_only_when_its_file_says_so(text: str, expected: bool) -> None:
    assert firewall_host.ufw_is_on(text) is expected


@pytest.mark.parametrize("installed", [True, False])
def test_ufw_filters_also_where_its_service_was_never_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, installed: bool
) -> None:
    """`ufw enable` loads the rules by itself; a removed package leaves its file behind."""
    (tmp_path / "ufw.conf").write_text("ENABLED=yes\n")
    monkeypatch.setattr(firewall_host, "UFW", str(tmp_path / "ufw.conf"))
    monkeypatch.setattr(nft_host, "find_program", lambda name="nft": f"/usr/sbin/{name}" if installed else "")
    assert firewall_host.gather()["others"]["ufw"] == ("active" if installed else "off")


def test_facts_are_read_where_nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr(subprocess, "run", fails)
    facts = firewall_host.gather()
    assert facts["others"] == {"ufw": "off", "firewalld": "off"}
