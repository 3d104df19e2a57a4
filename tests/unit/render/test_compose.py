"""The compose files: hardening, networks, namespaces, layouts, stability."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.render.support import example_secrets, example_stack, rendered, service_of, spec

from ansible_collections.mediastack.core.plugins.plugin_utils.render.compose import dump
from ansible_collections.mediastack.core.plugins.plugin_utils.render.service import deep_merge, size_in_bytes
from ansible_collections.mediastack.core.plugins.plugin_utils.render.stack import MissingSecretError
from ansible_collections.mediastack.core.plugins.plugin_utils.render.versions import abilities_of

DIGEST = "sha256:" + "a" * 64
OTHER_DIGEST = "sha256:" + "b" * 64


@pytest.fixture
def stack() -> dict[str, Any]:
    return example_stack()


def compose_texts(result: dict[str, Any]) -> dict[str, str]:
    return {f["path"]: f["content"] for f in result["files"] if f["path"].startswith("/opt/mediastack/compose/")}


@pytest.mark.parametrize("name", sorted(example_stack()["instances"]))
def test_every_container_is_named_labelled_bounded_and_confined(stack: dict[str, Any], name: str) -> None:
    service = service_of(stack, name)
    instance = stack["instances"][name]
    assert service["container_name"] == instance["container"]
    assert service["labels"]["mediastack.managed"] == "true"
    assert service["labels"]["mediastack.instance"] == name
    assert len(service["labels"]["mediastack.spec"]) == 64
    assert service["restart"] == "unless-stopped"
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    assert service["mem_limit"] > 0
    assert service["pids_limit"] > 0
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert all(volume["bind"] == {"create_host_path": False} for volume in service.get("volumes", []))
    assert bool(service.get("read_only")) == instance["hardening"]["read_only"]


def test_a_read_only_container_can_write_to_tmp(stack: dict[str, Any]) -> None:
    stack["instances"]["radarr"]["hardening"] |= {"read_only": True, "tmpfs": ["/run"]}
    service = service_of(stack, "radarr")
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/run", "/tmp:mode=1777"]


def test_a_member_shares_its_gateway_and_publishes_through_it(stack: dict[str, Any]) -> None:
    port = stack["instances"]["qbittorrent"]["ports"][0]
    port["publish"] = {"address": "192.0.2.10", "port": 18080}
    member, gateway = service_of(stack, "qbittorrent"), service_of(stack, "gluetun")
    assert member["network_mode"] == "service:gluetun"
    assert not {"networks", "ports", "hostname"} & set(member)
    assert member["depends_on"] == {"gluetun": {"condition": "service_healthy"}}
    assert gateway["ports"] == [
        {"target": 8080, "published": "18080", "protocol": "tcp", "host_ip": "192.0.2.10", "mode": "host"}
    ]


def test_a_member_of_another_project_names_the_container(stack: dict[str, Any]) -> None:
    split = copy.deepcopy(stack)
    project = split["projects"][0]
    project["instances"].remove("gluetun")
    split["projects"].append(
        {"name": "vpn", "directory": "/opt/mediastack/compose/vpn", "files": ["compose.yml"], "instances": ["gluetun"]}
    )
    split["instances"]["gluetun"]["project"] = "vpn"
    member = service_of(split, "qbittorrent")
    assert member["network_mode"] == "container:gluetun"
    assert "depends_on" not in member
    result = rendered(split)
    assert [project["name"] for project in result["projects"]] == ["vpn", "mediastack"], "gateways come first"
    assert result["projects"][1]["services"]["qbittorrent"]["gateway"] == "gluetun"


@pytest.mark.parametrize(
    ("engine", "compose", "told"),
    [
        (None, None, False),
        ("", "", False),
        ("20.10.24+dfsg1", None, False),
        ("27.5.1", "2.33.1", False),
        ("28.0.0", None, False),
        ("28.0.0", "2.26.1", False),
        ("28.0.0", "v2.33.1", True),
        ("29.1.0", "5.0.0", True),
    ],
)
def test_what_can_be_told_gets_the_way_out(
    stack: dict[str, Any], engine: str | None, compose: str | None, told: bool
) -> None:
    networks = service_of(stack, "gluetun", abilities=abilities_of(engine, compose))["networks"]
    assert ("gw_priority" in networks["egress_gluetun"]) == told
    assert "gw_priority" not in networks["zone_apps"]
    assert networks["zone_apps"]["ipv4_address"] == "172.31.240.114"


def test_a_gateway_never_asks_the_hosts_resolver(stack: dict[str, Any]) -> None:
    assert service_of(stack, "gluetun")["dns"] == ["127.0.0.2"]
    assert "dns" not in service_of(stack, "radarr")


def test_networks_are_external_and_only_those_in_use(stack: dict[str, Any]) -> None:
    (text,) = compose_texts(rendered(stack)).values()
    assert yaml.safe_load(text)["networks"] == {
        "egress_gluetun": {"name": "mediastack_egress_gluetun", "external": True},
        "zone_apps": {"name": "mediastack_zone_apps", "external": True},
        "zone_socket": {"name": "mediastack_zone_socket", "external": True},
    }


def test_a_job_waits_to_be_asked(stack: dict[str, Any]) -> None:
    stack["instances"]["flaresolverr"]["workload"] = "manual"
    service = service_of(stack, "flaresolverr")
    assert service["profiles"] == ["jobs"]
    assert service["restart"] == "no"


def test_layers_are_files_of_one_project(stack: dict[str, Any]) -> None:
    layers = sorted({instance["layer"] for instance in stack["instances"].values()})
    stack["projects"][0]["files"] = [f"compose.{layer}.yml" for layer in layers]
    texts = compose_texts(rendered(stack))
    contents = {path.rsplit("/", 1)[1]: yaml.safe_load(text) for path, text in texts.items()}
    assert set(contents) == {f"compose.{layer}.yml" for layer in layers}
    for file, content in contents.items():
        assert content["name"] == "mediastack"
        for name, service in content["services"].items():
            assert f"compose.{stack['instances'][name]['layer']}.yml" == file
            assert set(service.get("networks", {})) <= set(content.get("networks", {}))
            assert {s["source"] for s in service.get("secrets", [])} <= set(content.get("secrets", {}))


def test_host_network_and_owner_overrides(stack: dict[str, Any]) -> None:
    radarr = stack["instances"]["radarr"]
    radarr["network"] = {"mode": "host", "attachments": []}
    radarr["compose"] = {"mem_limit": None, "logging": {"driver": "journald"}, "init": True}
    radarr["labels"] = {"mediastack.managed": "false", "own": "1"}
    service = service_of(stack, "radarr")
    assert service["network_mode"] == "host"
    assert not {"networks", "ports", "mem_limit"} & set(service)
    assert service["init"] is True
    assert service["logging"]["driver"] == "journald"
    assert service["labels"]["mediastack.managed"] == "true", "our labels are not the owner's to change"
    assert service["labels"]["own"] == "1"


def test_an_owner_who_replaces_labels_cannot_take_ours_away(stack: dict[str, Any]) -> None:
    for labels in ({"mediastack.managed": None, "x": "y"}, ["x=y", "mediastack.instance=other"], None):
        stack["instances"]["radarr"]["compose"] = {"labels": labels, "environment": ["A=b=c"], "container_name": "z"}
        service = service_of(stack, "radarr")
        assert service["labels"]["mediastack.managed"] == "true"
        assert service["labels"]["mediastack.instance"] == "radarr"
        assert service["labels"].get("x") == ("y" if labels else None)
        assert service["environment"]["A"] == "b=c"
        assert service["environment"]["PUID"] == "1900"
        assert service["container_name"] == "radarr"


def test_images_carry_the_digest_of_the_first_pull_and_the_owners_beats_it(stack: dict[str, Any]) -> None:
    reference = stack["instances"]["radarr"]["reference"]
    assert service_of(stack, "radarr")["image"] == reference
    assert service_of(stack, "radarr", digests={reference: DIGEST})["image"] == f"{reference}@{DIGEST}"
    assert service_of(stack, "radarr", digests={reference: None})["image"] == reference
    stack["instances"]["radarr"]["image"]["digest"] = OTHER_DIGEST
    assert service_of(stack, "radarr", digests={reference: DIGEST})["image"] == f"{reference}@{OTHER_DIGEST}"


def test_secrets_are_files_and_nowhere_in_readable_text(stack: dict[str, Any]) -> None:
    result = rendered(stack)
    for file in result["files"]:
        assert "sentinel" not in file.get("content", ""), file["path"]
    assert "sentinel" not in json.dumps(result["projects"])
    service = service_of(stack, "radarr")
    assert service["secrets"] == [{"source": "radarr_api_key", "target": "/run/secrets/api_key"}]
    assert service["environment"]["FILE__RADARR__AUTH__APIKEY"] == "/run/secrets/api_key"


def test_rendering_is_stable_whatever_the_order_of_the_input(stack: dict[str, Any]) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            keys = list(value)
            random.Random(7).shuffle(keys)  # noqa: S311  # an order, not a secret
            return {key: shuffled(value[key]) for key in keys}
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    assert rendered(shuffled(stack)) == rendered(stack)


def test_a_missing_secret_is_named(stack: dict[str, Any]) -> None:
    known = example_secrets(stack)
    del known["radarr"]["api_key"]
    with pytest.raises(MissingSecretError, match=r"radarr\.api_key"):
        rendered(stack, secrets=known)


class TestSpec:
    """What must restart a container changes its fingerprint; what must not does not."""

    def test_secret_and_managed_file_count(self, stack: dict[str, Any]) -> None:
        other = example_secrets(stack)
        other["radarr"]["api_key"] = "another"
        assert spec(stack, "radarr", secrets=other) != spec(stack, "radarr")
        assert spec(stack, "sonarr", secrets=other) == spec(stack, "sonarr")
        other["gluetun"]["control_api_key"] = "another"
        assert spec(stack, "gluetun", secrets=other) != spec(stack, "gluetun"), "config.toml is managed"
        changed = copy.deepcopy(stack)
        changed["routes"].pop()
        assert spec(changed, "caddy") != spec(stack, "caddy"), "the Caddyfile is managed"

    def test_seed_and_unmounted_secret_do_not(self, stack: dict[str, Any]) -> None:
        other = example_secrets(stack)
        other["qbittorrent"]["web_password"] = "another"
        other["seerr"]["api_key"] = "another"
        assert spec(stack, "qbittorrent", secrets=other) == spec(stack, "qbittorrent")
        assert spec(stack, "seerr", secrets=other) == spec(stack, "seerr")

    def test_order_of_start_does_not(self, stack: dict[str, Any]) -> None:
        changed = copy.deepcopy(stack)
        changed["instances"]["seerr"]["depends_on"] = []
        assert spec(changed, "seerr") == spec(stack, "seerr")
        assert "depends_on" in service_of(stack, "seerr")

    def test_service_gateway_and_digest(self, stack: dict[str, Any]) -> None:
        changed = copy.deepcopy(stack)
        changed["instances"]["gluetun"]["environment"]["TZ"] = "Etc/UTC"
        assert spec(changed, "gluetun") != spec(stack, "gluetun")
        assert spec(changed, "qbittorrent") == spec(stack, "qbittorrent"), "compose finds stranded members itself"
        digests = {stack["instances"]["radarr"]["reference"]: DIGEST}
        assert spec(stack, "radarr", digests=digests) != spec(stack, "radarr")

    def test_the_key_counts(self, stack: dict[str, Any]) -> None:
        other = example_secrets(stack)
        other["mediastack"]["hash_key"] = "another"
        assert spec(stack, "radarr", secrets=other) != spec(stack, "radarr")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_what_is_dumped_reads_back_once_compose_has_undoubled_dollars(content: dict[str, Any]) -> None:
    def undoubled(value: Any) -> Any:
        if isinstance(value, str):
            assert value.count("$") % 2 == 0
            return value.replace("$$", "$")
        if isinstance(value, dict):
            return {key: undoubled(inner) for key, inner in value.items()}
        return [undoubled(inner) for inner in value] if isinstance(value, list) else value

    text = dump(content)
    assert undoubled(yaml.safe_load(text)) == content
    assert text == dump(dict(reversed(list(content.items()))))


@pytest.mark.parametrize(
    ("text", "size"),
    [("1GiB", 2**30), ("512MiB", 2**29), ("1g", 2**30), ("64k", 65536), ("1.5 GB", 3 * 2**29), (1024, 1024)],
)
def test_sizes(text: str | int, size: int) -> None:
    assert size_in_bytes(text) == size


@pytest.mark.parametrize("text", ["", "much", "1 XB", "-1g", "GiB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        size_in_bytes(text)


def test_merge_keeps_its_input() -> None:
    base = {"a": {"b": 1, "c": 2}, "d": [1]}
    assert deep_merge(base, {"a": {"b": None, "e": 3}, "d": [2]}) == {"a": {"c": 2, "e": 3}, "d": [2]}
    assert base == {"a": {"b": 1, "c": 2}, "d": [1]}


@pytest.mark.parametrize(
    ("engine", "compose", "sooner"),
    [("25.0.0", "2.20.2", True), ("24.0.9", "2.40.3", False), ("26.1.5+dfsg1", "2.19.0", False), (None, None, False)],
)
def test_a_starting_container_is_asked_sooner_where_the_engine_can(
    stack: dict[str, Any], engine: str | None, compose: str | None, sooner: bool
) -> None:
    check = service_of(stack, "radarr", abilities=abilities_of(engine, compose))["healthcheck"]
    assert ("start_interval" in check) is sooner
