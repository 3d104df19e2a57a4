"""Power cuts of the controller: killed after any change, a repeated run ends where an uninterrupted one does.

What is compared is what *runs* (containers, the engine, users), not only the files.
"""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from tests.integration.servers import Server, changes, server

# Facts of one sandbox, or drawn at random for it: equal in meaning, never in value.
OWN = ("mediastack.spec", "com.docker.compose.config-hash", "com.docker.compose.image")
OWN_VARIABLES = ("WIREGUARD_PUBLIC_KEY", "WIREGUARD_ADDRESSES")


def of_container(container: dict[str, Any]) -> dict[str, Any]:
    """What makes a running container what it is."""
    host, config = container["HostConfig"], container["Config"]
    namespace = host["NetworkMode"].partition(":")[0]
    return {
        "image": config["Image"],
        "running": container["State"]["Running"],
        "health": (container["State"].get("Health") or {}).get("Status"),
        "environment": sorted(line for line in config["Env"] if not line.startswith(OWN_VARIABLES)),
        "labels": {key: value for key, value in config["Labels"].items() if key not in OWN and "depends" not in key},
        "mounts": sorted((item["Source"], item["Destination"], item["RW"]) for item in container["Mounts"]),
        "capabilities": [host["CapDrop"], sorted(host["CapAdd"] or [])],
        "security": sorted(host["SecurityOpt"] or []),
        "limits": [host["Memory"], host["PidsLimit"], host["ReadonlyRootfs"], host["RestartPolicy"]["Name"]],
        "ports": host["PortBindings"],
        "namespace": namespace if namespace == "container" else "own",
        "addresses": {
            name: network["IPAMConfig"] for name, network in container["NetworkSettings"]["Networks"].items()
        },
    }


def snapshot(of: Server) -> dict[str, Any]:
    """The running configuration of a server."""
    found = {**of_engine(of), "containers": {name: of_container(item) for name, item in of.containers().items()}}
    # Every sandbox publishes its edge on ports that were free.
    text = json.dumps(found).replace(str(of.sandbox.https_port), "HTTPS").replace(str(of.sandbox.http_port), "HTTP")
    meant: dict[str, Any] = json.loads(text)
    return meant


def of_engine(of: Server) -> dict[str, Any]:
    """What runs beside the containers, and the files they are made from."""
    info = json.loads(of.root("docker info --format '{{json .}}'"))
    files = of.root("cd /opt/mediastack; find . -path ./config -prune -o -printf '%p %y %m %u:%g\\n' | sort")
    return {
        "networks": sorted(of.root("docker network ls --format '{{.Name}} {{.Driver}} {{.Scope}}'").splitlines()),
        "files": files.splitlines(),
        "engine": [info["LiveRestoreEnabled"], info["LoggingDriver"], sorted(info["RegistryConfig"]["IndexConfigs"])],
        "enabled": of.root("systemctl is-enabled docker.service containerd.service").split(),
        "media": of.root("id media; stat -c '%a %u:%g' /srv/media; readlink /etc/localtime").splitlines(),
    }


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Where two snapshots differ, one line each."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted({*one, *other})
        return [line for key in keys for line in differences(one.get(key), other.get(key), f"{path}/{key}")]
    return [] if one == other else [f"{path}: {one!r} instead of {other!r}"]


def stale(of: Server) -> list[str]:
    """Containers that started before a managed file they read was last written."""
    managed = "\n".join(of.generation()["files"])
    late = []
    for name, container in of.containers().items():
        folders = [item["Source"] for item in container["Mounts"] if item["Source"].startswith("/opt/mediastack")]
        script = f"date -d '{container['State']['StartedAt']}' +%s\n"
        script += f"while read -r f; do for d in {' '.join(folders)}; do "
        script += 'case "$f" in "$d"|"$d"/*) stat -c %Y "$f";; esac; done; done <<END\n' + managed + "\nEND\n"
        started, *written = (int(word) for word in of.root(script).split())
        if written and max(written) > started:
            late.append(name)
    return late


@pytest.fixture(scope="module")
def reference() -> tuple[dict[str, Any], int]:
    """(what an uninterrupted run makes, how many of its tasks change something)."""
    with server("it-kill") as fresh:
        run = fresh.apply()
        return snapshot(fresh), len(run.changed)


@pytest.fixture(scope="module")
def points(reference: tuple[dict[str, Any], int], request: pytest.FixtureRequest) -> list[int]:
    """After which changes to kill: every one in a soak, else three at random."""
    everything = list(range(1, reference[1] + 1))
    if request.config.getoption("--soak"):
        return everything
    return sorted(random.SystemRandom().sample(everything, min(3, len(everything))))


def test_a_repeated_run_ends_where_an_uninterrupted_one_does(
    reference: tuple[dict[str, Any], int], points: list[int]
) -> None:
    expected, count = reference
    for point in points:
        print(f"killing the controller after change {point} of {count}")
        with server("it-kill") as fresh:
            killed = fresh.play("playbooks/apply.yml", kill_at=point)
            assert killed.returncode != 0 or point == count, "the run ended before it was killed"
            fresh.apply()
            found = differences(snapshot(fresh), expected)
            assert found == [], f"killed after change {point}: {killed.changed[-1]}"
            assert stale(fresh) == []
            again = fresh.apply()
            assert again.changed == [], changes(again)
