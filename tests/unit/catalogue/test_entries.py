"""Every entry of the catalogue is valid, honest about its hardening, and says only what its software knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.peers.gluetun import variables as gluetun

from ansible_collections.mediastack.core.plugins.plugin_utils.catalogue import load
from ansible_collections.mediastack.core.plugins.plugin_utils.choices import from_variables
from ansible_collections.mediastack.core.plugins.plugin_utils.resolver import resolve

ROOT = Path(__file__).parents[3]
FILES = sorted(ROOT.glob("roles/*/services/*.yml"))
CATALOGUE = load([ROOT / "roles"])
SLICE = {
    *("gluetun", "qbittorrent", "sonarr", "radarr", "prowlarr", "flaresolverr"),
    *("jellyfin", "seerr", "jellyseerr", "overseerr", "caddy", "socket-proxy"),
}


def test_the_slice_is_there() -> None:
    assert set(CATALOGUE) >= SLICE


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_an_entry_is_named_like_its_file(file: Path) -> None:
    assert CATALOGUE[file.stem].file == str(file)
    assert CATALOGUE[file.stem].role == file.parts[-3]


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_an_entry_fits_the_schema_for_editors(file: Path) -> None:
    schema = json.loads((ROOT / "schemas/service.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(file.read_text()))


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_hardening_is_the_default_or_has_a_reason(name: str) -> None:
    hardening = CATALOGUE[name].spec["hardening"]
    assert hardening["cap_drop"] == ["ALL"]
    assert hardening["no_new_privileges"] is True
    assert hardening["read_only"] or hardening["because"]


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_an_image_that_drops_root_may_do_so(name: str) -> None:
    spec = CATALOGUE[name].spec
    if spec["image"].startswith("lscr.io/") and "PUID" in spec["environment"]:
        assert {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"} <= set(spec["hardening"]["cap_add"])


def test_only_the_socket_proxy_holds_the_socket() -> None:
    holders = {
        name
        for name in CATALOGUE
        if any("docker.sock" in (v["source"] or "") for v in CATALOGUE[name].spec["volumes"].values())
    }
    assert holders == {"socket-proxy"}
    assert CATALOGUE["socket-proxy"].spec["volumes"]["socket"]["read_only"] is True


def test_gluetun_gets_only_variables_that_it_knows() -> None:
    everything: dict[str, Any] = {
        "provider": "custom",
        "type": "wireguard",
        "country": ["Netherlands"],
        "city": ["London"],
        "hostnames": ["nl-1.example"],
        "endpoint": {"address": "198.51.100.7", "port": 51820},
        "public_key": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
        "addresses": ["10.2.0.2/32"],
        "dns": {"type": "plain", "resolvers": ["quad9"], "address": "10.2.0.1"},
        "port_forwarding": True,
        "mtu": 1280,
        "outbound_subnets": ["192.168.1.0/24"],
    }
    assert set(everything) == set(CATALOGUE["gluetun"].spec["options"])
    choices = from_variables({"mediastack_services": {"gluetun": everything}})
    gateway = resolve(CATALOGUE, {"nas": choices})["nas"]["instances"]["gluetun"]
    names = {*gateway["environment"], *(one["env"] for one in gateway["secrets"])}
    assert names <= gluetun.KNOWN
    assert gateway["environment"]["VPN_PORT_FORWARDING"] == "on"
    assert gateway["environment"]["FIREWALL_OUTBOUND_SUBNETS"] == "172.31.240.0/24,192.168.1.0/24"
    assert gateway["environment"]["DNS_ADDRESS"] == "10.2.0.1"
    assert "HTTP_CONTROL_SERVER_AUTH_DEFAULT_ROLE" not in names


@pytest.mark.parametrize("name", ["sonarr", "radarr", "prowlarr"])
def test_servarr_reads_its_key_from_a_file_and_demands_a_login(name: str) -> None:
    app = name.upper()
    instance = resolve(CATALOGUE, {"nas": from_variables({"mediastack_services": {name: {}}})})["nas"]["instances"][
        name
    ]
    # the application reads both words with their case
    assert instance["environment"][f"{app}__AUTH__METHOD"] == "Forms"
    assert instance["environment"][f"{app}__AUTH__REQUIRED"] == "Enabled"
    assert {one["env"]: one["target"] for one in instance["secrets"]} == {
        f"FILE__{app}__AUTH__APIKEY": "/run/secrets/api_key"
    }


def test_no_secret_stands_in_an_environment() -> None:
    for name in CATALOGUE:
        spec = CATALOGUE[name].spec
        for variable, value in spec["environment"].items():
            assert not any(word in variable for word in ("PASSWORD", "APIKEY", "API_KEY", "PRIVATE_KEY")), (name, value)
