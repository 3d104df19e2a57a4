"""Stop, start, restart, remove: planned from the containers alone."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mediastack.core.plugins.module_utils.compose_verbs import (
    VerbError,
    networks_to_remove,
    ours,
    plan,
    select,
)


def box(name: str, state: str = "running", **more: Any) -> dict[str, Any]:
    labels = {"mediastack.managed": "true", "mediastack.instance": name}
    plain = {"id": f"id-{name}", "name": name, "state": state, "labels": labels, "network_mode": "net"}
    return {**plain, "started_at": "2026-01-01T00:01:00Z", "restart_policy": "unless-stopped", **more}


def stack(gw: str = "running", member: str = "running", app: str = "running", **gateway: Any) -> list[dict[str, Any]]:
    later = "2026-01-01T00:02:00Z"
    boxes = [
        box("member", member, network_mode="container:id-gw", started_at=later),
        box("gw", gw, **gateway),
        box("app", app),
        box("job", "created", restart_policy="no"),
        box("foreign", labels={}),
    ]
    return ours(boxes, "mediastack")


def brief(verb: str, found: list[dict[str, Any]], *instances: str) -> list[str]:
    return [f"{item['action']} {item['instance']}" for item in plan(verb, found, instances)]


def test_foreign_containers_are_not_ours() -> None:
    assert [item["name"] for item in stack()] == ["member", "gw", "app", "job"]


def test_members_stop_before_their_gateway() -> None:
    assert brief("stopped", stack()) == ["stop app", "stop member", "stop gw"]
    assert brief("stopped", stack(), "gw") == ["stop member", "stop gw"]
    assert brief("stopped", stack(), "member") == ["stop member"]
    assert brief("stopped", stack("exited", "exited", "exited")) == []


def test_gateways_start_before_their_members_and_jobs_only_by_name() -> None:
    assert brief("started", stack("exited", "exited", "exited")) == ["start gw", "start app", "start member"]
    assert brief("started", stack("exited", "exited"), "member") == ["start gw", "start member"]
    assert brief("started", stack(), "job") == ["start job"]
    assert brief("started", stack()) == []


def test_a_member_is_restarted_when_its_gateway_starts_after_it() -> None:
    assert brief("started", stack("exited"), "gw") == ["start gw", "restart member"]
    assert brief("started", stack(started_at="2026-01-01T00:03:00Z")) == ["restart member"]


def test_restart_takes_members_along() -> None:
    assert brief("restarted", stack(), "gw") == ["restart gw", "restart member"]
    assert brief("restarted", stack(), "app") == ["restart app"]
    assert brief("restarted", stack(app="exited")) == ["restart gw", "restart member"]


def test_remove_takes_all_states_and_only_stops_members() -> None:
    assert brief("removed", stack(app="exited")) == ["remove app", "remove job", "remove member", "remove gw"]
    assert brief("removed", stack(), "gw") == ["stop member", "remove gw"]


def test_a_stranded_member_cannot_start() -> None:
    found = ours([box("member", "exited", network_mode="container:gone")], "mediastack")
    with pytest.raises(VerbError, match="`apply` mends that"):
        plan("started", found, [])


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(VerbError, match=r"not deployed here: radar\. Deployed: app, gw, job, member"):
        plan("stopped", stack(), ["radar"])


@pytest.mark.parametrize("verb", ["started", "stopped", "restarted"])
def test_a_mistyped_name_is_answered_with_the_nearest(verb: str) -> None:
    found = ours([box("sonarr"), box("radarr")], "mediastack")
    said = r"^not deployed here: sonar\. Did you mean 'sonarr'\? Deployed: radarr, sonarr$"
    with pytest.raises(VerbError, match=said):
        plan(verb, found, ["sonar"])
    with pytest.raises(VerbError, match=r"Did you mean 'radarr'\? Did you mean 'sonarr'\? Deployed"):
        select(found, ["sonar", "radar"])


def test_only_our_networks_go() -> None:
    networks = [{"name": "a", "labels": {"mediastack.managed": "true"}}, {"name": "bridge", "labels": {}}]
    assert networks_to_remove(networks, "mediastack") == ["a"]
