"""The whole job on bare servers: plan says what apply does, a second apply changes nothing, verify proves it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.integration.servers import Server, changes, server

TASKS_ON_HOST = 35
ROLES = ("base", "docker", "storage", "stack", "gluetun", "downloaders", "arr", "media_server", "requests", "edge")
PHASES = ("install", "configure", "apply", "wire", "verify")
ONE_IS_ENOUGH = pytest.mark.parametrize("bare", ["debian13"], indirect=True)
FILES = "find /etc /opt /srv /var/lib -xdev -newer /etc/machine-id -type f | sort | grep -v systemd || true"
# Tasks that say in a plan what another one does in an apply.
SAME = {"base : Say what would be installed": "base : Install packages"}


@pytest.fixture(scope="module", params=["debian12", "debian13"])
def bare(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server without an engine."""
    with server(f"it-bare-{request.param}", release=request.param, kind="bare") as made:
        yield made


def test_plan_of_a_bare_server_is_what_apply_does_and_once_is_enough(bare: Server) -> None:
    before = bare.root(FILES)
    planned = bare.plan()
    assert bare.root(FILES) == before, "a plan has written on the server"

    applied = bare.apply()
    predicted = {(SAME.get(task, task), what, action) for task, what, action in changes(planned)}
    done = set(changes(applied))
    assert {item for item in predicted if "Fetch the key" not in item[0]} <= done | {
        ("docker : Run the engine with this configuration", "", "changed")
    }
    assert {what for _, what, action in done if action == "create"} == {
        what for _, what, action in predicted if action == "create"
    }

    again = bare.apply()
    assert again.changed == [], changes(again)
    assert len(again.on_host) <= TASKS_ON_HOST, again.on_host


def test_verify_passes(bare: Server) -> None:
    proof = bare.play("playbooks/verify.yml")
    assert proof.returncode == 0, proof.output[-6000:]
    assert proof.output.count("- 'pass  ") >= 30, proof.output
    bare.root("docker stop radarr")
    refuted = bare.play("playbooks/verify.yml")
    assert refuted.returncode != 0
    assert "radarr" in refuted.failure
    assert "remedy" in refuted.failure
    bare.apply()


@ONE_IS_ENOUGH
@pytest.mark.parametrize("tag", [*ROLES, *PHASES])
def test_every_tag_works_alone(bare: Server, tag: str) -> None:
    result = bare.play("playbooks/apply.yml", "--tags", tag)
    assert result.returncode == 0, result.output[-4000:]
    assert result.changed == [], changes(result)


def test_check_mode_of_a_converged_server_predicts_nothing(bare: Server) -> None:
    assert bare.plan().changed == []


def states(of: Server) -> dict[str, str]:
    """What Docker says of each container."""
    return {name: item["State"]["Status"] for name, item in of.containers().items()}


@ONE_IS_ENOUGH
def test_verbs_for_one_instance_and_for_all(bare: Server) -> None:
    chosen = ("-e", '{"stack_only": ["radarr"]}')
    assert bare.play("playbooks/stop.yml", *chosen).returncode == 0
    assert states(bare)["radarr"] == "exited"
    assert states(bare)["sonarr"] == "running"
    assert bare.play("playbooks/start.yml", *chosen).returncode == 0
    assert set(states(bare).values()) == {"running"}

    since = bare.containers()["qbittorrent"]["State"]["StartedAt"]
    assert bare.play("playbooks/restart.yml", "-e", '{"stack_only": ["gluetun"]}').returncode == 0
    assert bare.containers()["qbittorrent"]["State"]["StartedAt"] > since, "a member follows its gateway"

    logged = bare.play("playbooks/logs.yml", "-e", '{"stack_only": ["radarr"], "stack_log_lines": 5}')
    assert logged.returncode == 0
    assert logged.changed == []
    unknown = bare.play("playbooks/stop.yml", "-e", '{"stack_only": ["radar"]}')
    assert unknown.returncode != 0
    assert "radar" in unknown.failure

    status = bare.play("playbooks/status.yml")
    assert status.returncode == 0, status.output[-3000:]
    assert "jellyfin" in status.output


@ONE_IS_ENOUGH
def test_uninstall_asks_then_keeps_what_is_the_owners(bare: Server) -> None:
    asked = bare.play("playbooks/uninstall.yml")
    assert asked.returncode != 0
    assert "stack_uninstall_confirmed" in asked.failure
    bare.root("echo film > /srv/media/library/movies/kept")

    done = bare.play("playbooks/uninstall.yml", "-e", "stack_uninstall_confirmed=true")
    assert done.returncode == 0, done.output[-4000:]
    assert bare.containers() == {}
    assert "mediastack" not in bare.root("docker network ls --format '{{.Name}}'")
    assert bare.root("cat /srv/media/library/movies/kept") == "film\n"
    assert "qBittorrent.conf" in bare.root("ls /opt/mediastack/config/qbittorrent/qBittorrent")
    assert "none" in bare.root("ls /opt/mediastack/secrets 2>/dev/null || echo none")
    assert "/opt/mediastack/config" in done.output

    back = bare.apply()
    assert back.changed
    assert set(states(bare).values()) == {"running"}
