"""Whatever was changed on the server behind our back: plan names it, apply mends exactly that, then all is quiet."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest
from tests.integration.servers import Server, changes

Mutation = Callable[[Server], str]


def managed_files(server: Server) -> list[str]:
    """Every file whose content we own, on the server."""
    return sorted(server.generation()["files"])


def each(paths: list[str], command: str) -> str:
    """One shell line per path."""
    return "\n".join(command.format(shlex.quote(path)) for path in paths)


def edited_files(server: Server) -> str:
    return each(managed_files(server), "echo '# drift' >> {}")


def deleted_files(server: Server) -> str:
    return each(managed_files(server), "rm {}")


def wrong_owners(server: Server) -> str:
    return each(managed_files(server), "chown nobody:nogroup {0}; chmod 0777 {0}")


def wrong_directories(server: Server) -> str:
    directories = sorted({path.rpartition("/")[0] for path in managed_files(server)})
    return each(directories, "chown nobody:nogroup {}")


def stopped_containers(server: Server) -> str:
    return "docker stop -t 3 " + " ".join(server.containers())


def deleted_containers(server: Server) -> str:
    return "docker rm -f " + " ".join(server.containers())


def wrong_images(server: Server) -> str:
    """Each container replaced, under its name and with our labels, by one of another image."""
    lines = []
    for name, container in server.containers().items():
        labels = " ".join(
            f"--label {shlex.quote(f'{key}={value}')}"
            for key, value in container["Config"]["Labels"].items()
            if key.startswith(("mediastack.", "com.docker.compose."))
        )
        lines.append(
            f"docker rm -f {name} >/dev/null; "
            f"docker run -d --name {name} {labels} --network none --entrypoint sleep drift:1 100000 >/dev/null"
        )
    image = next(iter(server.containers().values()))["Image"]
    return "\n".join([f"docker commit --pause=false $(docker create {image}) drift:1 >/dev/null", *lines])


def deleted_networks(server: Server) -> str:
    names = " ".join(network["name"] for network in server.generation()["stack"]["networks"])
    return f"docker rm -f $(docker ps -aq) >/dev/null; docker network rm {names}"


def engine_stopped(server: Server) -> str:
    return "systemctl stop docker.socket docker.service; systemctl disable docker.service"


def engine_misconfigured(server: Server) -> str:
    return "echo '{\"debug\": true}' > /etc/docker/daemon.json; systemctl restart docker"


def user_changed(server: Server) -> str:
    media = server.generation()["stack"]["media"]
    return f"usermod --shell /bin/bash --home /nowhere {media['user']}"


def time_zone_changed(server: Server) -> str:
    return "ln -sf /usr/share/zoneinfo/Asia/Tokyo /etc/localtime"


# Side by side where they do not hide one another; each wave costs three runs.
WAVES: dict[str, tuple[Mutation, ...]] = {
    "edited": (edited_files, stopped_containers, time_zone_changed),
    "deleted": (deleted_files, user_changed),
    "owners": (wrong_owners, wrong_directories),
    "containers": (deleted_containers,),
    "images": (wrong_images,),
    "networks": (deleted_networks,),
    "engine stopped": (engine_stopped,),
    "engine configured": (engine_misconfigured,),
}


def must_be_named(server: Server, wave: tuple[Mutation, ...]) -> set[str]:
    """What the plan has to name, one by one."""
    named: set[str] = set()
    if {edited_files, deleted_files, wrong_owners} & set(wave):
        named |= set(managed_files(server))
    if {stopped_containers, deleted_containers, wrong_images, deleted_networks} & set(wave):
        named |= set(server.generation()["stack"]["instances"])
    if deleted_networks in wave:
        named |= {network["name"] for network in server.generation()["stack"]["networks"]}
    return named


@pytest.mark.parametrize("wave", WAVES.values(), ids=WAVES)
def test_plan_names_what_apply_mends(applied: Server, wave: tuple[Mutation, ...]) -> None:
    expected = must_be_named(applied, wave)
    for mutation in wave:
        applied.root(mutation(applied))
    planned = changes(applied.plan())
    mended = changes(applied.apply())
    assert planned, "the plan saw nothing"
    assert planned == mended
    assert expected <= {what for _task, what, _action in planned}
    applied.settled()
