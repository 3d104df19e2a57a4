"""When a run has nothing to pull or record, it does not ask the server to look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mediastack.core.plugins.filter.views import (
    all_pulled,
    in_place,
    kernel_drift,
    recorded,
    up_to_date,
)
from ansible_collections.mediastack.core.plugins.module_utils import host_system
from ansible_collections.mediastack.core.plugins.module_utils.files_plan import Ids, make_plan
from ansible_collections.mediastack.core.plugins.module_utils.safe_path import Directories

IMAGE = {"reference": "a/b:1", "digest": "sha256:11", "instances": ["b"]}
RECORD = {"stack": {"host": "x"}, "digests": {"a/b:1": "sha256:11"}, "files": {}, "services": {}}


def test_an_image_in_use_by_its_digest_is_there() -> None:
    assert all_pulled([IMAGE], [{"image": "a/b:1@sha256:11"}])


def test_an_image_without_a_digest_or_a_container_may_be_missing() -> None:
    assert not all_pulled([{**IMAGE, "digest": None}], [{"image": "a/b:1"}])
    assert not all_pulled([IMAGE], [{"image": "a/b:1@sha256:22"}])
    assert not all_pulled([IMAGE], [])


def test_a_record_counts_by_its_content() -> None:
    assert recorded(RECORD, {**RECORD, "id": "2026-11-21.1", "created": "then"})
    assert not recorded(RECORD, {**RECORD, "services": {"b": {}}})
    assert not recorded(RECORD, None)


TEXT = {"path": "/etc/x", "content": "hello\n", "owner": "root", "group": "0", "mode": "0644"}
FOUND = {
    "kind": "file",
    "uid": 0,
    "gid": 0,
    "owner": "root",
    "group": "root",
    "mode": "0644",
    "sha256": "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
}
FOLDER = {"path": "/srv/x", "owner": "1900", "mode": "2775"}


def test_what_is_as_wanted_is_in_place() -> None:
    folder = {**FOUND, "kind": "directory", "uid": 1900, "owner": "media", "mode": "2775", "sha256": None}
    assert in_place([TEXT, FOLDER], {"/etc/x": FOUND, "/srv/x": folder})
    assert in_place([], None)


@pytest.mark.parametrize(
    "differs",
    [{"kind": "missing"}, {"kind": "directory"}, {"owner": "media", "uid": 1900}, {"group": "g", "gid": 7},
     {"mode": "0600"}, {"sha256": "0"}, {"sha256": None}],
)  # fmt: skip
def test_what_differs_in_anything_is_not_in_place(differs: dict[str, Any]) -> None:
    assert not in_place([TEXT], {"/etc/x": {**FOUND, **differs}})


def test_what_was_not_looked_at_is_not_in_place() -> None:
    assert not in_place([TEXT], {})
    assert not in_place([TEXT], None)


def test_the_comparison_agrees_with_the_module_that_writes(tmp_path: Path) -> None:
    path, folder = tmp_path / "x", tmp_path / "folder"
    wanted = [{"path": str(path), "content": "hello\n", "mode": "0640"}, {"path": str(folder), "mode": "0750"}]
    looked = lambda: {item["path"]: host_system.describe_state(item["path"]) for item in wanted}  # noqa: E731
    assert not in_place(wanted, looked())
    path.write_text("hello\n")
    path.chmod(0o640)
    folder.mkdir(mode=0o750)
    assert in_place(wanted, looked())
    params = {"files": wanted[:1], "directories": wanted[1:], "absent": [], "roots": [], "secret_contents": {}}
    with Directories() as directories:
        assert not make_plan(params, Ids(may_be_missing=False), directories).changes
    path.chmod(0o600)
    assert not in_place(wanted, looked())


def test_kernel_settings_that_differ_are_settable_or_refused() -> None:
    found = {"a.b": {"value": "1", "reason": ""}, "c": {"value": "2", "reason": "it is read-only here"}}
    assert kernel_drift({"a.b": 1, "c": 2}, found) == {"settable": [], "refused": []}
    assert kernel_drift({"a.b": 3, "c": 3, "new": 1}, found) == {
        "settable": ["a.b", "new"],
        "refused": [{"name": "c", "reason": "it is read-only here"}],
    }


def running(**changes: Any) -> dict[str, Any]:
    """What the server says of one container that is as rendered."""
    container = {
        "id": "i1",
        "name": "b",
        "state": "running",
        "health": "healthy",
        "image": "a/b:1@sha256:11",
        "image_id": "sha256:aa",
        "labels": {
            "mediastack.managed": "true",
            "mediastack.instance": "b",
            "mediastack.spec": "s1",
            "com.docker.compose.project": "p",
        },
        "started_at": "2026-01-01T00:00:00Z",
        "network_mode": "bridge",
        "networks": ["net"],
        "stale": None,
    }
    return {**container, **changes}


NET = {
    "name": "net",
    "subnets": ["198.18.0.0/24"],
    "bridge": "ms-net",
    "internal": False,
    "labels": {"mediastack.managed": "true"},
    "containers": ["b"],
}
STACK = {
    "networks": [{"name": "net", "bridge": "ms-net", "subnet": "198.18.0.0/24", "internal": False, "gateway": None}]
}


def rendered(**changes: Any) -> dict[str, Any]:
    service = {
        "container": "b",
        "reference": "a/b:1",
        "digest": "sha256:11",
        "spec": "s1",
        "gateway": None,
        "workload": "service",
        "networks": ["net"],
    }
    return {"projects": [{"name": "p", "services": {"b": {**service, **changes}}}]}


def test_a_server_that_is_as_rendered_is_left_alone() -> None:
    assert up_to_date(rendered(), STACK, {"containers": [running()], "networks": [NET]})
    assert up_to_date(rendered(), STACK, {"containers": [running(health=None)], "networks": [NET]})


@pytest.mark.parametrize(
    "changes",
    [{"state": "exited"}, {"state": "paused"}, {"health": "unhealthy"}, {"health": "starting"}, {"name": "c"},
     {"image": "a/b:1"}, {"image": "a/b:1@sha256:22"}, {"networks": []}, {"stale": "/run/x.sock"},
     {"labels": {**running()["labels"], "mediastack.spec": "s0"}}, {"labels": {}}],
)  # fmt: skip
def test_a_container_that_differs_is_compared_on_the_server(changes: dict[str, Any]) -> None:
    assert not up_to_date(rendered(), STACK, {"containers": [running(**changes)], "networks": [NET]})


def test_networks_orphans_and_unknown_digests_are_compared_on_the_server() -> None:
    here = {"containers": [running()], "networks": [NET]}
    assert not up_to_date(rendered(digest=None), STACK, here)
    assert not up_to_date(rendered(spec="s2"), STACK, here)
    assert not up_to_date(rendered(), STACK, {**here, "networks": []})
    assert not up_to_date(rendered(), STACK, {**here, "networks": [{**NET, "internal": True}]})
    orphan = running(name="old", labels={**running()["labels"], "mediastack.instance": "old"})
    assert not up_to_date(rendered(), STACK, {**here, "containers": [running(), orphan]})
    assert not up_to_date(rendered(), STACK, {"containers": [], "networks": []})
