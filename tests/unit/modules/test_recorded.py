"""A plan while the engine is down compares with the record: as applied, nothing; else exactly what differs."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.mediastack.core.plugins.module_utils import generations, host_docker, recorded
from ansible_collections.mediastack.core.plugins.module_utils.image_pull import Wanted
from ansible_collections.mediastack.core.plugins.module_utils.stack_diff import diff
from ansible_collections.mediastack.core.plugins.modules import images


def service(name: str, **more: Any) -> dict[str, Any]:
    plain = {"container": name, "reference": f"r/{name}:1", "digest": "sha256:1", "spec": f"spec-{name}"}
    return {**plain, "gateway": None, "workload": "service", "networks": ["net"], **more}


SERVICES = {
    "gw": service("gw"),
    "member": service("member", gateway="gw", networks=[]),
    "app": service("app", networks=["net", "inner"]),
    "job": service("job", workload="scheduled"),
}
NETWORKS = [
    {"key": "n", "name": "net", "subnet": "198.18.0.0/24", "internal": False, "gateway": "198.18.0.1"},
    {"key": "i", "name": "inner", "subnet": "198.18.1.0/24", "internal": True, "gateway": "198.18.1.1"},
]
RECORD = {
    "stack": {"networks": NETWORKS},
    "services": {name: {**one, "project": "stack"} for name, one in SERVICES.items()},
}


def wanted() -> dict[str, Any]:
    return copy.deepcopy({"projects": [{"name": "stack", "services": SERVICES}], "networks": NETWORKS})


def changes(side: dict[str, Any]) -> list[tuple[str, str]]:
    actual = recorded.containers_and_networks(RECORD, "mediastack")
    return [(item["instance"] or item["network"], item["action"]) for item in diff(side, actual)]


def test_what_was_applied_comes_back() -> None:
    assert changes(wanted()) == []


def test_what_differs_from_the_record_is_named() -> None:
    side = wanted()
    services = side["projects"][0]["services"]
    services["gw"]["spec"] = "another"
    services["new"] = service("new")
    del services["app"]
    side["networks"][1]["internal"] = False
    assert changes(side) == [
        ("app", "remove"),
        ("inner", "recreate"),
        ("gw", "recreate"),
        ("member", "recreate"),
        ("new", "create"),
    ]


def test_another_project_is_a_move() -> None:
    side = wanted()
    side["projects"][0]["name"] = "other"
    assert {action for _, action in changes(side)} == {"recreate"}


@pytest.mark.parametrize("record", [None, {}, {"stack": RECORD["stack"], "digests": {}}])
def test_without_a_record_of_services_all_is_new(record: dict[str, Any] | None) -> None:
    assert recorded.containers_and_networks(record, "x") == {"containers": [], "networks": [], "images": {}}
    assert recorded.images(record) == set()


def test_images_of_the_record_are_here_only_if_an_engine_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = [Wanted("r/app:1", "sha256:1"), Wanted("r/app:2", "sha256:1"), Wanted("r/gw:1", "sha256:2")]
    monkeypatch.setattr(generations, "current", lambda _: RECORD)
    monkeypatch.setattr(host_docker, "has_engine", lambda: True)
    assert images.known(asked, "/state") == {"r/app:1": {"digest": "sha256:1", "arch": ""}}
    monkeypatch.setattr(host_docker, "has_engine", lambda: False)
    assert images.known(asked, "/state") == {}
