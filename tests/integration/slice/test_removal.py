"""Removal is a change too: what is switched off goes, its data stays, and what is not ours is not touched."""

from __future__ import annotations

import yaml
from tests.integration.servers import Server, changes


def choose(server: Server, **choices: object) -> None:
    """Write choices as an owner would, in a file of their own."""
    server.choices.write_text(yaml.safe_dump(choices), encoding="utf-8")


def test_a_service_switched_off_is_removed_and_its_configuration_kept(converged: Server) -> None:
    choose(converged, mediastack_services={"flaresolverr": {"enabled": False}, "sonarr": {"enabled": False}})
    planned = changes(converged.plan())
    applied = converged.apply()
    assert planned == changes(applied)
    assert {"sonarr", "flaresolverr"}.isdisjoint(converged.containers())
    assert converged.root("ls /opt/mediastack/config/sonarr").split()
    assert "/opt/mediastack/config/sonarr" in applied.output
    converged.settled()


def test_a_renamed_instance_replaces_the_old_one(converged: Server) -> None:
    choose(
        converged,
        mediastack_services={"radarr": {"enabled": False}, "films": {"service": "radarr"}},
    )
    converged.apply()
    assert "radarr" not in converged.containers()
    assert converged.containers()["films"]["State"]["Running"]
    converged.settled()


def test_a_changed_port_moves(converged: Server) -> None:
    choose(converged, mediastack_services={"jellyfin": {"publish": "lan", "ports": {"web": 18096}}})
    converged.apply()
    bindings = converged.containers()["jellyfin"]["HostConfig"]["PortBindings"]
    assert [item["HostPort"] for item in bindings["8096/tcp"]] == ["18096"]
    choose(converged, mediastack_services={"jellyfin": {"publish": "lan", "ports": {"web": 18097}}})
    converged.apply()
    listening = converged.root("ss -Hltn")
    assert ":18097" in listening
    assert ":18096" not in listening


def test_what_is_not_ours_is_left_alone(converged: Server) -> None:
    image = converged.containers()["radarr"]["Image"]
    converged.root(f"docker run -d --name neighbour --entrypoint sleep {image} 100000; docker network create theirs")
    try:
        before = converged.containers()["neighbour"]["State"]["StartedAt"]
        choose(converged, mediastack_services={"prowlarr": {"enabled": False}})
        converged.apply()
        assert converged.containers()["neighbour"]["State"]["StartedAt"] == before
        assert "theirs" in converged.root("docker network ls --format '{{.Name}}'")
    finally:
        converged.root("docker rm -f neighbour; docker network rm theirs")
