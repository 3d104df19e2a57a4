"""Carry out what stack_diff decided, through `docker compose`, and wait until all is well."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils import engine_socket
from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import (
    BRIDGE_OPTION,
    NO_COMPOSE,
    Docker,
    DockerError,
    parallel,
    pinned,
    plain_container,
    plain_network,
)
from ansible_collections.mediastack.core.plugins.module_utils.stack_diff import Change, View, start_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

POLL_SECONDS = 0.5
SETTLE_SECONDS = 2.0
STOP_SECONDS = 30
CRASHES = 3
LOG_LINES = 10


class ApplyError(Exception):
    """Something failed while or after applying; the message says what runs now."""


@dataclass
class Options:
    """How to apply."""

    wait_timeout: float = 300.0
    prefix: str = "mediastack"
    clock: Any = field(default=time)


def observe(docker: Docker, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What is there now, in the shape that stack_diff reads."""
    references = {
        pinned(service["reference"], service.get("digest"))
        for project in wanted["projects"]
        for service in project["services"].values()
    }
    containers, networks, images = parallel(docker.containers, docker.networks, lambda: docker.image_ids(references))
    return {
        "containers": [{**plain_container(raw), "stale": engine_socket.stale(raw)} for raw in containers],
        "networks": [plain_network(raw) for raw in networks],
        "images": images,
    }


def precheck(docker: Docker, wanted: Mapping[str, Any], view: View) -> None:
    """Everything that can be known to fail, before anything that runs is touched; raises ApplyError."""
    if docker.compose_version() is None:
        raise ApplyError(NO_COMPOSE)
    problems = []
    for project in wanted["projects"]:
        missing = [name for name in compose_files(project) if not Path(name).is_file()]
        if missing:
            problems.append(f"project {project['name']}: there is no {', '.join(missing)}")
            continue
        done = docker.run(*compose_arguments(project), "config", "--quiet")
        if done.code != 0:
            problems.append(f"project {project['name']}: docker compose refuses its files: {done.said}")
    for instance, service in view.services.items():
        reference = pinned(service["reference"], service.get("digest"))
        if reference not in view.images:
            problems.append(f"{instance}: its image {reference} is not here; mediastack.core.images pulls it")
    if problems:
        raise ApplyError("\n".join([*problems, "Nothing that runs was touched."]))


def compose_files(project: Mapping[str, Any]) -> list[str]:
    """The project's files as absolute paths."""
    return [str(Path(project["directory"]) / name) for name in project["files"]]


def compose_arguments(project: Mapping[str, Any]) -> list[str]:
    """`compose -p … -f …`, without the verb."""
    files = [word for name in compose_files(project) for word in ("-f", name)]
    return ["compose", "-p", project["name"], "--project-directory", project["directory"], *files]


def apply(docker: Docker, wanted: Mapping[str, Any], view: View, changes: Sequence[Change], options: Options) -> None:
    """Carry out the changes, project by project; raises ApplyError or DockerError at the first failure."""
    _clear(docker, view, changes)
    for item in changes:
        if item["network"] and item["action"] in ("create", "recreate"):
            _create_network(docker, view.networks[item["network"]], options.prefix)
    actions = {item["instance"]: item["action"] for item in changes if not item["network"]}
    for project in wanted["projects"]:
        _up(docker, project, view, actions, options)


def _clear(docker: Docker, view: View, changes: Sequence[Change]) -> None:
    """Remove what is not wanted, and what has to make room for its successor."""
    remade = {item["network"] for item in changes if item["network"] and item["action"] == "recreate"}
    doomed = []
    for item in changes:
        found = view.containers.get(item["container"]) if item["container"] else None
        if found is None or item["action"] not in ("remove", "recreate"):
            continue
        if item["action"] == "remove" or _makes_room(view, item["instance"], found, remade):
            doomed.append(found)
    remove_containers(docker, doomed)
    for item in changes:
        if item["network"] and item["action"] in ("remove", "recreate"):
            docker.must("network", "rm", item["network"])


def _makes_room(view: View, instance: str, found: Mapping[str, Any], remade: set[str]) -> bool:
    # Compose recreates by itself only what keeps its project, its service name and its networks.
    labels, service = found["labels"], view.services[instance]
    moved = labels.get("com.docker.compose.project") != view.projects[instance]
    renamed = labels.get("com.docker.compose.service") != instance
    return moved or renamed or service["workload"] != "service" or bool(remade & set(found["networks"]))


def remove_containers(docker: Docker, found: Sequence[Mapping[str, Any]]) -> None:
    """Stop and remove: those in another's network namespace first."""
    for members in (True, False):
        ids = [item["id"] for item in found if item["network_mode"].startswith("container:") is members]
        if ids:
            docker.must("stop", "--time", str(STOP_SECONDS), *ids, timeout=STOP_SECONDS * len(ids) + 60)
            docker.must("rm", "--force", *ids, timeout=120)


def _create_network(docker: Docker, network: Mapping[str, Any], prefix: str) -> None:
    words = ["network", "create", "--driver", "bridge", "--subnet", network["subnet"]]
    words += ["--gateway", network["gateway"]] if network.get("gateway") else []
    words += ["--opt", f"{BRIDGE_OPTION}={network['bridge']}"] if network.get("bridge") else []
    words += ["--internal"] if network.get("internal") else []
    docker.must(*words, "--label", f"{prefix}.managed=true", network["name"], timeout=60)


def _up(docker: Docker, project: Mapping[str, Any], view: View, actions: Mapping[str, str], options: Options) -> None:
    mine = project["services"]
    services = [name for name, service in mine.items() if service["workload"] == "service"]
    touched = [name for name in mine if actions.get(name) in ("create", "recreate", "start")]
    paused = [view.services[name]["container"] for name in services if _state(view, name) == "paused"]
    if paused:
        docker.must("unpause", *paused)
    gateways = {service.get("gateway") for service in mine.values()}
    first = [name for name in touched if name in gateways and actions[name] in ("create", "start")]
    remade = [name for name in touched if name in services and actions[name] == "recreate"]
    rest = [name for name in services if name in touched]
    jobs = [name for name in touched if name not in services]
    steps = (
        (first, ["up", "--detach", "--no-recreate"]),
        (remade, ["up", "--detach", "--force-recreate"]),
        (rest, ["up", "--detach", "--no-recreate"]),
        (jobs, ["create", "--no-recreate"]),
    )
    for names, verb in steps:
        if names:
            flags = ["--no-build", "--pull", "never", *(["--no-deps"] if verb[0] == "up" else [])]
            arguments = [*compose_arguments(project), *verb, *flags, *start_order(view, names)]
            done = docker.run(*arguments, timeout=options.wait_timeout + 60)
            if done.code != 0:
                said = f"project {project['name']}: `docker compose {verb[0]}` failed: {done.said}"
                raise ApplyError(f"{said}\n{report_now(docker, view)}")


def _state(view: View, instance: str) -> str:
    found = view.container(instance)
    return str(found["state"]) if found else ""


def wait_healthy(docker: Docker, view: View, options: Options, *, changed: bool) -> dict[str, dict[str, Any]]:
    """Poll until every service runs and is healthy; returns their states.

    Raises:
        ApplyError: one is not, after `wait_timeout`; with its state, exit code and last log lines.

    """
    services = [name for name, service in view.services.items() if service["workload"] == "service"]
    started = options.clock.monotonic()
    seen: dict[str, tuple[Any, float]] = {}
    crashes: dict[str, int] = {}
    while True:
        states = look(docker, view)
        now = options.clock.monotonic()
        bad = {}
        for name in services:
            found = states.get(name)
            mark = found and (found["id"], found["started_at"], found["restarts"])
            if name not in seen or seen[name][0] != mark:
                seen[name] = (mark, now)
            settled = not changed or now - seen[name][1] >= SETTLE_SECONDS
            problem = _problem(found, settled=settled)
            if problem:
                bad[name] = problem
            if found:
                crashes.setdefault(name, found["restarts"])
        looping = [name for name in bad if name in states and states[name]["restarts"] - crashes[name] >= CRASHES]
        if not bad:
            return {name: _summary(item) for name, item in sorted(states.items())}
        if looping or now - started >= options.wait_timeout:
            raise ApplyError(failure(docker, view, bad, states, now - started))
        options.clock.sleep(POLL_SECONDS)


def look(docker: Docker, view: View) -> dict[str, dict[str, Any]]:
    """The containers of all services, by instance."""
    names = {s["container"]: name for name, s in view.services.items() if s["workload"] == "service"}
    found = [plain_container(raw) for raw in docker.inspect(list(names))]
    return {names[item["name"]]: item for item in found if item["name"] in names}


def report_now(docker: Docker, view: View) -> str:
    """What is not well at this moment, with evidence, and what runs."""
    states = look(docker, view)
    services = [name for name, service in view.services.items() if service["workload"] == "service"]
    problems = {name: _problem(states.get(name), settled=True) for name in services}
    bad = {name: problem for name, problem in problems.items() if problem}
    return failure(docker, view, bad, states, 0)


def _problem(found: Mapping[str, Any] | None, *, settled: bool) -> str:
    if found is None:
        return "has no container"
    if found["state"] != "running":
        return f"{found['state']}, exit code {found['exit_code']}"
    if found["health"] not in (None, "healthy"):
        return f"running, {found['health']}"
    return "" if settled or found["health"] == "healthy" else "running, started a moment ago"


def _summary(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item[key] for key in ("id", "state", "health", "started_at")}


def failure(
    docker: Docker,
    view: View,
    bad: Mapping[str, str],
    states: Mapping[str, Mapping[str, Any]],
    seconds: float,
) -> str:
    """One paragraph per service that is not well, then what runs."""
    total = sum(service["workload"] == "service" for service in view.services.values())
    lines = [f"{len(bad)} of {total} services are not well after {seconds:.0f} s:"]
    for name in sorted(bad):
        lines.append(f"  {name}: {bad[name]}")
        if name in states:
            lines += [f"    {line}" for line in evidence(docker, view.services[name]["container"])]
    running = sorted(name for name, item in states.items() if item["state"] == "running" and name not in bad)
    lines.append(f"running: {', '.join(running) or 'nothing'}")
    return "\n".join(lines)


def evidence(docker: Docker, container: str) -> list[str]:
    """The last health check's words and the last log lines of a container."""
    lines = []
    health = docker.run("inspect", "--format", "{{json .State.Health}}", container)
    try:
        log = (json.loads(health.out or "null") or {}).get("Log") or []
    except ValueError:
        log = []
    if log:
        said = " ".join(str(log[-1].get("Output", "")).split())[:300]
        lines.append(f"health check: exit code {log[-1].get('ExitCode')}: {said}")
    logs = docker.run("logs", "--tail", str(LOG_LINES), container)
    lines += [f"log: {line[:300]}" for line in (logs.out + logs.err).strip().splitlines()[-LOG_LINES:]]
    return lines


def running_now(docker: Docker, prefix: str) -> str:
    """One line for the end of an error: what of ours runs."""
    try:
        found = [plain_container(raw) for raw in docker.containers(f"label={prefix}.managed=true")]
    except DockerError as error:
        return str(error)
    names = sorted(item["name"] for item in found if item["state"] == "running")
    return f"running: {', '.join(names) or 'nothing'}"
