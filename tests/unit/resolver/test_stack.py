"""What the Stack says of choices that are right."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ansible_collections.mediastack.core.plugins.plugin_utils.choices import Choices, from_variables, merge
from ansible_collections.mediastack.core.plugins.plugin_utils.errors import ChoicesError
from ansible_collections.mediastack.core.plugins.plugin_utils.resolver import resolve
from ansible_collections.mediastack.core.plugins.plugin_utils.resolver.networks import bridge

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.mediastack.core.plugins.plugin_utils.catalogue import Catalogue

VPN = "gluetun: {provider: mullvad}"
EDGE = "mediastack_edge: {proxy: caddy, domain: home.example}\n"


def test_the_example_is_current(catalogue: Catalogue) -> None:
    fixtures = Path(__file__).parents[1] / "fixtures"
    choices = yaml.safe_load((fixtures / "choices_example.yml").read_text())
    stacks = resolve(catalogue, {"nas": from_variables(choices)})
    assert stacks["nas"] == json.loads((fixtures / "stack_example.json").read_text())


def test_two_hosts_two_projects_two_gateways_two_radarrs(catalogue: Catalogue) -> None:
    shared = {
        "mediastack_compose": {"layout": "projects"},
        "mediastack_edge": {"proxy": "caddy", "domain": "home.example"},
        "mediastack_services": {
            "gluetun": {"provider": "mullvad"},
            "gluetun-2": {"service": "gluetun", "provider": "protonvpn"},
            "qbittorrent": {"gateway": "gluetun"},
            "qbittorrent-2": {"service": "qbittorrent", "gateway": "gluetun-2"},
            "radarr": {"project": "films"},
            "radarr-4k": {"service": "radarr", "project": "films-4k"},
            "jellyfin": {"host": "attic"},
            "sonarr": {"host": "nas"},
        },
    }
    attic = {
        "mediastack_edge": {"proxy": "caddy", "domain": "attic.example"},
        "mediastack_services": {name: {"enabled": False} for name in ("gluetun", "gluetun-2", "radarr-4k")}
        | {"qbittorrent": {"enabled": False}, "qbittorrent-2": {"enabled": False}},
    }
    stacks = resolve(catalogue, {"nas": merge([shared]), "attic": merge([shared, attic])})
    nas, other = stacks["nas"], stacks["attic"]
    assert set(nas["instances"]) == {
        *("caddy", "gluetun", "gluetun-2", "qbittorrent", "qbittorrent-2", "radarr", "radarr-4k", "sonarr")
    }
    assert set(other["instances"]) == {"caddy", "jellyfin", "radarr"}
    assert {one["name"]: one["instances"] for one in nas["projects"]} == {
        "films": ["radarr"],
        "films-4k": ["radarr-4k"],
        "mediastack-downloaders": ["qbittorrent", "qbittorrent-2"],
        "mediastack-infrastructure": ["caddy"],
        "mediastack-media": ["sonarr"],
        "mediastack-vpn": ["gluetun", "gluetun-2"],
    }
    assert nas["instances"]["qbittorrent-2"]["gateway"] == "gluetun-2"
    assert nas["instances"]["qbittorrent-2"]["internal_url"] == "http://gluetun-2:8080"
    assert [one["key"] for one in nas["networks"]] == ["zone_apps", "egress_gluetun", "egress_gluetun-2"]
    assert [one["host"] for one in other["routes"]] == ["jellyfin.attic.example", "radarr.attic.example"]
    assert not [notice for notice in nas["notices"] if "media-server" in notice]


def test_one_name_on_two_servers_is_refused(catalogue: Catalogue) -> None:
    choices = {"mediastack_edge": {"proxy": "caddy", "domain": "h.example"}, "mediastack_services": {"radarr": {}}}
    with pytest.raises(ChoicesError) as caught:
        resolve(catalogue, {"nas": from_variables(choices), "attic": from_variables(choices)})
    assert [problem.text for problem in caught.value.problems] == [
        "radarr.h.example is already the name of radarr on attic."
    ]


def test_nothing_chosen_is_an_empty_stack(catalogue: Catalogue) -> None:
    stack = resolve(catalogue, {"nas": Choices()})["nas"]
    assert (stack["instances"], stack["projects"], stack["routes"], stack["secrets"]) == ({}, [], [], [])
    assert [network["key"] for network in stack["networks"]] == ["zone_apps"]


def test_choices_are_not_changed(catalogue: Catalogue) -> None:
    given = {"mediastack_services": {"radarr": {"ports": {"web": 7879}, "environment": {"A": 1}}}}
    before = json.dumps(given)
    first = resolve(catalogue, {"nas": from_variables(given)})
    first["nas"]["instances"]["radarr"]["environment"]["A"] = "changed"
    assert json.dumps(given) == before
    assert resolve(catalogue, {"nas": from_variables(given)})["nas"]["instances"]["radarr"]["environment"]["A"] == "1"


def test_vpn_members_share_the_gateway(stack_of: Callable[..., dict[str, Any]]) -> None:
    stack = stack_of(f"mediastack_services: {{{VPN}, qbittorrent: {{}}, radarr: {{zone: vpn, ports: {{web: 17878}}}}}}")
    radarr, gluetun = stack["instances"]["radarr"], stack["instances"]["gluetun"]
    assert radarr["network"] == {"mode": "container", "attachments": []}
    assert radarr["ports"][0]["listen"] == 17878
    assert radarr["environment"]["RADARR__SERVER__PORT"] == "17878"
    assert radarr["health"]["http"]["port"] == 17878
    assert radarr["internal_url"] == "http://gluetun:17878"
    assert gluetun["environment"]["FIREWALL_INPUT_PORTS"] == "8000,8080,17878"
    assert gluetun["environment"]["FIREWALL_OUTBOUND_SUBNETS"] == "172.31.240.0/24"
    assert gluetun["environment"]["HTTPPROXY"] == "off"
    assert radarr["depends_on"] == ["gluetun", "qbittorrent"]


def test_a_gateway_has_an_egress_network_of_its_own(stack_of: Callable[..., dict[str, Any]]) -> None:
    stack = stack_of(f"mediastack_services: {{{VPN}, qbittorrent: {{}}}}")
    keys = [one["network"] for one in stack["instances"]["gluetun"]["network"]["attachments"]]
    assert keys == ["zone_apps", "egress_gluetun"]
    assert stack["networks"][1]["subnet"] == "172.31.243.0/24"


def test_proxied_instances_have_no_way_out_but_the_proxy(stack_of: Callable[..., dict[str, Any]]) -> None:
    stack = stack_of(f"mediastack_services: {{{VPN}, radarr: {{zone: proxied}}, sonarr: {{}}}}")
    radarr, gluetun, sonarr = (stack["instances"][name] for name in ("radarr", "gluetun", "sonarr"))
    assert [one["network"] for one in radarr["network"]["attachments"]] == ["zone_proxied"]
    assert radarr["environment"]["HTTPS_PROXY"] == "http://gluetun:8888"
    assert {"sonarr", "172.31.240.0/24"} <= set(radarr["environment"]["NO_PROXY"].split(","))
    assert "zone_proxied" in [one["network"] for one in gluetun["network"]["attachments"]]
    assert "zone_proxied" in [one["network"] for one in sonarr["network"]["attachments"]]
    assert gluetun["environment"]["HTTPPROXY"] == "on"
    assert gluetun["environment"]["FIREWALL_INPUT_PORTS"] == "8000,8888"
    assert next(one for one in stack["networks"] if one["key"] == "zone_proxied")["internal"] is True


@pytest.mark.parametrize(
    ("edge", "publish", "expected"),
    [
        ("", "auto", {"address": "0.0.0.0", "port": 7878}),
        ("", "none", None),
        ("", "loopback", {"address": "127.0.0.1", "port": 7878}),
        (EDGE, "auto", None),
        (EDGE, "lan", {"address": "0.0.0.0", "port": 7878}),
    ],
)
def test_publication(stack_of: Callable[..., dict[str, Any]], edge: str, publish: str, expected: Any) -> None:
    stack = stack_of(f"{edge}mediastack_services: {{radarr: {{publish: {publish}}}}}")
    assert stack["instances"]["radarr"]["ports"][0]["publish"] == expected
    reached = [(one["port"], one["from"]) for one in stack["allowances"] if one["instance"] == "radarr"]
    assert reached == ([(7878, "loopback" if publish == "loopback" else "lan")] if expected else [])


def test_the_owners_networks_are_told_as_networks(stack_of: Callable[..., dict[str, Any]]) -> None:
    assert stack_of("mediastack_services: {}")["lan"] == ["192.168.0.0/16"]
    assert stack_of("mediastack_network: {lan: [192.0.2.7/24]}")["lan"] == ["192.0.2.0/24"]


def test_internal_ports_are_never_published_by_themselves(stack_of: Callable[..., dict[str, Any]]) -> None:
    stack = stack_of(f"mediastack_services: {{{VPN}, flaresolverr: {{}}, socket-proxy: {{}}}}")
    assert stack["allowances"] == []


def test_the_edge_is_implied_and_publishes_http_and_https(stack_of: Callable[..., dict[str, Any]]) -> None:
    stack = stack_of(
        "mediastack_edge: {proxy: caddy, domain: home.example, http_port: 8080, https_port: 8443}\n"
        "mediastack_services: {radarr: {name: films}}"
    )
    assert [(p["listen"], p["publish"]["port"]) for p in stack["instances"]["caddy"]["ports"]] == [
        (80, 8080),
        (443, 8443),
    ]
    assert stack["instances"]["radarr"]["url"] == "https://films.home.example:8443"
    assert stack["routes"] == [{"host": "films.home.example", "instance": "radarr", "upstream": "radarr:7878"}]


def test_tls_off_survives_yaml(stack_of: Callable[..., dict[str, Any]]) -> None:
    stack = stack_of(
        "mediastack_edge: {proxy: caddy, domain: home.example, tls: off}\nmediastack_services: {radarr: {}}"
    )
    assert stack["edge"]["tls"] == "off"
    assert stack["instances"]["radarr"]["url"] == "http://radarr.home.example"


def test_internet_exposure_opens_the_edge(stack_of: Callable[..., dict[str, Any]]) -> None:
    stack = stack_of(f"{EDGE}mediastack_services: {{seerr: {{web: {{exposure: internet}}}}}}")
    assert {one["from"] for one in stack["allowances"]} == {"internet"}
    assert stack["instances"]["seerr"]["web"]["port"] == "web"


@pytest.mark.parametrize(
    ("layout", "files"),
    [
        ("single", {"mediastack": ["compose.yml"]}),
        ("layered", {"mediastack": ["compose.vpn.yml", "compose.downloaders.yml", "compose.media.yml"]}),
        (
            "projects",
            {f"mediastack-{layer}": ["compose.yml"] for layer in ("downloaders", "media", "vpn")},
        ),
    ],
)
def test_layouts(stack_of: Callable[..., dict[str, Any]], layout: str, files: dict[str, list[str]]) -> None:
    stack = stack_of(
        f"mediastack_compose: {{layout: {layout}}}\nmediastack_services: {{{VPN}, qbittorrent: {{}}, radarr: {{}}}}"
    )
    assert {one["name"]: one["files"] for one in stack["projects"]} == files
    assert stack["projects"][0]["directory"] == f"/opt/mediastack/compose/{stack['projects'][0]['name']}"


def test_overrides(stack_of: Callable[..., dict[str, Any]]) -> None:
    radarr = stack_of(
        """
        mediastack_images: {mirror: "registry.lan:5000/mirror"}
        mediastack_services:
          radarr:
            tag: 6.4.0
            environment: {RADARR__LOG__LEVEL: debug, TZ: null, N: 3, BRACES: "{as it is}"}
            labels: {com.example.owner: me}
            limits: {memory: 2GiB}
            compose: {dns: [192.0.2.53]}
            hardening: {cap_add: [CHOWN]}
        """
    )["instances"]["radarr"]
    assert radarr["reference"] == "registry.lan:5000/mirror/lscr.io/linuxserver/radarr:6.4.0"
    assert radarr["image"] == {"repository": "lscr.io/linuxserver/radarr", "tag": "6.4.0", "digest": None}
    assert radarr["environment"]["RADARR__LOG__LEVEL"] == "debug"
    assert radarr["environment"]["BRACES"] == "{as it is}"
    assert radarr["environment"]["N"] == "3"
    assert "TZ" not in radarr["environment"]
    assert radarr["labels"] == {"com.example.owner": "me"}
    assert radarr["limits"] == {"memory": "2GiB", "pids": 512}
    assert radarr["compose"] == {"dns": ["192.0.2.53"]}
    assert radarr["hardening"]["cap_add"] == ["CHOWN"]
    assert radarr["hardening"]["cap_drop"] == ["ALL"]


def test_media_is_one_mount_so_that_imports_are_hardlinks(stack_of: Callable[..., dict[str, Any]]) -> None:
    stack = stack_of(f"mediastack_services: {{{VPN}, qbittorrent: {{}}, radarr: {{}}, jellyfin: {{}}}}")
    mounts = {
        name: {(v["source"], v["target"]) for v in one["volumes"] if v["name"] == "media"}
        for name, one in stack["instances"].items()
    }
    assert mounts["qbittorrent"] == mounts["radarr"] == mounts["jellyfin"] == {("/srv/media", "/media")}
    assert {v["name"]: v["source"] for v in stack["instances"]["jellyfin"]["volumes"]} == {
        "config": "/opt/mediastack/config/jellyfin",
        "cache": "/opt/mediastack/config/jellyfin/cache",
        "media": "/srv/media",
    }


def test_secrets_follow_the_options(stack_of: Callable[..., dict[str, Any]]) -> None:
    def names(kind: str) -> set[str]:
        stack = stack_of(f"mediastack_services: {{gluetun: {{provider: mullvad, type: {kind}}}}}")
        return {one["name"] for one in stack["secrets"] if one["source"] == "owner"}

    assert names("wireguard") == {"wireguard_private_key"}
    assert names("openvpn") == {"openvpn_user", "openvpn_password"}


def test_only_mounted_secrets_stand_in_the_instance(stack_of: Callable[..., dict[str, Any]]) -> None:
    stack = stack_of("mediastack_services: {radarr: {}}")
    assert stack["instances"]["radarr"]["secrets"] == [
        {
            "name": "api_key",
            "format": "hex32",
            "source": "/opt/mediastack/secrets/radarr/api_key",
            "target": "/run/secrets/api_key",
            "env": "FILE__RADARR__AUTH__APIKEY",
            "owner": "root",
        }
    ]
    assert [(one["name"], one["source"]) for one in stack["secrets"]] == [
        ("api_key", "generated"),
        ("ui_password", "generated"),
    ]


def test_notices(stack_of: Callable[..., dict[str, Any]]) -> None:
    notices = stack_of("mediastack_services: {jellyseerr: {}}")["notices"]
    assert any("retired" in one and "'seerr'" in one for one in notices)
    assert any("'media-server'" in one and "jellyfin" in one for one in notices)


def test_what_needs_the_docker_api_stands_in_the_socket_zone(stack_of: Callable[..., dict[str, Any]]) -> None:
    stack = stack_of("mediastack_services: {socket-proxy: {}, radarr: {requires: [docker-api]}}")
    keys = {name: [a["network"] for a in one["network"]["attachments"]] for name, one in stack["instances"].items()}
    assert keys == {"socket-proxy": ["zone_socket"], "radarr": ["zone_apps", "zone_socket"]}
    assert "socket-proxy" in stack["instances"]["radarr"]["depends_on"]


def test_host_and_native_zones(stack_of: Callable[..., dict[str, Any]]) -> None:
    stack = stack_of(f"{EDGE}mediastack_services: {{jellyfin: {{zone: native}}, radarr: {{zone: host}}}}")
    jellyfin, radarr = stack["instances"]["jellyfin"], stack["instances"]["radarr"]
    assert (jellyfin["network"]["mode"], radarr["network"]["mode"]) == ("none", "host")
    assert jellyfin["internal_url"] == "http://172.31.240.1:8096"
    assert {one["instance"] for one in stack["allowances"]} == {"caddy", "jellyfin", "radarr"}


def test_addresses_lie_in_their_networks(stack_of: Callable[..., dict[str, Any]]) -> None:
    stack = stack_of(
        f"mediastack_services: {{{VPN}, qbittorrent: {{}}, radarr: {{address: 172.31.240.99}}, sonarr: {{}}}}"
    )
    nets = {one["key"]: IPv4Network(one["subnet"]) for one in stack["networks"]}
    for one in stack["instances"].values():
        for attachment in one["network"]["attachments"]:
            assert IPv4Address(attachment["address"]) in nets[attachment["network"]]
    assert stack["instances"]["radarr"]["network"]["attachments"][0]["address"] == "172.31.240.99"


def test_a_circle_of_needs_does_not_hang(stack_of: Callable[..., dict[str, Any]]) -> None:
    stack = stack_of(
        "mediastack_services: {radarr: {needs: {all: [series-manager]}}, sonarr: {needs: {all: [movie-manager]}}}"
    )
    assert [stack["instances"][name]["depends_on"] for name in ("radarr", "sonarr")] == [["sonarr"], []]


@pytest.mark.parametrize(
    ("prefix", "key", "expected"),
    [
        ("mediastack", "zone_apps", "ms-apps"),
        ("mediastack", "egress_gluetun", "ms-eg-gluetun"),
        ("mediastack", "egress_gluetun-nl", "ms-eg-gl-ee1421"),
        ("cinema", "zone_apps", "ms-apps-f50805"),
    ],
)
def test_an_interface_has_a_name_that_the_kernel_takes(prefix: str, key: str, expected: str) -> None:
    assert bridge(prefix, key) == expected
    assert len(expected) <= 15
