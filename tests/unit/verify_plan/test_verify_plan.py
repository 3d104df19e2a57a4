"""The checks that prove a stack: complete, addressed right, free of secrets."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.unit.hardening.support import choice, facts
from tests.unit.render.support import example_secrets, example_stack, rendered

from ansible_collections.mediastack.core.plugins.plugin_utils.hardening import plan as planner
from ansible_collections.mediastack.core.plugins.plugin_utils.verify_plan import build

FIELDS = {
    "container": {"container", "health"},
    "api": {"url", "method", "path", "expect_status", "auth", "refuse_path", "refuse_status", "by_hand"},
    "namespace": {"member", "gateway"},
    "hardlink": {"writer", "reader", "downloads", "library", "may_copy"},
    "ports": {"declared", "containers"},
    "stack_equal": {"instances"},
    "https": {"name", "scheme", "address", "port", "ca", "path", "expect_status"},
    "storage": {"downloads", "library"},
    "confined": {
        *("container", "capabilities", "no_new_privileges", "read_only", "because", "devices"),
        *("host_network", "engine_socket"),
    },
    "limits": {"instances", "known"},
    "hardened": {"traces", "commands"},
    "items": {"problems", "warnings", "evidence"},
}
COMMON = {"id", "kind", "group", "title", "remedy", "severity", "instance"}


@pytest.fixture
def stack() -> dict[str, Any]:
    return example_stack()


def plan(stack: dict[str, Any]) -> dict[str, Any]:
    chosen = choice()
    found = facts(chosen)
    hardened = {"choice": chosen, "planned": planner.plan(chosen, found), "facts": found}
    return build(stack, example_secrets(stack), rendered(stack)["projects"], hardened)


def by_id(stack: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {check["id"]: check for check in plan(stack)["checks"]}


def test_every_check_has_the_agreed_fields(stack: dict[str, Any]) -> None:
    checks = plan(stack)["checks"]
    assert {check["kind"] for check in checks} == set(FIELDS)
    assert len({check["id"] for check in checks}) == len(checks)
    for check in checks:
        assert set(check) == COMMON | FIELDS[check["kind"]], check["id"]
        assert check["id"].startswith(check["kind"] + ".")
        assert check["severity"] in ("fail", "warn")
        assert check["title"]
        assert check["remedy"]


def test_secrets_travel_apart(stack: dict[str, Any]) -> None:
    result = plan(stack)
    assert "sentinel" not in json.dumps(result["checks"])
    named = set(re.findall(r'"secret": "([^"]+)"', json.dumps(result["checks"])))
    assert named == set(result["secrets"])
    assert result["secrets"]["radarr/api_key"] == "sentinel-radarr-api_key"


def test_a_secret_without_value_is_an_error(stack: dict[str, Any]) -> None:
    secrets = example_secrets(stack)
    del secrets["sonarr"]["api_key"]
    with pytest.raises(ValueError, match=r"api\.sonarr needs mediastack_secrets\.sonarr\.api_key"):
        build(stack, secrets, rendered(stack)["projects"])


def test_every_container_and_every_api(stack: dict[str, Any]) -> None:
    checks = by_id(stack)
    for name in stack["instances"]:
        assert f"container.{name}" in checks
    with_api = {name for name, instance in stack["instances"].items() if instance["api"] not in (None, "caddy")}
    assert {check[4:] for check in checks if check.startswith("api.")} == with_api
    radarr = checks["api.radarr"]
    assert radarr["url"] == "http://172.31.240.88:7878"
    assert radarr["auth"] == {
        "kind": "header",
        "header": "X-Api-Key",
        "format": "{secret}",
        "secret": "radarr/api_key",
    }
    assert radarr["refuse_status"] == [401, 403]
    assert checks["api.qbittorrent"]["url"] == "http://172.31.240.114:8080", "at its gateway, on the zone's side"
    assert checks["api.gluetun"]["url"] == "http://172.31.240.114:8000"


def test_only_overseerr_is_set_up_by_hand(stack: dict[str, Any]) -> None:
    assert {check["by_hand"] for check in plan(stack)["checks"] if check["kind"] == "api"} == {None}
    stack["instances"]["seerr"]["service"] = "overseerr"
    check = by_id(stack)["api.seerr"]
    assert check["by_hand"] == {"path": "/api/v1/settings/public", "field": "initialized", "task": "sign in with Plex"}
    assert check["severity"] == "fail", "once it is set up"
    assert check["remedy"].startswith("open it and sign in with Plex; ")


def test_an_instance_on_the_hosts_network_is_on_loopback(stack: dict[str, Any]) -> None:
    stack["instances"]["jellyfin"]["network"] = {"mode": "host", "attachments": []}
    checks = by_id(stack)
    assert checks["api.jellyfin"]["url"] == "http://127.0.0.1:8096"
    assert {"instance": "jellyfin", "port": 8096, "protocol": "tcp", "address": "0.0.0.0"} in checks["ports.declared"][
        "declared"
    ]


def test_members_share_their_gateways_namespace(stack: dict[str, Any]) -> None:
    checks = [check for check in plan(stack)["checks"] if check["kind"] == "namespace"]
    assert [(check["member"], check["gateway"]) for check in checks] == [("qbittorrent", "gluetun")]


def test_hardlinks_of_every_pair_as_each_container_sees_it(stack: dict[str, Any]) -> None:
    for volume in stack["instances"]["radarr-4k"]["volumes"]:
        if volume["name"] == "media":
            volume["target"] = "/data"
    checks = by_id(stack)
    links = sorted(check for check in checks if check.startswith("hardlink."))
    assert links == [f"hardlink.qbittorrent.{name}" for name in ("radarr", "radarr-4k", "sonarr")]
    check = checks["hardlink.qbittorrent.radarr-4k"]
    assert check["writer"] == {
        "container": "qbittorrent",
        "uid": 1900,
        "gid": 1900,
        "directory": "/media/downloads/torrents/radarr-4k",
    }
    assert check["reader"]["source"] == "/data/downloads/torrents/radarr-4k"
    assert check["reader"]["target"] == "/data/library/movies-4k"
    assert check["downloads"] == "/srv/media/downloads/torrents/radarr-4k"
    assert check["library"] == "/srv/media/library/movies-4k"


@pytest.mark.parametrize(("choice", "may_copy"), [("warn", True), ("fail", False)])
def test_the_owner_says_whether_imports_may_be_copies(stack: dict[str, Any], choice: str, may_copy: bool) -> None:
    stack["media"]["separate_filesystems"] = choice
    assert by_id(stack)["hardlink.qbittorrent.radarr"]["may_copy"] is may_copy


def test_ports_are_those_of_the_stack(stack: dict[str, Any]) -> None:
    check = by_id(stack)["ports.declared"]
    assert {(port["instance"], port["address"], port["port"]) for port in check["declared"]} == {
        ("caddy", "0.0.0.0", 80),
        ("caddy", "0.0.0.0", 443),
    }
    assert check["containers"] == sorted(stack["instances"])


def test_the_stack_is_compared_by_what_was_rendered(stack: dict[str, Any]) -> None:
    services = rendered(stack)["projects"][0]["services"]
    for entry in by_id(stack)["stack_equal.running"]["instances"]:
        assert entry["spec"] == services[entry["instance"]]["spec"]
        assert entry["image"] == services[entry["instance"]]["image"]


def test_jobs_need_not_run(stack: dict[str, Any]) -> None:
    stack["instances"]["flaresolverr"]["workload"] = "scheduled"
    checks = by_id(stack)
    assert "container.flaresolverr" not in checks
    assert "api.flaresolverr" not in checks
    assert "flaresolverr" not in checks["ports.declared"]["containers"]


def test_https_of_every_route(stack: dict[str, Any]) -> None:
    checks = by_id(stack)
    for route in stack["routes"]:
        check = checks[f"https.{route['host']}"]
        assert (check["scheme"], check["address"], check["port"]) == ("https", "127.0.0.1", 443)
        assert check["ca"] == "/opt/mediastack/config/caddy/data/caddy/pki/authorities/local/root.crt"


@pytest.mark.parametrize(
    ("edge", "expected"),
    [
        ({"tls": "acme"}, ("https", "127.0.0.1", 443, None)),
        ({"tls": "off"}, ("http", "127.0.0.1", 80, None)),
        ({"tls": "acme", "address": "192.0.2.10", "https_port": 8443}, ("https", "192.0.2.10", 8443, None)),
    ],
)
def test_other_edges(stack: dict[str, Any], edge: dict[str, Any], expected: tuple[Any, ...]) -> None:
    stack["edge"] |= edge
    check = by_id(stack)["https.radarr.home.example"]
    assert (check["scheme"], check["address"], check["port"], check["ca"]) == expected


def test_no_edge_no_names(stack: dict[str, Any]) -> None:
    stack["edge"] = {"proxy": None}
    assert not any(check.startswith("https.") for check in by_id(stack))


def test_separate_disks_warn_or_fail_as_the_owner_says(stack: dict[str, Any]) -> None:
    assert by_id(stack)["storage.media"]["severity"] == "warn"
    stack["media"]["separate_filesystems"] = "fail"
    assert by_id(stack)["storage.media"]["severity"] == "fail"
