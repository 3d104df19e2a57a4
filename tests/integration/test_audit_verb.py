"""`mediastack-provision audit` with the real programs: what is absent, what comes for the run, what is recorded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from tests.integration import playbook
from tests.integration.audits import tools
from tests.integration.servers import Server, server

PACKAGES = "dpkg-query --show --showformat '${db:Status-Abbrev} ${binary:Package}\\n'"
LEFT = "ls -d /etc/lynis /usr/sbin/lynis /usr/bin/oscap /usr/share/xml/scap 2>/dev/null || true"
TOO_LOW = 3  # the wrapper's exit code


@pytest.fixture(scope="module")
def made() -> Iterator[Server]:
    with server("it-audit-verb", kind="bare") as one:
        yield one


def audit(made: Server, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "mediastack_provision", "audit", "-i", str(made.sandbox.inventory), *words]
    return subprocess.run(
        argv,
        cwd=playbook.ROOT,
        env={**os.environ, **made.environment},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def told(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """Its audits by tool."""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[-1]["event"] == "done", done.stdout + done.stderr
    return {line["tool"]: line for line in lines if line["event"] == "audit"}


def test_auditors_are_absent_then_come_for_the_run_and_tell_what_has_changed(made: Server) -> None:
    packages = made.root(PACKAGES)

    found = told(audit(made, "--json"))
    for tool in ("lynis", "oscap"):
        assert found[tool]["after"] is None
        assert found[tool]["note"] == "not installed; --install brings it for the run"
    stock = found["ssh-audit"]
    assert (stock["before"], stock["good"]) == (None, False)
    assert made.root(PACKAGES) == packages

    first = audit(made, "--json", "--install")
    found = told(first)
    assert first.returncode == TOO_LOW
    assert found["ssh-audit"]["before"] == stock["after"]
    assert found["oscap"]["note"].startswith("no rules for this release: ")
    lynis = found["lynis"]
    assert (lynis["before"], lynis["good"], lynis["note"]) == (None, False, "")
    assert made.root(PACKAGES) == packages
    assert made.root(LEFT) == ""

    hardened = made.play("playbooks/harden.yml")
    assert hardened.returncode == 0, hardened.failure
    packages = made.root(PACKAGES)
    tools.copy_in(made, tools.datastream())

    rules = f"audit_content={tools.INBOX}/{tools.datastream().name}"
    found = told(audit(made, "--json", "--install", "--", "-e", rules))
    print(*(f"{tool}: {one['before']} -> {one['after']}" for tool, one in found.items()), sep="\n")
    assert (found["lynis"]["before"], found["ssh-audit"]["before"]) == (lynis["after"], stock["after"])
    assert int(found["lynis"]["after"]) > int(lynis["after"])
    assert found["ssh-audit"]["good"]
    assert found["oscap"]["note"] == ""
    assert found["oscap"]["after"]
    reasons = {item["id"]: item.get("reason", "") for item in found["lynis"]["findings"]}
    assert reasons["KRNL-6000"], "a sandbox cannot write them, and the audit says so"
    assert made.root(PACKAGES) == packages
    assert made.root(LEFT) == ""

    table = audit(made)
    assert f"  lynis      {found['lynis']['after']}" in table.stdout, table.stdout
    assert "lynis: not installed; --install brings it for the run" in table.stdout
