"""Auditors are run where they are; what is installed for the run, and only that, is removed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mediastack.core.plugins.module_utils import audit_tools
from ansible_collections.mediastack.core.plugins.modules import audit as module

REPORT = "hardening_index=86\nwarning[]=KRNL-6000|Differs|-|-|\n"
PARAMS: dict[str, Any] = {
    "tools": ["lynis"],
    "install": False,
    "address": None,
    "port": None,
    "profile": "cis_level1_server",
    "content": "",
    "also": [],
    "record": True,
}


class Machine:
    """A server's programs and packages, as far as the tools ask for them."""

    def __init__(self, *programs: str) -> None:
        self.programs = set(programs)
        self.packages = {"bash", "libc6"}
        self.calls: list[list[str]] = []
        self.broken = ""

    def find(self, name: str) -> str | None:
        return f"/usr/bin/{name}" if name in self.programs else None

    def call(self, argv: Sequence[str], _accepted: Sequence[int] = (0,)) -> str:
        words = list(argv)
        self.calls.append(words)
        if self.broken and self.broken in words:
            raise audit_tools.AuditError(f"{words[0]}: broken")
        if words[0] == "apt-get" and "install" in words:
            self.packages |= {"lynis", "libdep"}
            self.programs.add("lynis")
        if words[:2] == ["dpkg", "--purge"]:
            self.packages -= set(words[3:])
        if "--report-file" in words:
            Path(words[words.index("--report-file") + 1]).write_text(REPORT, encoding="utf-8")
        listing = "".join(f"ii  {name}\n" for name in sorted(self.packages)) + "rc  gone\n"
        return listing if words[0] == "dpkg-query" else ""


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine("apt-get")
    monkeypatch.setattr(audit_tools, "find", made.find)
    monkeypatch.setattr(audit_tools, "call", made.call)
    monkeypatch.setattr(audit_tools, "kernel_is_ours", lambda: True)
    return made


def test_what_is_not_installed_is_a_note(machine: Machine) -> None:
    found = audit_tools.audit("lynis", PARAMS, install=False)
    assert (found["after"], found["good"]) == (None, None)
    assert "not installed; --install" in found["note"]
    assert machine.calls == []


def test_what_is_installed_is_run_and_left(machine: Machine) -> None:
    machine.programs.add("lynis")
    found = audit_tools.audit("lynis", PARAMS, install=True)
    assert (found["after"], found["good"], found["required"]) == ("86", True, "85")
    assert [words[0] for words in machine.calls] == ["/usr/bin/lynis"]


def test_what_is_brought_for_the_run_is_taken_away_again(machine: Machine) -> None:
    found = audit_tools.audit("lynis", PARAMS, install=True)
    assert found["after"] == "86"
    assert machine.packages == {"bash", "libc6"}
    assert machine.calls[-1][-2:] == ["libdep", "lynis"]


@pytest.mark.parametrize("broken", ["install", "--quick"])
def test_also_when_it_fails(machine: Machine, broken: str) -> None:
    machine.broken = broken
    found = audit_tools.audit("lynis", PARAMS, install=True)
    assert "broken" in found["note"]
    assert machine.packages == {"bash", "libc6"}


def test_a_distribution_without_apt_is_told_what_to_install(machine: Machine) -> None:
    machine.programs.clear()
    assert "install openscap-scanner and ssg-debian" in audit_tools.audit("oscap", PARAMS, install=True)["note"]


def test_a_release_without_rules_says_so(machine: Machine) -> None:
    machine.programs.add("oscap")
    assert "no rules for this release" in audit_tools.audit("oscap", PARAMS, install=False)["note"]
    with_content = {**PARAMS, "content": "/rules.xml"}
    assert (
        audit_tools.audit("oscap", with_content, install=False)["note"] == "rules.xml has no profile cis_level1_server"
    )


def test_kernel_settings_that_cannot_be_written_are_said(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.programs.add("lynis")
    monkeypatch.setattr(audit_tools, "kernel_is_ours", lambda: False)
    [finding] = audit_tools.audit("lynis", PARAMS, install=False)["findings"]
    assert "cannot be written" in finding["reason"]


def test_a_program_that_ends_badly_says_why() -> None:
    assert audit_tools.call(["sh", "-c", "echo yes; exit 2"], (0, 2)) == "yes\n"
    with pytest.raises(audit_tools.AuditError, match=r"sh: no$"):
        audit_tools.call(["sh", "-c", "echo no >&2; exit 1"], (0, 2))
    with pytest.raises(audit_tools.AuditError, match="No such file"):
        audit_tools.call(["/nowhere/oscap"])


def test_figures_are_kept_for_the_next_time(machine: Machine, tmp_path: Path) -> None:
    machine.programs.add("lynis")
    outside = {"tool": "ssh-audit", "after": "0 fail, 0 warn", "good": True, "required": "0 fail"}
    params = {**PARAMS, "also": [outside], "state_directory": str(tmp_path / "state")}
    first = module.run(params, check_mode=False)["audits"]
    assert [(one["tool"], one["before"]) for one in first] == [("ssh-audit", None), ("lynis", None)]
    kept = tmp_path / "state" / module.FILE
    assert json.loads(kept.read_text()) == {"lynis": "86", "ssh-audit": "0 fail, 0 warn"}
    second = module.run(params, check_mode=False)["audits"]
    assert [one["before"] for one in second] == ["0 fail, 0 warn", "86"]


def test_a_tool_that_is_gone_keeps_its_last_figure(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / module.FILE).write_text('{"lynis": "55"}')
    [one] = module.run({**PARAMS, "state_directory": str(tmp_path)}, check_mode=False)["audits"]
    assert (one["before"], one["after"]) == ("55", None)
    assert json.loads((tmp_path / module.FILE).read_text()) == {"lynis": "55"}


def test_check_mode_installs_and_keeps_nothing(machine: Machine, tmp_path: Path) -> None:
    params = {**PARAMS, "install": True, "state_directory": str(tmp_path / "state")}
    module.run(params, check_mode=True)
    assert machine.calls == []
    machine.programs.add("lynis")
    module.run(params, check_mode=True)
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_a_broken_file_of_figures_is_no_reason_to_fail(machine: Machine, tmp_path: Path, text: str) -> None:
    (tmp_path / module.FILE).write_text(text)
    assert module.run({**PARAMS, "state_directory": str(tmp_path)}, check_mode=False)["audits"][0]["before"] is None


@pytest.mark.parametrize(
    ("port", "asked", "found"),
    [
        (None, ["ssh", "-G", "--", "nas"], ("192.0.2.7", 2222)),
        (2022, ["ssh", "-G", "-p", "2022", "--", "nas"], ("192.0.2.7", 2022)),
    ],
)
def test_an_alias_is_looked_up_as_ssh_does(
    monkeypatch: pytest.MonkeyPatch, port: int | None, asked: list[str], found: tuple[str, int]
) -> None:
    calls = []

    def ssh(argv: Sequence[str], _accepted: Sequence[int] = (0,)) -> str:
        calls.append(list(argv))
        return f"host nas\nuser root\nhostname 192.0.2.7\nport {port or 2222}\n"

    monkeypatch.setattr(audit_tools, "call", ssh)
    assert audit_tools.way_in("nas", port) == found
    assert calls == [asked]


def test_where_there_is_no_ssh_the_address_is_taken_as_it_is(machine: Machine) -> None:
    machine.broken = "ssh"
    assert audit_tools.way_in("nas", None) == ("nas", 22)
    assert audit_tools.way_in("nas", 2022) == ("nas", 2022)


@pytest.mark.parametrize(
    ("said", "remedy"),
    [("did not receive banner: Connection reset by peer", True), ("cannot connect: Connection refused", False)],
)
def test_an_sshd_that_has_had_enough_is_explained(monkeypatch: pytest.MonkeyPatch, said: str, remedy: bool) -> None:
    def ssh_audit(argv: Sequence[str], _accepted: Sequence[int] = (0,)) -> str:
        if argv[0] == "ssh":
            return "hostname 192.0.2.7\nport 22\n"
        raise audit_tools.AuditError(said)

    monkeypatch.setattr(audit_tools, "call", ssh_audit)
    monkeypatch.setattr(audit_tools, "find", lambda name: f"/usr/bin/{name}")
    note = audit_tools.audit("ssh-audit", {**PARAMS, "address": "nas"}, install=False)["note"]
    assert said in note
    assert ("Remedy: run again later" in note) is remedy
