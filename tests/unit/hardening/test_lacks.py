"""auditd, AppArmor and the time service: what is done where the kernel has what they need, and where it has not."""

from __future__ import annotations

import errno
import socket
import struct
from typing import Any, Self

import pytest
from tests.unit.hardening.support import ITEMS, choice, facts, settled

from ansible_collections.mediastack.core.plugins.filter.hardening import hardening_differs
from ansible_collections.mediastack.core.plugins.module_utils import hardening_host
from ansible_collections.mediastack.core.plugins.plugin_utils.hardening import plan as planner

RULES = "/etc/audit/rules.d/60-mediastack.rules"
TIME = "/etc/systemd/timesyncd.conf.d/60-mediastack.conf"
OFF = {"active": "inactive", "enabled": "disabled", "started": 0, "refused": False}
RUNS = {"active": "active", "enabled": "enabled", "started": 200, "refused": False}


def without(*packages: str, **changes: Any) -> dict[str, Any]:
    """A server with nothing of it, which lacks some packages, too."""
    found = facts(choice(), **changes)
    found["packages"] |= dict.fromkeys(packages, False)
    return found


def actions(planned: dict[str, Any]) -> dict[str, str]:
    return {unit["name"]: unit["action"] for unit in planned["host"]["units"]}


def paths(planned: dict[str, Any]) -> list[str]:
    return [file["path"] for file in planned["files"]]


def test_where_the_kernel_has_audit_its_rules_are_written_loaded_and_its_service_runs() -> None:
    planned = planner.plan(choice(), without("auditd", audit=True))
    assert "auditd" in planned["install"]
    assert RULES in paths(planned)
    assert planned["host"]["loads"] == [["/usr/sbin/augenrules", "--load"]]
    assert actions(planned)["auditd.service"] == "on"


def test_where_it_has_none_nothing_of_audit_is_brought() -> None:
    planned = planner.plan(choice(), without("auditd", audit=False))
    assert "auditd" not in planned["install"]
    assert RULES not in paths(planned)
    assert planned["host"]["loads"] == []
    assert "auditd.service" not in actions(planned)
    assert "audit: this kernel has no audit here" in planned["notes"]
    assert "audit-service: this kernel has no audit here" in planned["notes"]


def test_rules_of_audit_are_loaded_once_and_again_when_they_change() -> None:
    found = settled(choice())
    found["units"]["auditd.service"] = dict(RUNS)
    assert not hardening_differs(planner.plan(choice(), found))
    found["states"][RULES]["mtime"] = 300
    assert planner.plan(choice(), found)["host"]["loads"] == [["/usr/sbin/augenrules", "--load"]]


def test_rules_of_audit_go_with_a_kernel_that_has_lost_it() -> None:
    """A server that becomes a container, or the other way round: what is there is neither changed nor missed."""
    found = settled(choice())
    found["audit"] = False
    assert not hardening_differs(planner.plan(choice(), found))


@pytest.mark.parametrize("has", [True, False])
def test_apparmor_is_brought_where_the_kernel_has_it(has: bool) -> None:
    planned = planner.plan(choice(), without("apparmor", "apparmor-utils", apparmor=has))
    assert ({"apparmor", "apparmor-utils"} <= set(planned["install"])) is has
    assert ("apparmor.service" in actions(planned)) is has
    assert ("apparmor: this kernel has no AppArmor here" in planned["notes"]) is not has


def test_the_time_service_is_brought_set_up_and_started() -> None:
    planned = planner.plan(choice(), without("systemd-timesyncd"))
    assert "systemd-timesyncd" in planned["install"]
    assert TIME in paths(planned)
    assert actions(planned)["systemd-timesyncd.service"] == "on"


def test_the_time_service_is_restarted_for_other_servers_only_where_it_runs() -> None:
    found = settled(choice())
    found["states"][TIME]["mtime"] = 300
    found["units"]["systemd-timesyncd.service"] = dict(RUNS)
    assert actions(planner.plan(choice(), found)) == {"systemd-timesyncd.service": "restart"}
    found["units"]["systemd-timesyncd.service"] = {**OFF, "enabled": "masked"}
    assert actions(planner.plan(choice(), found)) == {}


@pytest.mark.parametrize("rival", ["chrony", "ntpsec", "ntp", "openntpd"])
def test_another_time_service_is_neither_replaced_nor_disturbed(rival: str) -> None:
    found = without("systemd-timesyncd")
    found["packages"][rival] = True
    planned = planner.plan(choice(), found)
    assert "systemd-timesyncd" not in planned["install"]
    assert "systemd-timesyncd.service" not in actions(planned)
    assert TIME not in paths(planned)
    assert f"time-service: {rival} does that here" in planned["notes"]


def test_rules_of_audit_watch_what_is_there_and_name_a_key_each() -> None:
    [item] = [item for item in ITEMS if item["name"] == "audit"]
    lines = [line for line in item["files"][0]["content"].splitlines() if not line.startswith("#")]
    assert len(lines) == len(set(lines))
    for line in lines:
        assert line.startswith(("-w /", "-a always,exit -F arch=b64 -S ")), line
        assert " -k " in line, line


class Link:
    """A netlink socket whose kernel answers with `kind` and `code`, or refuses to be asked."""

    def __init__(self, kind: int = 0, code: int = 0, refusal: int = 0) -> None:
        self.answer = hardening_host.NETLINK_HEADER.pack(20, kind, 0, 1, 0) + struct.pack("=i", code)
        self.refusal = refusal

    def __call__(self, *_arguments: int) -> Link:
        if self.refusal:
            raise OSError(self.refusal, "refused")
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def settimeout(self, _seconds: float) -> None:
        pass

    def sendto(self, data: bytes, _where: tuple[int, int]) -> None:
        assert hardening_host.NETLINK_HEADER.unpack(data)[1] == hardening_host.AUDIT_GET

    def recv(self, _size: int) -> bytes:
        return self.answer


@pytest.mark.parametrize(
    ("link", "has"),
    [
        (Link(hardening_host.AUDIT_GET), True),
        (Link(2, 0), True),
        (Link(2, -errno.EPERM), False),  # another PID namespace, as in a container
        (Link(2, -errno.ECONNREFUSED), False),  # another user namespace
        (Link(refusal=errno.EPROTONOSUPPORT), False),  # a kernel without it
    ],
)
def test_whether_the_kernel_answers_about_audit(link: Link, has: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", link)
    assert hardening_host.has_audit() is has


@pytest.mark.parametrize(("text", "has"), [("Y\n", True), ("N\n", False), ("", False)])
def test_whether_the_kernel_has_apparmor(text: str, has: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: str) -> str:
        return text if path == "/sys/module/apparmor/parameters/enabled" else ""

    monkeypatch.setattr(hardening_host.host_system, "read", read)
    asked: dict[str, list[str]] = {
        key: [] for key in ("paths", "texts", "patterns", "kernel_settings", "packages", "units", "mounts")
    }
    assert hardening_host.gather(asked)["apparmor"] is has
