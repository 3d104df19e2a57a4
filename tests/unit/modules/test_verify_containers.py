"""container, namespace, stack_equal: what Docker says, and what the kernel says."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest
from tests.unit.modules.verify_doubles import container, context, namespace_of, process
from tests.unit.waiting import until

from ansible_collections.mediastack.core.plugins.module_utils.checks.containers import (
    container as running_check,
)
from ansible_collections.mediastack.core.plugins.module_utils.checks.containers import (
    namespace,
    stack_equal,
)
from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import Context, Failed

CHECK = {"container": "radarr", "health": True}


def test_healthy_passes() -> None:
    assert running_check(CHECK, context(container("radarr", health="healthy"))) == "running, healthy"


def test_running_is_enough_without_a_health_check() -> None:
    assert running_check({**CHECK, "health": False}, context(container("radarr"))) == "running"


@pytest.mark.parametrize(
    ("state", "evidence"),
    [
        ({"health": "starting"}, "running, starting"),
        ({"health": "unhealthy"}, "running, unhealthy"),
        ({}, "without the health check"),
        ({"status": "exited", "pid": 0}, "radarr is exited"),
        ({"status": "restarting", "pid": 0}, "radarr is restarting"),
        ({"status": "paused", "health": "healthy"}, "radarr is paused"),
    ],
)
def test_anything_else_fails(state: dict[str, Any], evidence: str) -> None:
    with pytest.raises(Failed, match=evidence):
        running_check(CHECK, context(container("radarr", **state)))


def test_a_container_that_is_not_there_fails() -> None:
    with pytest.raises(Failed, match="there is no container radarr"):
        running_check(CHECK, context())


def test_without_an_engine_the_reason_is_the_evidence() -> None:
    with pytest.raises(Failed, match="the engine is gone"):
        running_check(CHECK, Context("the engine is gone"))


SHARED = {"member": "qbittorrent", "gateway": "gluetun"}


def test_one_namespace_passes_with_both_inodes() -> None:
    with process("sleep", "30") as member, process("sleep", "30") as gateway:
        seen = context(container("qbittorrent", pid=member), container("gluetun", pid=gateway))
        inode = namespace_of(member)
        assert namespace(SHARED, seen) == f"{inode} = {inode}"


@pytest.mark.skipif(os.geteuid() != 0, reason="a namespace of its own needs root")
def test_a_stranded_member_fails_although_docker_calls_it_running() -> None:
    unshare = shutil.which("unshare") or "unshare"
    with process(unshare, "-n", "sleep", "30") as member, process("sleep", "30") as gateway:
        until(lambda: namespace_of(member) != namespace_of(gateway))
        seen = context(container("qbittorrent", pid=member), container("gluetun", pid=gateway))
        with pytest.raises(Failed, match=r"net:\[\d+\] is not net:\[\d+\]"):
            namespace(SHARED, seen)


def test_a_process_that_ended_meanwhile_fails() -> None:
    with process("true") as ended:
        pass
    seen = context(container("qbittorrent", pid=ended), container("gluetun", pid=ended))
    with pytest.raises(Failed, match="namespace of qbittorrent cannot be read"):
        namespace(SHARED, seen)


IMAGES = {"example/radarr:1": "sha256:one", "example/gluetun:1": "sha256:one"}


def expected(name: str, **more: Any) -> dict[str, Any]:
    wanted = {"instance": name, "runs": True, "container": name, "spec": "a" * 64, "image": f"example/{name}:1"}
    return {**wanted, "reference": wanted["image"], "digest": None, "gateway": None, **more}


def test_an_equal_stack_passes() -> None:
    check = {"instances": [expected("radarr"), expected("gluetun")]}
    foreign = container("somebody", managed=False)
    seen = context(container("radarr"), container("gluetun"), foreign, images=IMAGES)
    assert stack_equal(check, seen) == "2 containers as resolved, none besides"


def test_the_container_of_a_job_need_not_run() -> None:
    check = {"instances": [expected("radarr", runs=False)]}
    stack_equal(check, context(container("radarr", status="exited"), images=IMAGES))
    with pytest.raises(Failed, match="radarr: no container"):
        stack_equal(check, context(images=IMAGES))


def test_a_member_must_be_attached_to_the_gateways_current_container() -> None:
    gateway = container("gluetun", id="b" * 64)
    check = {"instances": [expected("radarr", gateway="gluetun")]}
    managed_elsewhere = container("gluetun", id="b" * 64, managed=False)
    for mode, holds in ((f"container:{'b' * 64}", True), (f"container:{'c' * 64}", False), ("bridge", False)):
        seen = context(container("radarr", network_mode=mode), managed_elsewhere, images=IMAGES)
        if holds:
            stack_equal(check, seen)
        else:
            with pytest.raises(Failed, match="not attached to the current container of gluetun"):
                stack_equal(check, seen)
    assert gateway.managed


@pytest.mark.parametrize(
    ("seen", "evidence"),
    [
        ([container("radarr", spec="b" * 64)], "radarr: specification bbbbbbbbbbbb instead of aaaaaaaaaaaa"),
        ([container("radarr", image="sha256:two")], r"radarr: image two instead of one \(example/radarr:1\)"),
        ([container("radarr", status="exited")], "radarr: exited"),
        ([container("radarr", managed=False)], "radarr: not labelled as ours"),
        ([], "radarr: no container"),
        ([container("radarr"), container("old")], "old: ours, but not in the stack"),
        ([container("radarr"), container("old", status="exited")], "old: ours, but not in the stack"),
    ],
)
def test_each_difference_is_told(seen: list[Any], evidence: str) -> None:
    with pytest.raises(Failed, match=evidence):
        stack_equal({"instances": [expected("radarr")]}, context(*seen, images=IMAGES))


def test_an_image_that_is_gone_is_judged_by_what_the_container_was_made_from() -> None:
    check = {"instances": [expected("radarr")]}
    stack_equal(check, context(container("radarr")))
    with pytest.raises(Failed, match="made from example/radarr:0 instead of example/radarr:1"):
        stack_equal(check, context(container("radarr", made_from="example/radarr:0")))


def test_all_differences_are_told_at_once() -> None:
    check = {"instances": [expected("radarr"), expected("gluetun")]}
    with pytest.raises(Failed) as caught:
        stack_equal(check, context(container("radarr", spec="x", status="exited"), container("old"), images=IMAGES))
    assert str(caught.value).count(";") == 2
