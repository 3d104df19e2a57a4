"""The gateway stand-in, piece by piece: what it refuses, what its firewall says, who may call."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from types import SimpleNamespace

import pytest

from peers.framework.web import Request
from peers.gluetun import control, names, network, settings, tunnel

KEY = base64.b64encode(bytes(32)).decode()
GOOD: dict[str, str] = {
    "VPN_SERVICE_PROVIDER": "custom", "VPN_TYPE": "wireguard", "WIREGUARD_PRIVATE_KEY": KEY,
    "WIREGUARD_PUBLIC_KEY": KEY, "WIREGUARD_ENDPOINT_IP": "203.0.113.10", "WIREGUARD_ENDPOINT_PORT": "51820",
    "WIREGUARD_ADDRESSES": "198.18.255.2/32",
}  # fmt: skip


def read(changes: Mapping[str, str] | None = None, *, ipv6: bool = False) -> settings.Settings:
    return settings.read({**GOOD, **(changes or {})}, ipv6=ipv6)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"FIREWALL": "on"}, "FIREWALL"),
        ({"VPN_TYPO": "x"}, "VPN_TYPO"),
        ({"DNS_UPSTREAM_PLAIN_ADDRESSES": "192.0.2.1:53"}, "DNS_UPSTREAM_PLAIN_ADDRESSES"),
        ({"VPN_TYPE": "ipsec"}, "VPN type"),
        ({"VPN_SERVICE_PROVIDER": "nobody"}, "provider name"),
        ({"VPN_SERVICE_PROVIDER": "private internet access"}, "provider name"),
        ({"VPN_SERVICE_PROVIDER": "protonvpn"}, "endpoint port is set"),
        ({"VPN_SERVICE_PROVIDER": "airvpn"}, "pre-shared key"),
        ({"WIREGUARD_PRIVATE_KEY": ""}, "private key is not set"),
        ({"WIREGUARD_PRIVATE_KEY": "short"}, "private key is not valid"),
        ({"WIREGUARD_PUBLIC_KEY": ""}, "public key is not set"),
        ({"WIREGUARD_ENDPOINT_IP": ""}, "endpoint IP is not set"),
        ({"WIREGUARD_ENDPOINT_IP": "vpn.example.org"}, "endpoint IP is not valid"),
        ({"WIREGUARD_ENDPOINT_PORT": ""}, "endpoint port is not set"),
        ({"WIREGUARD_ADDRESSES": ""}, "interface address"),
        ({"WIREGUARD_ADDRESSES": "198.18.255.2/32,2001:db8::2/128"}, "IPv6 is not supported"),
        ({"VPN_PORT_FORWARDING": "on"}, "port forwarding cannot be enabled"),
        ({"VPN_PORT_FORWARDING": "perhaps"}, "not a valid boolean"),
        ({"FIREWALL_INPUT_PORTS": "8080,web"}, "port is not valid: web"),
        ({"FIREWALL_OUTBOUND_SUBNETS": "192.0.2.0/99"}, "FIREWALL_OUTBOUND_SUBNETS"),
        ({"DNS_UPSTREAM_RESOLVER_TYPE": "udp"}, "upstream type"),
    ],
)
def test_refuses(changes: dict[str, str], says: str) -> None:
    with pytest.raises(settings.SettingsError, match=says):
        read(changes)


def test_takes_empty_variables_old_names_and_secret_files(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    found = read(
        {"VPN_FOREIGN": "", "WIREGUARD_PRIVATE_KEY": "", "WIREGUARD_PRIVATE_KEY_SECRETFILE": str(file),
         "WIREGUARD_ADDRESSES": "", "WIREGUARD_ADDRESS": "198.18.255.2/32,2001:db8::2/128", "HTTPPROXY": "on",
         "VPN_PORT_FORWARDING": "on", "VPN_PORT_FORWARDING_PROVIDER": "protonvpn"},
        ipv6=True,
    )  # fmt: skip
    assert found.tunnel.private_key == KEY
    assert [address.version for address in found.tunnel.addresses] == [4, 6]
    assert found.proxy == ("", 8888)


def ruleset() -> str:
    found = read(
        {
            "FIREWALL_INPUT_PORTS": "8080",
            "FIREWALL_OUTBOUND_SUBNETS": "192.0.2.0/24",
            "FIREWALL_VPN_INPUT_PORTS": "6881",
        }
    )
    link = network.Link("eth0", ipaddress.ip_interface("198.18.77.20/24"))
    six = network.Link("eth0", ipaddress.ip_interface("2001:db8:1::20/64"))
    routes = [network.Route(link, "198.18.77.1")]
    return network.ruleset(found.firewall, found.tunnel, [link, six], routes, forwarded=(41200, 6881))


def test_firewall_drops_and_opens_in_order() -> None:
    rules = ruleset()
    assert rules.count("policy drop") == 3
    output = rules[rules.index("chain output") :]
    marks = ['"lo" accept', "ct state established", "daddr 203.0.113.10 udp dport 51820", "daddr 198.18.77.0/24",
             "daddr 192.0.2.0/24", 'oifname "tun0" accept']  # fmt: skip
    assert [output.index(mark) for mark in marks] == sorted(output.index(mark) for mark in marks)
    assert rules.startswith("table inet gluetun\ndelete table inet gluetun\n")


def test_the_key_goes_through_a_pipe_only() -> None:
    text = tunnel.configuration(read().tunnel)
    assert f"PrivateKey = {KEY}" in text
    assert "Endpoint = 203.0.113.10:51820" in text


def role(text: str, tmp_path: Path, default: str = "{}") -> list[dict[str, object]]:
    file = tmp_path / "config.toml"
    file.write_text(text)
    return control.roles(file, default)


@pytest.mark.parametrize(
    "text",
    [
        '[[roles]]\nname="a"\nauth="apikey"\napikey="k"\nroutes=["GET /v1/nothing"]',
        '[[roles]]\nname="a"\nauth="apikey"\nroutes=[]',
        '[[roles]]\nname="a"\nauth="token"\napikey="k"\nroutes=[]',
        '[[roles]]\nname="a"\nauth="none"\nroute=[]',
        "not toml",
    ],
)
def test_roles_are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(settings.SettingsError):
        role(text, tmp_path)


def ask(server: control.Control, target: str, **headers: str) -> int:
    method, path = target.split(" ")
    message = Message()
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return server.answer(Request(method, path, {}, message, b'{"status":"running"}', "127.0.0.1")).status


def test_routes_want_their_role(tmp_path: Path) -> None:
    who = role('[[roles]]\nname="a"\nauth="apikey"\napikey="planted"\nroutes=["GET /v1/publicip/ip"]', tmp_path)
    loop = SimpleNamespace(
        status="running", public_ip={"public_ip": "203.0.113.10"}, port=0, apply=lambda wanted: wanted
    )
    server = control.Control(loop, "custom", who, lambda wanted: wanted)  # type: ignore[arg-type]
    assert ask(server, "GET /v1/publicip/ip") == 401
    assert ask(server, "GET /v1/publicip/ip", X_API_Key="wrong") == 401
    assert ask(server, "GET /v1/publicip/ip", X_API_Key="planted") == 200
    assert ask(server, "GET /v1/vpn/status", X_API_Key="planted") == 401
    assert ask(server, "GET /v1/nothing", X_API_Key="planted") == 401
    everybody = control.roles(tmp_path / "absent", '{"auth":"basic","username":"u","password":"p"}')
    server = control.Control(loop, "custom", everybody, lambda wanted: wanted)  # type: ignore[arg-type]
    assert ask(server, "PUT /v1/vpn/status", Authorization="Basic " + base64.b64encode(b"u:p").decode()) == 200
    assert ask(server, "GET /v1/vpn/settings", Authorization="Basic " + base64.b64encode(b"u:x").decode()) == 401


def test_without_roles_old_routes_are_public(tmp_path: Path) -> None:
    (public,) = control.roles(tmp_path / "absent", "{}")
    assert "GET /v1/publicip/ip" in public["routes"]
    assert "PUT /v1/vpn/settings" not in public["routes"]


def test_only_bare_names_go_to_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(names, "ask", lambda packet, server: asked.append(server[0]) or b"x")
    where = names.Names(("198.18.255.1", 53), "127.0.0.11")
    head = b"\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
    where.answer(head + b"\x06radarr\x00\x00\x01\x00\x01")
    where.answer(head + b"\x04leak\x07example\x00\x00\x01\x00\x01")
    assert asked == ["127.0.0.11", "198.18.255.1"]


def test_a_silent_resolver_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(packet: bytes, server: tuple[str, int]) -> bytes:
        raise TimeoutError

    monkeypatch.setattr(names, "ask", silent)
    reply = names.Names(("198.18.255.1", 53), None).answer(
        b"\x00\x01\x01\x00" + bytes(8) + b"\x01a\x00\x00\x01\x00\x01"
    )
    assert reply[3] & 0x0F == 2
