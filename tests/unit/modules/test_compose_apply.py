"""What `compose` asks of docker, in which order, and how it waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.unit.clock import Clock
from tests.unit.modules.docker_double import Recorder, listing, raw

from ansible_collections.mediastack.core.plugins.module_utils.compose_apply import (
    ApplyError,
    Options,
    apply,
    precheck,
    report_now,
    wait_healthy,
)
from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import Output, plain_container
from ansible_collections.mediastack.core.plugins.module_utils.stack_diff import View, change


def service(name: str, **more: Any) -> dict[str, Any]:
    plain = {"container": name, "reference": f"{name}:1", "digest": None, "spec": "s", "gateway": None}
    return {**plain, "workload": "service", **more}


def wanted(directory: str = "/opt/stack") -> dict[str, Any]:
    services = {
        "app": service("app"),
        "gw": service("gw"),
        "member": service("member", gateway="gw"),
        "job": service("job", workload="scheduled"),
    }
    project = {"name": "stack", "directory": directory, "files": ["compose.yml", "more.yml"], "services": services}
    return {"projects": [project], "networks": [{"name": "net", "subnet": "198.18.0.0/24", "gateway": "198.18.0.1"}]}


def view_of(*raws: dict[str, Any], images: dict[str, str] | None = None) -> View:
    here = {f"{name}:1": "sha256:image" for name in ("app", "gw", "member", "job")} if images is None else images
    return View(
        wanted(), {"containers": [plain_container(item) for item in raws], "networks": [], "images": here}, "mediastack"
    )


def carry_out(view: View, *changes: dict[str, Any]) -> list[str]:
    recorder = Recorder(("", ""))
    apply(recorder.docker, wanted(), view, changes, Options())
    return [" ".join(words) for words in recorder.asked]


COMPOSE = "compose -p stack --project-directory /opt/stack -f /opt/stack/compose.yml -f /opt/stack/more.yml "
SUBNET = "--subnet 198.18.0.0/24 --gateway 198.18.0.1"
FLAGS = " --no-build --pull never --no-deps "


def of(action: str, name: str) -> dict[str, Any]:
    return change(action, "because", instance=name, container=name)


def test_a_fresh_stack() -> None:
    asked = carry_out(
        view_of(),
        change("create", "new", network="net"),
        *(of("create", name) for name in ("app", "gw", "member", "job")),
    )
    assert asked == [
        f"network create --driver bridge {SUBNET} --label mediastack.managed=true net",
        COMPOSE + "up --detach --no-recreate" + FLAGS + "gw",
        COMPOSE + "up --detach --no-recreate" + FLAGS + "app gw member",
        COMPOSE + "create --no-recreate --no-build --pull never job",
    ]


def test_nothing_to_do_asks_nothing() -> None:
    assert carry_out(view_of()) == []


def test_a_gateway_and_its_member_are_recreated_in_one_call_gateway_first() -> None:
    asked = carry_out(view_of(raw("gw"), raw("member")), of("recreate", "gw"), of("recreate", "member"))
    assert asked[0] == COMPOSE + "up --detach --force-recreate" + FLAGS + "gw member"
    assert "app" not in " ".join(asked), "what did not drift is not touched"


def test_a_stopped_gateway_starts_before_its_member_is_recreated() -> None:
    asked = carry_out(view_of(raw("gw", "exited"), raw("member")), of("start", "gw"), of("recreate", "member"))
    assert asked[0] == COMPOSE + "up --detach --no-recreate" + FLAGS + "gw"
    assert asked[1] == COMPOSE + "up --detach --force-recreate" + FLAGS + "member"


def test_a_paused_container_is_unpaused() -> None:
    assert carry_out(view_of(raw("app", "paused")), of("start", "app"))[0] == "unpause app"


def test_what_is_not_wanted_goes_first_members_before_gateways() -> None:
    joined = raw("old-member", HostConfig={"NetworkMode": "container:id-old"})
    asked = carry_out(view_of(raw("old"), joined), of("remove", "old"), of("remove", "old-member"))
    assert asked == [
        "stop --time 30 id-old-member",
        "rm --force id-old-member",
        "stop --time 30 id-old",
        "rm --force id-old",
    ]


def test_a_network_is_remade_once_its_containers_are_gone() -> None:
    asked = carry_out(view_of(raw("app")), change("recreate", "subnet", network="net"), of("recreate", "app"))
    verbs = [line.split()[0:2] for line in asked]
    assert verbs[:4] == [["stop", "--time"], ["rm", "--force"], ["network", "rm"], ["network", "create"]]


@pytest.mark.parametrize("label", ["com.docker.compose.project", "com.docker.compose.service"])
def test_what_compose_would_not_recognise_makes_room(label: str) -> None:
    found = raw("app")
    found["Config"]["Labels"][label] = "other"
    assert carry_out(view_of(found), of("recreate", "app"))[:2] == ["stop --time 30 id-app", "rm --force id-app"]


def test_a_job_is_removed_and_created_never_started() -> None:
    asked = carry_out(view_of(raw("job", "exited")), of("recreate", "job"))
    assert asked[-1] == COMPOSE + "create --no-recreate --no-build --pull never job"
    assert not any(" up " in line for line in asked)


def test_a_failed_up_says_what_is_wrong_with_whom() -> None:
    recorder = Recorder(
        ("compose", Output(1, "", "dependency failed to start: container gw is unhealthy")),
        ("container inspect", listing(raw("gw", health="unhealthy"), raw("app"))),
        ("inspect --format {{json .State.Health}} gw", '{"Log": [{"ExitCode": 1, "Output": "no tunnel"}]}'),
        ("inspect", "null"),
        ("logs", Output(0, "", "wireguard: handshake timed out\n")),
    )
    with pytest.raises(ApplyError) as caught:
        apply(recorder.docker, wanted(), view_of(), [of("create", "gw")], Options())
    text = str(caught.value)
    for part in ("gw is unhealthy", "health check: exit code 1: no tunnel", "handshake timed out", "running: app"):
        assert part in text
    assert "member: has no container" in text


def test_precheck_names_everything_and_touches_nothing(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text("")
    recorder = Recorder(("compose version", "2.26.1"))
    with pytest.raises(ApplyError) as caught:
        precheck(recorder.docker, wanted(str(tmp_path)), view_of(images={"app:1": "x", "gw:1": "x", "member:1": "x"}))
    text = str(caught.value)
    assert f"there is no {tmp_path}/more.yml" in text
    assert "job: its image job:1 is not here" in text
    assert text.endswith("Nothing that runs was touched.")


@pytest.mark.parametrize(
    "said", [Output(1, "", "unknown command: compose"), Output(0, "docker-compose version 1.29", "")]
)
def test_a_missing_or_old_compose_is_named(said: Output) -> None:
    with pytest.raises(ApplyError, match="Compose plugin"):
        precheck(Recorder(("compose version", said)).docker, wanted(), view_of())


def waiting(*looks: list[dict[str, Any]], changed: bool = True, timeout: float = 30) -> tuple[Any, Clock]:
    """Wait while docker answers one look after the other, the last for ever."""
    clock, queue = Clock(), list(looks)

    def answer(_: list[str]) -> Output:
        return Output(0, listing(*(queue.pop(0) if len(queue) > 1 else queue[0])), "")

    recorder = Recorder(("container inspect", answer), ("inspect", "null"), ("logs", "boom\n"))
    return wait_healthy(recorder.docker, view_of(), Options(timeout, clock=clock), changed=changed), clock


WELL = [raw("gw", health="healthy"), raw("app", health="healthy"), raw("member", health="healthy")]


def test_healthy_at_once() -> None:
    states, clock = waiting(WELL)
    assert (sorted(states), clock.now) == (["app", "gw", "member"], 0)


def test_it_waits_while_one_is_starting() -> None:
    starting = [*WELL[:2], raw("member", health="starting")]
    _, clock = waiting(starting, starting, starting, WELL)
    assert clock.now == 1.5


def test_without_a_health_check_it_has_to_stay_up() -> None:
    plain = [*WELL[:2], raw("member")]
    assert waiting(plain)[1].now == 2.0
    assert waiting(plain, changed=False)[1].now == 0


def test_unhealthy_until_the_end() -> None:
    with pytest.raises(ApplyError, match="1 of 3 services are not well after 5 s") as caught:
        waiting([*WELL[:2], raw("member", health="unhealthy")], timeout=5)
    assert "member: running, unhealthy" in str(caught.value)
    assert "running: app, gw" in str(caught.value)


def test_a_crash_loop_ends_the_wait_early() -> None:
    def crashed(restarts: int) -> list[dict[str, Any]]:
        return [*WELL[:2], raw("member", "restarting", exit_code=3, restarts=restarts)]

    with pytest.raises(ApplyError, match="restarting, exit code 3") as caught:
        waiting(*(crashed(number) for number in range(10)), timeout=300)
    assert "after 2 s" in str(caught.value)
    assert "log: boom" in str(caught.value)


def test_what_is_missing_is_named() -> None:
    recorder = Recorder(("container inspect", Output(1, "[]", "Error: No such container: gw")))
    assert "app: has no container" in report_now(recorder.docker, view_of())
