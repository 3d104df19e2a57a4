"""confined, limits: each thing that a container must not hold is seen, in the kernel's words or in Docker's."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from tests.unit.modules.verify_doubles import container, context

from ansible_collections.mediastack.core.plugins.module_utils.checks import confined as module
from ansible_collections.mediastack.core.plugins.module_utils.checks.confined import confined, limits
from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import Accepted, Failed

CHECK: dict[str, Any] = {
    "container": "radarr",
    "capabilities": ["CHOWN", "SETGID", "SETUID"],
    "no_new_privileges": True,
    "read_only": False,
    "because": "its init writes below /run",
    "devices": [],
    "host_network": False,
    "engine_socket": False,
}
LOG = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
STATUS = {"CapBnd": "00000000000000c1", "NoNewPrivs": "1", "Seccomp": "2"}  # CHOWN, SETGID, SETUID
PID = 4242


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the kernel says of a process that is confined, and of ourselves."""
    monkeypatch.setattr(module, "PROC", str(tmp_path))
    for name, number in (("self", 1), (str(PID), 2)):
        (tmp_path / name / "ns").mkdir(parents=True)
        for kind in module.NAMESPACES:
            (tmp_path / name / "ns" / kind).symlink_to(f"{kind}:[{number}]")
    says(tmp_path)
    return tmp_path


def says(proc: Path, **more: str) -> None:
    lines = [f"{key}:\t{value}" for key, value in {"Name": "radarr", **STATUS, **more}.items()]
    (proc / str(PID) / "status").write_text("\n".join(lines) + "\n")


def judged(check: dict[str, Any] | None = None, /, mounts: list[dict[str, Any]] | None = None, **config: Any) -> str:
    found = container("radarr", pid=PID)
    raw = {**found.raw, "HostConfig": {"LogConfig": LOG, **config}, "Mounts": mounts or []}
    return confined({**CHECK, **(check or {})}, context(dataclasses.replace(found, raw=raw)))


def test_a_confined_container_says_what_it_holds(proc: Path) -> None:
    assert judged() == "CHOWN, SETGID, SETUID; root is writable: its init writes below /run"


def test_holding_less_than_declared_is_fine(proc: Path) -> None:
    says(proc, CapBnd="0000000000000000")
    assert judged({"read_only": True}, ReadonlyRootfs=True) == "no capabilities; root is read-only"


@pytest.mark.parametrize(
    ("status", "evidence"),
    [
        ({"CapBnd": "00000000000010c1"}, "holds NET_ADMIN, not declared"),
        ({"CapBnd": "000001ffffffffff"}, "SYS_ADMIN"),
        ({"CapBnd": "0000020000000000"}, "holds capability 41, not declared"),
        ({"CapBnd": ""}, "SYS_MODULE"),
        ({"NoNewPrivs": "0"}, "its programs may gain privileges"),
        ({"NoNewPrivs": ""}, "its programs may gain privileges"),
        ({"Seccomp": "0"}, "its system calls are not filtered"),
    ],
)
def test_what_the_kernel_says_counts(proc: Path, status: dict[str, str], evidence: str) -> None:
    says(proc, **status)
    with pytest.raises(Failed, match=evidence):
        judged()


@pytest.mark.parametrize("kind", ["pid", "ipc", "uts", "net"])
def test_a_namespace_of_the_hosts_is_seen(proc: Path, kind: str) -> None:
    link = proc / str(PID) / "ns" / kind
    link.unlink()
    link.symlink_to(f"{kind}:[1]")
    with pytest.raises(Failed, match=f"shares the host's {module.NAMESPACES[kind]}"):
        judged()
    if kind == "net":
        assert judged({"host_network": True})


def test_a_namespace_that_cannot_be_read_is_no_pass(proc: Path) -> None:
    (proc / str(PID) / "ns" / "pid").unlink()
    with pytest.raises(Failed, match="its pid namespace cannot be read"):
        judged()


@pytest.mark.parametrize(
    "source", ["/var/run/docker.sock", "/run/docker.sock", "/run", "/var/run/", "/", "/run/containerd"]
)
def test_the_engines_socket_is_for_the_socket_proxy_alone(proc: Path, source: str) -> None:
    mounts = [{"Type": "bind", "Source": source, "Destination": "/x"}]
    with pytest.raises(Failed, match=f"has the engine's socket, by {source}"):
        judged(mounts=mounts)
    assert judged({"engine_socket": True}, mounts=mounts)


@pytest.mark.parametrize("source", ["/srv/media", "/run/mediastack", "/opt/run/docker.sock", "/var/runner"])
def test_other_mounts_are_fine(proc: Path, source: str) -> None:
    assert judged(mounts=[{"Type": "bind", "Source": source}, {"Type": "tmpfs"}])


def test_a_device_has_to_be_declared(proc: Path) -> None:
    tun = [{"PathOnHost": "/dev/net/tun"}]
    with pytest.raises(Failed, match="is given /dev/net/tun, not declared"):
        judged(Devices=tun)
    assert judged({"devices": ["/dev/net/tun"]}, Devices=tun)


@pytest.mark.parametrize(
    "log",
    [
        {"Type": "json-file", "Config": {}},
        {"Type": "json-file", "Config": {"max-size": "10m"}},
        {"Type": "syslog", "Config": {"max-size": "10m", "max-file": "3"}},
        {},
    ],
)
def test_a_log_without_bounds_fails(proc: Path, log: dict[str, Any]) -> None:
    with pytest.raises(Failed, match="has no bounds"):
        judged(LogConfig=log)


@pytest.mark.parametrize("driver", ["local", "journald", "none"])
def test_drivers_that_bound_logs_themselves_are_fine(proc: Path, driver: str) -> None:
    assert judged(LogConfig={"Type": driver, "Config": {}})


def test_a_root_that_can_be_written_needs_a_reason(proc: Path) -> None:
    with pytest.raises(Failed, match="no reason is declared"):
        judged({"because": ""})
    with pytest.raises(Failed, match=r"^its root can be written$"):
        judged({"read_only": True})


def test_what_is_declared_to_gain_privileges_may(proc: Path) -> None:
    says(proc, NoNewPrivs="0")
    assert judged({"no_new_privileges": False})


def test_all_that_is_wrong_is_said_at_once(proc: Path) -> None:
    says(proc, NoNewPrivs="0", Seccomp="0")
    with pytest.raises(Failed, match="gain privileges; its system calls are not filtered; its log"):
        judged(LogConfig={})


def test_a_process_that_ended_meanwhile_fails(proc: Path) -> None:
    (proc / str(PID) / "status").unlink()
    with pytest.raises(Failed, match="the process of radarr cannot be read"):
        judged()


ITEM = {"instance": "radarr", "container": "radarr", "memory": 1024**3, "pids": 512}


def limited(item: dict[str, Any] | None = None, /, *, known: bool = False, **config: Any) -> str:
    found = container("radarr")
    raw = {**found.raw, "HostConfig": config}
    check = {"instances": [{**ITEM, **(item or {})}], "known": known}
    return limits(check, context(dataclasses.replace(found, raw=raw)))


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    able = {"memory", "pids"}
    monkeypatch.setattr(module, "abilities", lambda: able)
    return able


def test_limits_are_as_declared(engine: set[str]) -> None:
    assert limited(Memory=1024**3, PidsLimit=512) == "1 containers: 1.0 GiB, 512 processes at most"


@pytest.mark.parametrize(
    ("item", "config", "evidence"),
    [
        ({}, {"Memory": 0, "PidsLimit": 512}, "radarr: no limit of memory"),
        ({}, {"Memory": 1024**3, "PidsLimit": None}, "radarr: no limit of pids"),
        ({}, {"Memory": 1024**3, "PidsLimit": -1}, "radarr: no limit of pids"),
        ({}, {"Memory": 2 * 1024**3, "PidsLimit": 512}, "memory 2147483648 instead of 1073741824"),
        ({"memory": 0}, {"Memory": 0, "PidsLimit": 512}, "no limit of memory is declared"),
        ({"pids": 0}, {"Memory": 1024**3, "PidsLimit": 0}, "no limit of pids is declared"),
    ],
)
def test_a_limit_that_is_missing_or_another_fails(
    engine: set[str], item: dict[str, Any], config: dict[str, Any], evidence: str
) -> None:
    with pytest.raises(Failed, match=evidence) as failed:
        limited(item, **config)
    assert not isinstance(failed.value, Accepted)


def test_a_kernel_that_cannot_limit_is_a_warning_that_says_so(engine: set[str]) -> None:
    engine.clear()
    with pytest.raises(Accepted, match="cannot limit memory and pids"):
        limited(Memory=0, PidsLimit=None)


def test_an_owner_may_know_that_the_kernel_cannot_limit(engine: set[str]) -> None:
    engine.clear()
    assert limited(known=True, Memory=0, PidsLimit=None).endswith("accepted by mediastack_compose.limits")
    engine |= {"memory", "pids"}
    with pytest.raises(Failed, match="no limit of memory"):
        limited(known=True, Memory=0, PidsLimit=512)


def test_a_kernel_that_cannot_limit_memory_excuses_nothing_else(engine: set[str]) -> None:
    engine.discard("memory")
    for item, config in (({}, {"Memory": 0, "PidsLimit": 0}), ({"pids": 0}, {"Memory": 0, "PidsLimit": 0})):
        with pytest.raises(Failed) as failed:
            limited(item, **config)
        assert not isinstance(failed.value, Accepted)


@pytest.mark.parametrize(
    ("said", "able"),
    [("false false", set()), ("true false", {"memory"}), ("true true", {"memory", "pids"}), ("", {"memory", "pids"})],
)
def test_the_engine_says_what_it_can_limit(monkeypatch: pytest.MonkeyPatch, said: str, able: set[str]) -> None:
    monkeypatch.setattr(module.Docker, "must", lambda *_words: said + "\n")
    assert module.abilities() == able
