"""A container whose socket of the server was made anew is found out, also before that happens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mediastack.core.plugins.module_utils import recorded
from ansible_collections.mediastack.core.plugins.module_utils.engine_socket import stale, stale_after_start
from ansible_collections.mediastack.core.plugins.module_utils.stack_diff import diff

SOCKET = "/nowhere/docker.sock"
# As a kernel of Debian 13 prints it.
LINE = "259 254 0:118 {root} /run/docker.sock ro,nosuid,nodev,relatime - tmpfs tmpfs rw\n"
OTHER = "254 200 0:44 / / rw,relatime - overlay overlay rw\n256 254 0:30 /lib/x.sock /x.sock rw - ext4 d rw\n"
HEARD = (
    "Num       RefCount Protocol Flags    Type St Inode Path\n0000: 00000002 00000000 00010000 0001 01 2005632 {path}\n"
)


def processes(tmp_path: Path, root: str | None, heard: str = "") -> str:
    """A /proc with one process that sees the socket as `root`, and one that sees none."""
    for pid, text in {"7": OTHER + (LINE.format(root=root) if root else ""), "8": OTHER}.items():
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "mountinfo").write_text(text)
    (tmp_path / "9").mkdir()  # it has just ended
    (tmp_path / "net").mkdir()
    (tmp_path / "net/unix").write_text(HEARD.format(path=heard) + "0000: 00000003 00000000 00000000 0001 03 77\n")
    return str(tmp_path)


def container(pid: int = 7, source: str = SOCKET) -> dict[str, Any]:
    return {"State": {"Pid": pid}, "Mounts": [{"Source": "/opt/config"}, {"Source": source}]}


@pytest.mark.parametrize(
    ("root", "asked", "found"),
    [
        ("/docker.sock//deleted", container(), SOCKET),
        ("/nowhere/docker.sock//deleted", container(), SOCKET),
        ("/docker.sock", container(), None),
        (None, container(), None),
        ("/other.sock//deleted", container(), None),
        ("/docker.sock//deleted", container(pid=8), None),
        ("/docker.sock//deleted", container(pid=0), None),
        ("/docker.sock//deleted", container(pid=9), None),
        ("/docker.sock//deleted", {"State": {"Pid": 7}, "Mounts": None}, None),
    ],
)
def test_a_running_container(tmp_path: Path, root: str | None, asked: dict[str, Any], found: str | None) -> None:
    assert stale(asked, processes(tmp_path, root)) == found


@pytest.mark.parametrize(
    ("root", "heard", "renewed"),
    [
        ("/docker.sock", "", True),  # the engine will make another
        ("/docker.sock", SOCKET, False),  # systemd still listens: the engine takes this one
        ("/docker.sock//deleted", SOCKET, True),
        (None, "", False),  # no container lives on
    ],
)
def test_while_the_engine_is_down(tmp_path: Path, root: str | None, heard: str, *, renewed: bool) -> None:
    assert stale_after_start([SOCKET], processes(tmp_path, root, heard)) == ({SOCKET} if renewed else set())


def test_nothing_is_read_where_no_one_mounts_a_socket() -> None:
    assert stale_after_start([], "/does/not/exist") == set()


def test_it_is_recreated_and_the_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    one = {"reference": "r/x:1", "digest": None, "spec": "s", "gateway": None, "workload": "service", "networks": []}
    services = {name: {**one, "container": name} for name in ("proxy", "app")}
    record = {
        "services": {name: {**service, "project": "p"} for name, service in services.items()},
        "stack": {"networks": [], "instances": {"proxy": {"volumes": [{"source": SOCKET}]}}},
    }
    module = "ansible_collections.mediastack.core.plugins.module_utils.engine_socket.stale_after_start"
    monkeypatch.setattr(module, set)
    actual = recorded.containers_and_networks(record, "mediastack")
    changes = diff({"projects": [{"name": "p", "services": services}], "networks": []}, actual)
    assert [(item["instance"], item["action"], item["reason"]) for item in changes] == [
        ("proxy", "recreate", f"{SOCKET} is another one since it was started")
    ]
