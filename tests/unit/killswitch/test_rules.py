"""Table and routing rules as text: what they say, and that nft and ip take it."""

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.mediastack.core.plugins.plugin_utils.killswitch import routing, table
from ansible_collections.mediastack.core.plugins.plugin_utils.killswitch.view import (
    Endpoint,
    Gateway,
    Host,
    Shared,
    View,
)

VPN = Endpoint("203.0.113.10", "udp", 51820)
ONE = Gateway(
    "gluetun",
    "ms-eg-gluetun",
    "198.18.3.0/24",
    (VPN,),
    outbound=("192.0.2.0/25",),
    published=(("tcp", 8080),),
    listens=(8000, 8080),
)
TWO = Gateway("vpn-two", "ms-eg-two", "198.18.4.0/24", (Endpoint(None, "tcp", 443),))
APPS = Shared("ms-apps", "198.18.0.0/24", ("198.18.0.14", "198.18.0.15"))
VIEW = View((ONE, TWO), (APPS,), ("192.0.2.0/24",), ("198.18.0.0/24", "198.18.3.0/24"))


def chain(text: str, name: str) -> list[str]:
    """Rules of a chain."""
    body = text.partition(f"chain {name} {{\n")[2].partition("    }\n")[0]
    return [line.strip() for line in body.splitlines()]


def test_it_is_one_transaction() -> None:
    first, second, third = table.render(VIEW).splitlines()[:3]
    assert (first, second, third) == (
        "table inet mediastack_killswitch",
        "delete table inet mediastack_killswitch",
        "table inet mediastack_killswitch {",
    )


def test_every_egress_bridge_is_in_the_set_that_drops() -> None:
    text = table.render(VIEW)
    assert 'elements = { "ms-eg-gluetun", "ms-eg-two" }' in text
    forward = chain(text, "forward")
    assert forward[0] == "type filter hook forward priority -10; policy accept;"
    drop = forward.index("iifname @egress counter drop")
    assert forward[1:3] == [
        'iifname "ms-eg-gluetun" ip saddr 198.18.3.0/24 jump from_gluetun',
        'iifname "ms-eg-two" ip saddr 198.18.4.0/24 jump from_vpn-two',
    ]
    assert all("accept" not in line for line in forward[1 : drop + 1])


def test_flows_that_are_older_are_not_let_out() -> None:
    for line in table.render(VIEW).splitlines():
        assert "ct state" not in line
        if "ct direction reply" in line and "accept" in line:
            assert "@lan" in line or "tcp sport" in line


def test_an_endpoint_is_address_protocol_and_port() -> None:
    text = table.render(VIEW)
    assert "elements = { 203.0.113.10 . udp . 51820 }" in text
    assert chain(text, "from_gluetun") == [
        "ip daddr . meta l4proto . th dport @of_gluetun_endpoints_v4 accept",
        "ip6 daddr . meta l4proto . th dport @of_gluetun_endpoints_v6 accept",
        "meta l4proto . th dport @of_gluetun_ports accept",
        "ip daddr @of_gluetun_outbound_v4 accept",
        "ip6 daddr @of_gluetun_outbound_v6 accept",
        "ip daddr @lan_v4 ct direction reply tcp sport 8080 accept",
        "ip6 daddr @lan_v6 ct direction reply tcp sport 8080 accept",
    ]


def test_on_a_shared_bridge_gateways_and_borrowed_addresses_stay() -> None:
    text = table.render(VIEW)
    assert 'iifname "ms-apps" oifname != "ms-apps" jump off_ms-apps' in chain(text, "forward")
    assert chain(text, "off_ms-apps") == [
        "meta nfproto ipv6 drop",
        "ip saddr { 198.18.0.14, 198.18.0.15 } drop",
        "ip saddr != 198.18.0.0/24 drop",
    ]


def test_the_host_answers_no_question_of_a_gateway() -> None:
    """And takes none for an answer, whatever the kernel thinks of the flow's direction."""
    received = chain(table.render(VIEW), "input")
    answer = "tcp sport { 8000, 8080 } tcp dport >= 1024 ct direction reply accept"
    assert received[1:] == [
        f'iifname "ms-eg-gluetun" ip saddr 198.18.3.0/24 {answer}',
        f"iifname @egress {table.LOG}",
        "iifname @egress counter drop",
        'iifname "ms-apps" meta nfproto ipv6 drop',
        'iifname "ms-apps" ip saddr != 198.18.0.0/24 drop',
        f'iifname "ms-apps" ip saddr {{ 198.18.0.14, 198.18.0.15 }} {answer}',
        'iifname "ms-apps" ip saddr { 198.18.0.14, 198.18.0.15 } counter drop',
    ]


HOST = View(
    lan=("192.0.2.0/24",),
    subnets=("198.18.0.0/24",),
    host=Host(("nordlynx",), (Endpoint("203.0.113.5", "udp", 51820),)),
)


def test_a_whole_server_behind_a_tunnel() -> None:
    sent = chain(table.render(HOST), "output")
    assert sent[0] == "type filter hook output priority -10; policy accept;"
    assert sent[1:3] == ['oifname "lo" accept', "oifname @tunnels accept"]
    assert sent[-1] == "counter drop"
    names = sent.index("meta l4proto { tcp, udp } th dport { 53, 853 } counter drop")
    assert names < sent.index("ip daddr @lan_v4 accept")
    assert chain(table.render(HOST), "forward")[-1] == "counter drop"


@pytest.mark.parametrize("name", ["host", "4-vpn", "lan", "tunnels", "log"])
def test_a_gateway_may_be_called_what_an_instance_may_be(name: str) -> None:
    gateway = Gateway(name, "ms-eg-one", "198.18.3.0/24", (Endpoint("203.0.113.77", "udp", 51820),))
    text = table.render(View((gateway,), (), HOST.lan, HOST.subnets, HOST.host))
    tried = ["unshare", "--net", "nft", "-c", "-f", "-"]
    done = subprocess.run(tried, input=text, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert chain(text, "output").count("ip daddr . meta l4proto . th dport @host_endpoints_v4 accept") == 1
    assert text.partition("set host_endpoints_v4 {")[2].partition("}")[0].count("203.0.113.77") == 0
    assert text.count("set host_endpoints_v4 {") == 1


def test_names_from_the_lan_only_if_the_owner_says_so() -> None:
    asked = View(lan=HOST.lan, subnets=HOST.subnets, host=Host(("nordlynx",), (VPN,), lan_dns=True))
    assert "53" not in " ".join(line for line in chain(table.render(asked), "output") if "dport {" in line)


def lines(family: str, view: View = VIEW) -> list[str]:
    return [" ".join(words) for words in routing.rules(view)[family]]


def test_routing_lets_the_same_out() -> None:
    assert lines("4") == [
        "priority 710 from 198.18.0.14 iif ms-apps blackhole",
        "priority 710 from 198.18.0.15 iif ms-apps blackhole",
        "priority 720 iif ms-eg-gluetun from 198.18.3.0/24 to 203.0.113.10 ipproto 17 dport 51820 goto 790",
        "priority 720 iif ms-eg-gluetun from 198.18.3.0/24 to 192.0.2.0/25 goto 790",
        "priority 720 iif ms-eg-gluetun from 198.18.3.0/24 to 192.0.2.0/24 ipproto 6 sport 8080 goto 790",
        "priority 720 iif ms-eg-two from 198.18.4.0/24 ipproto 6 dport 443 goto 790",
        "priority 730 from 198.18.0.0/24 iif ms-apps goto 790",
        "priority 780 iif ms-eg-gluetun blackhole",
        "priority 780 iif ms-eg-two blackhole",
        "priority 780 iif ms-apps blackhole",
        "priority 790 nop",
    ]


def test_ipv6_has_no_way_off_bridges_without_it() -> None:
    assert lines("6") == [
        "priority 780 iif ms-eg-gluetun blackhole",
        "priority 780 iif ms-eg-two blackhole",
        "priority 780 iif ms-apps blackhole",
        "priority 790 nop",
    ]


def test_many_endpoints_are_one_rule_for_their_port() -> None:
    many = tuple(Endpoint(f"203.0.113.{number}", "udp", 51820) for number in range(1, 101))
    view = View((Gateway("gluetun", "ms-eg-gluetun", "198.18.3.0/24", many),))
    assert lines("4", view)[0] == "priority 720 iif ms-eg-gluetun from 198.18.3.0/24 ipproto 17 dport 51820 goto 790"
    assert table.render(view).count("203.0.113.") == 100


def test_without_gateways_there_are_no_rules() -> None:
    assert routing.rules(HOST) == {"4": [], "6": []}


@pytest.mark.parametrize("view", [VIEW, HOST])
def test_priorities_are_in_order(view: View) -> None:
    for found in routing.rules(view).values():
        numbers = [int(words[1]) for words in found]
        assert numbers == sorted(numbers)
        assert all(700 <= number < 800 for number in numbers)
