"""What is read of a server: parsers on recorded text, and this very machine."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.unit.modules.docker_double import Recorder, listing, raw

from ansible_collections.mediastack.core.plugins.filter.views import due
from ansible_collections.mediastack.core.plugins.module_utils import host_net, host_system
from ansible_collections.mediastack.core.plugins.module_utils.apps.set_up import SET_UPS
from ansible_collections.mediastack.core.plugins.module_utils.apps.setting_up import Outcome
from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import Output
from ansible_collections.mediastack.core.plugins.module_utils.host_survey import ask, engine_facts, gather, shown
from ansible_collections.mediastack.core.plugins.module_utils.http import HttpError

# ruff: noqa: E501 - the kernel's tables are as wide as they are
TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 0100007F:0277 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
   2: 0100007F:0277 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0
"""
TCP6 = """  sl  local_address                         remote_address                        st tx rx tr tm retr uid timeout inode
   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4714 1 0 100 0 0 10 0
   1: B80D0120000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4715 1 0 100 0 0 10 0
"""
UDP = """   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  1: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4716 2 0000000000000000 0
  2: 0100007F:1234 0100007F:0035 01 00000000:00000000 00:00000000 00000000     0        0 4717 2 0000000000000000 0
"""
NO_ENGINE = Output(1, "null", "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.")
NO_DOCKER = Output(127, "", "docker: not found")
PARAMS = {
    "paths": ["/", "/no/such/path"],
    "states": ["/", "/no/such/path"],
    "kernel_settings": ["kernel.ostype", "no.such.setting"],
    "users": ["root", "nobody-of-that-name"],
    "groups": ["root"],
    "packages": [],
    "state_directory": "/no/such/state",
    "label_prefix": "mediastack",
    "hash_key": "",
    "applications": [],
    "sign_ins": {},
}


def test_listening_sockets_only() -> None:
    found = [(item["address"], item["port"], item["inode"]) for item in host_net.parse_sockets(TCP, "tcp")]
    assert found == [("0.0.0.0", 443, 4711), ("127.0.0.1", 631, 4712)]
    found6 = [(item["address"], item["port"]) for item in host_net.parse_sockets(TCP6, "tcp")]
    assert found6 == [("::", 22), ("2001:db8::1", 80)]
    assert [(item["address"], item["port"]) for item in host_net.parse_sockets(UDP, "udp")] == [("0.0.0.0", 53)]


@pytest.mark.parametrize(
    ("line", "address"),
    [
        (
            "docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 443 -container-ip 198.18.0.5 -container-port 443",
            "198.18.0.5",
        ),
        ("docker-proxy --proto tcp --container-ip 2001:db8::5 --container-port 443 -use-listen-fd", "2001:db8::5"),
        ("docker-proxy -container-ip", ""),
    ],
)
def test_whose_port_a_docker_proxy_publishes(line: str, address: str) -> None:
    assert host_net.proxied_address(line.split()) == address


def test_a_socket_of_this_process_is_found_with_pid_and_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = [
            item  # other programs may have this port of another protocol, or of another address
            for item in host_net.listening(set(), [])
            if (item["protocol"], item["address"], item["port"]) == ("tcp", "127.0.0.1", port)
        ]
    assert len(found) == 1
    assert (found[0]["pid"], found[0]["ours"]) == (os.getpid(), False)
    assert found[0]["process"]


def test_addresses_with_and_without_ip(monkeypatch: pytest.MonkeyPatch) -> None:
    loopback = {"interface": "lo", "address": "127.0.0.1", "prefix": 8}
    assert loopback in host_net.addresses()
    monkeypatch.setattr(host_net, "run_command", lambda *_: Output(127, "", "ip: not found"))
    assert loopback in host_net.addresses()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n',
            ("debian", "13", "trixie", "debian"),
        ),
        (
            'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\n',
            ("ubuntu", "24.04", "noble", "debian"),
        ),
        ("ID=cachyos\nID_LIKE=arch\n", ("cachyos", "", "", "arch")),
        ("ID=endeavouros\nID_LIKE='arch'\n", ("endeavouros", "", "", "arch")),
        ('ID=fedora\nVERSION_ID=42\nVERSION_CODENAME=""\n', ("fedora", "42", "", "redhat")),
        ('ID="almalinux"\nID_LIKE="rhel centos fedora"\n', ("almalinux", "", "", "redhat")),
        ("ID=plan9\n", ("plan9", "", "", "plan9")),
        ("", ("", "", "", "")),
    ],
)
def test_os_release(text: str, expected: tuple[str, ...]) -> None:
    found = host_system.parse_os_release(text)
    assert (found["id"], found["version_id"], found["codename"], found["family"]) == expected


def test_mounts_with_a_space_and_one_over_another() -> None:
    text = (
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "30 22 8:2 / /srv/my\\040media rw shared:1 - xfs /dev/sdb1 rw\n"
        "31 22 8:3 / /srv/my\\040media rw - ext4 /dev/sdc1 rw\nnonsense\n"
    )
    mounts = host_system.parse_mounts(text)
    assert [(item["path"], item["device"]) for item in mounts] == [("/", "/dev/sda1"), ("/srv/my media", "/dev/sdc1")]
    assert host_system.mount_of("/srv/my media/films", mounts) == "/srv/my media"
    assert host_system.mount_of("/srv/my mediation", mounts) == "/"


def test_a_path_that_is_not_there_has_the_device_it_would_be_on(tmp_path: Path) -> None:
    found = host_system.describe_path(f"{tmp_path}/a/b")
    assert (found["exists"], found["device"]) == (False, tmp_path.stat().st_dev)
    assert host_system.describe_path(str(tmp_path))["is_dir"]


def test_a_held_lock_is_seen_without_taking_it() -> None:
    locks = "1: POSIX  ADVISORY  WRITE 812 fd:00:4242 0 EOF\n2: FLOCK  ADVISORY  WRITE 1 00:1a:7 0 EOF\n"
    assert host_system.held(locks, [(os.makedev(0xFD, 0), 4242)])
    assert not host_system.held(locks, [(os.makedev(0xFD, 0), 4243)])
    assert not host_system.held(locks, [])


@pytest.mark.parametrize("answer", [NO_ENGINE, NO_DOCKER])
def test_without_an_engine_everything_else_is_still_told(answer: Output) -> None:
    found = gather(PARAMS, Recorder(("", answer)).docker)
    assert found["engine"] is None
    assert found["containers"] == found["networks"] == []
    assert found["generation"] is None
    assert found["paths"]["/"]["is_dir"] is True
    assert found["paths"]["/no/such/path"]["exists"] is False
    assert found["states"]["/"]["kind"] == "directory"
    assert found["states"]["/no/such/path"] == {"kind": "missing"}
    assert found["kernel_settings"]["kernel.ostype"]["value"] == "Linux"
    assert found["kernel_settings"]["no.such.setting"] == {"value": "", "reason": "this kernel does not have it"}
    assert list(found["users"]) == ["root"]
    assert (found["users"]["root"]["uid"], found["users"]["root"]["gid"]) == (0, 0)
    assert any(item["path"] == "/" for item in found["filesystems"])
    json.dumps(found)


def test_an_engine_with_and_without_compose() -> None:
    answers = [
        ("version", '{"Version": "26.1.5", "ApiVersion": "1.45"}'),
        ("info", '{"DockerRootDir": "/var/lib/docker", "LiveRestoreEnabled": true}'),
        ("ps", "id-app\n"),
        ("container inspect", listing(raw("app", health="healthy"))),
        ("network ls", ""),
    ]
    with_it = engine_facts(Recorder(*answers, ("compose", "v2.26.1-4\n")).docker)
    assert with_it["engine"] == {
        "version": "26.1.5",
        "api": "1.45",
        "compose": "2.26.1",
        "root_dir": "/var/lib/docker",
        "live_restore": True,
    }
    without = engine_facts(Recorder(*answers, ("compose", Output(1, "", "'compose' is not a docker command"))).docker)
    assert without["engine"]["compose"] is None
    assert len(without["raw_containers"]) == 1


def test_labels_of_others_are_not_told() -> None:
    labels = {"traefik.auth": "user:SENTINEL", "mediastack.managed": "true", "com.docker.compose.project": "p"}
    found = shown({"name": "x", "labels": labels}, "mediastack")
    assert found["labels"] == {"mediastack.managed": "true", "com.docker.compose.project": "p"}


RADARR = {"instance": "radarr", "kind": "servarr-v3", "url": "http://127.0.0.1:9", "username": "admin", "timeout": 1}
KNOWN = {"radarr": {"api_key": "k", "password": "p"}}


@pytest.mark.parametrize(
    ("running", "secrets"), [(set(), KNOWN), ({"sonarr"}, KNOWN), ({"radarr"}, {}), ({"radarr"}, {"radarr": {}})]
)
def test_applications_are_asked_only_when_they_run_and_their_secrets_are_known(running: set[str], secrets: Any) -> None:
    assert ask({"applications": [RADARR], "sign_ins": secrets}, running) is None


def test_what_an_application_has_left_is_told_with_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, str, bool]] = []

    def look(app: dict[str, Any], *, check_mode: bool) -> Outcome:
        seen.append((app["instance"], app["password"], check_mode))
        return Outcome(["username"], notice="by hand")

    monkeypatch.setitem(SET_UPS, "servarr-v3", look)
    found = ask({"applications": [RADARR], "sign_ins": KNOWN}, {"radarr"})
    assert found == {"applications": {"radarr": {"actions": ["username"], "error": None}}, "notices": ["by hand"]}
    assert seen == [("radarr", "p", True)]


def test_one_that_does_not_answer_is_left_to_its_role(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(*_: Any, **__: Any) -> Outcome:
        raise HttpError("no answer")

    monkeypatch.setitem(SET_UPS, "servarr-v3", look)
    found = ask({"applications": [RADARR], "sign_ins": KNOWN}, {"radarr"})
    assert found is not None
    assert due([RADARR], found)
