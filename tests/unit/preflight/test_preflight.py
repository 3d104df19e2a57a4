"""Each thing that can stand in the way, one at a time, on a server that is otherwise fine."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.render.support import example_stack

from ansible_collections.mediastack.core.plugins.plugin_utils.preflight import check, paths_to_ask

if TYPE_CHECKING:
    from collections.abc import Callable

GIB = 1024**3


def directory(device: int = 2049) -> dict[str, Any]:
    return {"exists": True, "is_dir": True, "device": device, "owner": "root", "group": "root", "mode": "0755"}


def missing() -> dict[str, Any]:
    return {"exists": False, "is_dir": False, "device": None, "owner": None, "group": None, "mode": None}


def server() -> dict[str, Any]:
    """The facts of a bare Debian 13 that has all we need."""
    return {
        "os": {
            "id": "debian",
            "version_id": "13",
            "codename": "trixie",
            "pretty": "Debian GNU/Linux 13 (trixie)",
            "family": "debian",
        },
        "arch": "amd64",
        "engine": None,
        "containers": [],
        "networks": [],
        "listening": [
            {"protocol": "tcp", "address": "0.0.0.0", "port": 22, "pid": 1, "process": "sshd", "ours": False}
        ],
        "addresses": [
            {"interface": "lo", "address": "127.0.0.1", "prefix": 8},
            {"interface": "eth0", "address": "192.0.2.10", "prefix": 24},
            {"interface": "eth0", "address": "2001:db8::10", "prefix": 64},
        ],
        "filesystems": [{"path": "/opt/mediastack", "device": "/dev/sda1", "total": 99 * GIB, "free": 50 * GIB}],
        "paths": {
            "/opt/mediastack": missing(),
            "/var/lib/mediastack": missing(),
            "/var/lib/docker": missing(),
            "/srv/media": directory(),
            "/srv/media/downloads": missing(),
            "/srv/media/library": missing(),
        },
        "tun": True,
        "docker": {"installed": False, "running": False, "daemon": None, "daemon_error": None},
        "generation": None,
        "uid": 0,
        "sudo": True,
    }


def applied(stack: dict[str, Any], host: dict[str, Any]) -> None:
    """Make `host` one on which `stack` runs already."""
    ours = {"mediastack.managed": "true"}
    host["containers"] = [
        {"name": instance["container"], "image": instance["reference"], "labels": ours}
        for instance in stack["instances"].values()
    ]
    host["networks"] = [
        {"name": network["name"], "subnets": [network["subnet"]], "labels": ours, "driver": "bridge"}
        for network in stack["networks"]
    ]
    host["addresses"] += [
        {"interface": f"br-{index}", "address": network["gateway"], "prefix": 24}
        for index, network in enumerate(stack["networks"])
    ]
    host["listening"] += [
        {"protocol": "tcp", "address": address, "port": port, "pid": 9, "process": "docker-proxy", "ours": True}
        for port in (80, 443)
        for address in ("0.0.0.0", "::")
    ]
    digests = {instance["reference"]: "sha256:00" for instance in stack["instances"].values()}
    host["generation"] = {"id": "1", "digests": digests}


def found(change: Callable[[dict[str, Any], dict[str, Any]], object]) -> tuple[list[str], list[str], str]:
    stack, host = example_stack(), server()
    change(stack, host)
    result = check(stack, host)
    return (
        [finding.text for finding in result.refusals],
        [finding.text for finding in result.notices],
        result.message("nas"),
    )


def test_a_fine_server_passes_bare_and_applied() -> None:
    assert found(lambda *_: None)[:2] == ([], [])
    assert found(applied)[:2] == ([], [])


def listening(**changed: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    holder = {"protocol": "tcp", "address": "0.0.0.0", "port": 443, "pid": 77, "process": "nginx", "ours": False}

    def change(_: dict[str, Any], host: dict[str, Any]) -> None:
        host["listening"].append(holder | changed)

    return change


def operating_system(**values: str) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    return lambda _, host: host.update(os=values)


def network(**values: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    foreign = {"name": "other", "subnets": ["10.9.0.0/24"], "labels": {}, "driver": "bridge"}
    return lambda _, host: host["networks"].append(foreign | values)


def address(text: str, prefix: int) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    entry = {"interface": "eth1", "address": text, "prefix": prefix}
    return lambda _, host: host["addresses"].append(entry)


def media_path(path: str, value: dict[str, Any]) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    return lambda _, host: host["paths"].update({path: value})


def separate(setting: str) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    def change(stack: dict[str, Any], host: dict[str, Any]) -> None:
        stack["media"]["separate_filesystems"] = setting
        host["paths"]["/srv/media/library"] = directory(2050)

    return change


def full_disk(**values: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    entry = {"path": "/opt/mediastack", "device": "/dev/sda1", "total": 99 * GIB, "free": 2 * GIB}
    return lambda _, host: host.update(filesystems=[entry | values])


def both(*changes: Callable[..., object]) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    def change(stack: dict[str, Any], host: dict[str, Any]) -> None:
        for one in changes:
            one(stack, host)

    return change


FOREIGN = {"name": "radarr", "image": "someone/radarr:1", "labels": {"com.docker.compose.project": "old"}}

REFUSED = {
    "old debian": (operating_system(id="debian", version_id="11"), "debian 11 is not supported", "Debian 12 or 13"),
    "unknown system": (operating_system(id="alpine", version_id="3.20"), "alpine 3.20 is not supported", "Debian 12"),
    "no root": (lambda _, host: host.update(uid=1000, sudo=False), "cannot use sudo", "--ask-become-pass"),
    "no build": (
        both(
            lambda _, host: host.update(arch="arm64"),
            lambda stack, _: stack["instances"]["jellyfin"].update(architectures=["amd64"]),
        ),
        "jellyfin: jellyfin/jellyfin:12.1 is not built for arm64, only amd64",
        "jellyfin: {enabled: false}",
    ),
    "full disk": (full_disk(), "/opt/mediastack (/dev/sda1) has 2.0 GiB free, 10.0 GiB", "images.free_space"),
    "full engine disk": (
        both(
            full_disk(path="/data/docker"),
            lambda _, host: host.update(engine={"root_dir": "/data/docker"}),
        ),
        "/data/docker (/dev/sda1) has 2.0 GiB free",
        "free some space",
    ),
    "foreign container": (
        lambda _, host: host["containers"].append(FOREIGN),
        "radarr: a container called radarr exists and is not ours (image someone/radarr:1)",
        "docker rename radarr radarr-old",
    ),
    "foreign network": (
        network(name="mediastack_zone_apps"),
        "A network called mediastack_zone_apps exists and is not ours",
        "mediastack_network.name",
    ),
    "foreign subnet": (
        network(subnets=["2001:db8::/64", "172.31.0.0/16"]),
        "mediastack_zone_apps (172.31.240.0/24) overlaps the foreign network other",
        "mediastack_network.subnet",
    ),
    "own address": (
        address("172.31.242.9", 23),
        "mediastack_zone_socket (172.31.242.0/24) overlaps 172.31.242.9/23 of interface eth1",
        "mediastack_network.subnet",
    ),
    "foreign process": (listening(), "caddy: 443/tcp is held by nginx (pid 77) on 0.0.0.0", "stop nginx"),
    "foreign process on one address": (listening(address="192.0.2.10"), "held by nginx (pid 77) on 192.0.2.10", "stop"),
    "foreign process on v6": (listening(address="::"), "443/tcp is held by nginx", "stop nginx"),
    "unknown process": (listening(process=None, pid=None), "held by an unknown process on", "another port"),
    "no media root": (media_path("/srv/media", missing()), "/srv/media does not exist", "mkdir -p /srv/media"),
    "file as media root": (
        media_path("/srv/media", directory() | {"is_dir": False}),
        "/srv/media is not a folder",
        "mediastack_media.root",
    ),
    "separate disks": (separate("fail"), "/srv/media/library are on different file systems", "warn"),
    "broken daemon.json": (
        lambda _, host: host["docker"].update(daemon_error="it is not valid JSON: Expecting value: line 1 column 1"),
        "/etc/docker/daemon.json: it is not valid JSON: Expecting value: line 1 column 1.",
        "python3 -m json.tool /etc/docker/daemon.json",
    ),
    "no tunnel": (lambda _, host: host.update(tun=False), "gluetun: the server has no /dev/net/tun", "modprobe tun"),
}


def down_and(change: Callable[..., object]) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    return lambda stack, host: (engine_down(stack, host), change(stack, host))[0]


STILL_REFUSED = {
    "another network": (address("172.31.240.9", 24), "overlaps 172.31.240.9/24 of interface eth1"),
    "another size": (address("172.31.240.1", 20), "overlaps 172.31.240.1/20 of interface eth1"),
    "not in the record": (
        lambda _, host: host["generation"]["stack"]["networks"].clear(),
        "overlaps 172.31.240.1/24 of interface br-0",
    ),
    "an engine that answers": (
        lambda _, host: host.update(engine={"root_dir": "/var/lib/docker"}),
        "overlaps 172.31.240.1/24 of interface br-0",
    ),
    "another process": (listening(), "443/tcp is held by nginx"),
}


@pytest.mark.parametrize("case", STILL_REFUSED)
def test_refused_while_the_engine_is_down(case: str) -> None:
    change, text = STILL_REFUSED[case]
    refusals, _, _ = found(down_and(change))
    assert any(text in refusal for refusal in refusals), refusals


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_what_and_remedy(case: str) -> None:
    change, text, remedy = REFUSED[case]
    refusals, _, message = found(change)
    assert any(text in refusal for refusal in refusals), refusals
    assert text in message
    assert remedy in message
    assert message.startswith("nas: ")
    assert "Nothing was changed." in message


def engine_down(stack: dict[str, Any], host: dict[str, Any]) -> None:
    """As applied, but nobody can be asked what is ours; a forwarder was left behind."""
    applied(stack, host)
    host.update(engine=None, networks=[], containers=[])
    host["generation"]["stack"] = copy.deepcopy(stack)
    host["listening"] = [{**item, "ours": False} for item in host["listening"]]


PASSED = {
    "engine down": engine_down,
    "debian 12": operating_system(id="debian", version_id="12"),
    "another port": listening(port=8443),
    "another protocol": listening(protocol="udp"),
    "ours": listening(ours=True),
    "sudo": lambda _, host: host.update(uid=1000, sudo=True),
    "another container": lambda _, host: host["containers"].append(FOREIGN | {"name": "radarr-old"}),
    "neighbouring subnet": network(subnets=["172.31.224.0/20"]),
    "network without subnet": network(subnets=[]),
    "point to point": address("172.30.0.1", 32),
    "another disk": full_disk(path="/mnt/backup"),
    "no gateway, no tunnel": both(
        lambda stack, _: stack["instances"].pop("gluetun"),
        lambda stack, _: stack["instances"].pop("qbittorrent"),
        lambda _, host: host.update(tun=False),
    ),
}


@pytest.mark.parametrize("case", PASSED)
def test_passed_without_a_word(case: str) -> None:
    assert found(PASSED[case])[:2] == ([], [])


NOTICED = {
    "ubuntu": (operating_system(id="ubuntu", version_id="24.04", pretty="Ubuntu 24.04"), "Ubuntu 24.04 is not tested"),
    "cachyos": (operating_system(id="cachyos", family="arch"), "cachyos is not tested"),
    "fedora": (operating_system(id="fedora", version_id="43"), "fedora 43 is not tested"),
    "debian testing": (operating_system(id="debian", version_id=""), "debian is not tested"),
    "separate disks": (separate("warn"), "imports will be copies"),
    "full disk, nothing to pull": (both(applied, full_disk()), "has 2.0 GiB free"),
}


@pytest.mark.parametrize("case", NOTICED)
def test_noticed_and_passed(case: str) -> None:
    change, text = NOTICED[case]
    refusals, notices, _ = found(change)
    assert refusals == []
    assert len(notices) == 1
    assert text in notices[0]


def test_everything_at_once_is_one_message() -> None:
    refusals, _, message = found(both(*(change for change, _, _ in REFUSED.values())))
    assert len(refusals) >= 12
    assert message.count("Remedy:") == len(refusals)
    assert message.startswith(f"nas: {len(refusals)} things in the way.")


def test_facts_that_were_not_asked_for_are_not_taken_for_good_ones() -> None:
    host = server()
    del host["paths"]["/srv/media"]
    with pytest.raises(ValueError, match="host_facts was not asked about /srv/media"):
        check(example_stack(), host)
    assert set(paths_to_ask(example_stack())) == set(server()["paths"])


def test_the_input_is_left_alone() -> None:
    stack, host = example_stack(), server()
    before = copy.deepcopy((stack, host))
    check(stack, host)
    assert (stack, host) == before
