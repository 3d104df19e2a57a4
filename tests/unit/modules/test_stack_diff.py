"""What has to happen to containers and networks: one case per kind of drift, in stack_diff_cases.json.

A case starts from a stack that is as wanted (a gateway, its member, an application, a job) and changes one thing.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mediastack.core.plugins.module_utils.stack_diff import (
    RefusalError,
    View,
    describe,
    diff,
    stamp,
    start_order,
    with_members,
)

CASES: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("stack_diff_cases.json").read_text())
REGISTRY = "registry.example:5000/a"


def service(name: str, **more: Any) -> dict[str, Any]:
    plain = {"container": name, "reference": f"{REGISTRY}/{name}:1", "digest": None, "spec": f"spec-{name}"}
    return {**plain, "gateway": None, "workload": "service", "networks": ["net"], **more}


def container(name: str, **more: Any) -> dict[str, Any]:
    labels = {"mediastack.managed": "true", "mediastack.instance": name, "mediastack.spec": f"spec-{name}"}
    plain = {
        "id": f"id-{name}",
        "name": name,
        "state": "running",
        "health": None,
        "exit_code": 0,
        "image": f"{REGISTRY}/{name}:1",
        "image_id": f"sha256:{name}",
        "labels": {**labels, "com.docker.compose.project": "stack", "com.docker.compose.service": name},
        "started_at": "2026-01-01T00:01:00Z",
        "network_mode": "net",
        "networks": ["net"],
        "restarts": 0,
        "restart_policy": "unless-stopped",
    }
    return {**plain, **more}


def world(case: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The wanted and the actual side of a case."""
    services = {
        "gw": service("gw"),
        "member": service("member", gateway="gw", networks=[]),
        "app": service("app"),
        "job": service("job", workload="scheduled"),
    }
    for key in ("spec", "reference", "digest"):
        for name, value in case.get(key, {}).items():
            services[name][key] = value
    network = {"name": "net", "subnet": case.get("subnet", "198.18.0.0/24"), "internal": case.get("internal", False)}
    network["bridge"] = case.get("bridge", "")
    wanted = {"projects": [{"name": "stack", "services": services}], "networks": [network]}
    if "actual" in case:
        return wanted, {}
    containers = {
        "gw": container("gw"),
        "member": container("member", network_mode="container:id-gw", networks=[], started_at="2026-01-01T00:02:00Z"),
        "app": container("app"),
        "job": container("job", state="created"),
    }
    for name in case.get("drop", []):
        del containers[name]
    for name, values in case.get("set", {}).items():
        containers[name].update(values)
    for name, labels in case.get("label", {}).items():
        containers[name]["labels"].update(labels)
    extra = [{**container(item["name"]), **item} for item in case.get("add", [])]
    net = {"name": "net", "subnets": ["198.18.0.0/24"], "labels": {"mediastack.managed": "true"}, "internal": False}
    net["bridge"] = case.get("present_bridge", "")
    net = {**net, "containers": case.get("network_users", ["gw", "app"])}
    net["labels"] = case.get("network_labels", net["labels"])
    networks = [] if "net" in case.get("drop_networks", []) else [net]
    networks += [{"internal": False, "containers": [], **item} for item in case.get("add_networks", [])]
    images = {f"{REGISTRY}/{name}:1": f"sha256:{name}" for name in services}
    actual = {"containers": [*containers.values(), *extra], "networks": networks}
    return wanted, {**actual, "images": case.get("images", images)}


def lines(changes: list[dict[str, Any]], expected: list[str]) -> list[str]:
    """The changes as the cases write them; without the reason where the case leaves it out."""
    found = []
    for index, item in enumerate(changes):
        name = f"network {item['network']}" if item["network"] else item["instance"]
        reason = f": {item['reason']}" if index >= len(expected) or ":" in expected[index] else ""
        found.append(f"{name} {item['action']}{reason}")
    return found


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    case = CASES[name]
    wanted, actual = world(case)
    before = copy.deepcopy((wanted, actual))
    if "refusal" in case:
        with pytest.raises(RefusalError, match=case["refusal"]):
            diff(wanted, actual)
    else:
        changes = diff(wanted, actual)
        assert lines(changes, case["expect"]) == case["expect"]
        shown = describe(View(wanted, actual, "mediastack"), changes)
        assert len(shown) == len(changes)
        assert all(entry["before"] != entry["after"] or "recreate" in entry["before_header"] for entry in shown)
    assert (wanted, actual) == before, "the comparison is pure"


def test_every_refusal_is_told_at_once() -> None:
    wanted, actual = world({"label": {"app": {"mediastack.managed": None}}, "network_labels": {}})
    with pytest.raises(RefusalError) as caught:
        diff(wanted, actual)
    assert len(str(caught.value).splitlines()) == 2


def test_another_prefix_is_another_stack() -> None:
    wanted, actual = world({})
    with pytest.raises(RefusalError):
        diff(wanted, actual, "otherstack")


def test_members_follow_through_projects() -> None:
    wanted, actual = world({"spec": {"gw": "new"}})
    services = wanted["projects"][0]["services"]
    member = services.pop("member")
    wanted["projects"].append({"name": "second", "services": {"member": member}})
    actual["containers"][1]["labels"]["com.docker.compose.project"] = "second"
    assert [item["instance"] for item in diff(wanted, actual)] == ["gw", "member"]


def test_order_and_membership() -> None:
    view = View(*world({}), "mediastack")
    assert start_order(view, ["app", "member", "gw"]) == ["app", "gw", "member"]
    assert with_members(view, ["gw"]) == ["gw", "member"]


@pytest.mark.parametrize(
    ("early", "late"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.1Z"),
        ("2026-01-01T00:00:00.09Z", "2026-01-01T00:00:00.1Z"),
        ("2026-01-01T00:00:00.999999999Z", "2026-01-01T00:00:01Z"),
        ("0001-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
    ],
)
def test_moments_compare(early: str, late: str) -> None:
    assert stamp(early) < stamp(late)
