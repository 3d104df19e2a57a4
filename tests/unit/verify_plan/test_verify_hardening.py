"""What containers may hold is what the catalogue says; what a hardened host shows is what its roles write."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.hardening.support import choice, settled
from tests.unit.render.support import example_secrets, example_stack, rendered

from ansible_collections.mediastack.core.plugins.module_utils.checks import run
from ansible_collections.mediastack.core.plugins.module_utils.checks.confined import CAPABILITIES
from ansible_collections.mediastack.core.plugins.plugin_utils import verify_hardening, verify_plan
from ansible_collections.mediastack.core.plugins.plugin_utils.hardening import plan as planner

ROOT = Path(__file__).resolve().parents[3]
SERVICES = sorted(ROOT.glob("roles/*/services/*.yml"))
SSHD = """port 22
permitrootlogin {root}
passwordauthentication {passwords}
permitemptypasswords no
authenticationmethods {methods}
"""


def checks(stack: dict[str, Any]) -> dict[str, dict[str, Any]]:
    plan = verify_plan.build(stack, example_secrets(stack), rendered(stack)["projects"])
    return {check["id"]: check for check in plan["checks"]}


def test_what_a_container_may_hold_is_what_it_declares() -> None:
    stack = example_stack()
    stack["instances"]["radarr"]["hardening"] |= {"cap_add": ["CAP_SETUID", "chown"], "devices": ["/dev/dri"]}
    found = checks(stack)["confined.radarr"]
    assert found["capabilities"] == ["CHOWN", "SETUID"]
    assert found["devices"] == ["/dev/dri"]
    assert found["engine_socket"] is False


def test_each_container_that_runs_is_checked_and_jobs_are_not() -> None:
    stack = example_stack()
    services = {name for name, item in stack["instances"].items() if item.get("workload", "service") == "service"}
    found = checks(stack)
    assert {name.partition(".")[2] for name in found if name.startswith("confined.")} == services
    assert {item["instance"] for item in found["limits.containers"]["instances"]} == services


def test_only_the_socket_proxy_has_the_socket() -> None:
    stack = example_stack()
    proxies = {n for n, item in stack["instances"].items() if "docker-api" in item["offers"]}
    found = checks(stack)
    assert {c["instance"] for c in found.values() if c.get("engine_socket")} == proxies


@pytest.mark.parametrize("path", SERVICES, ids=[path.stem for path in SERVICES])
def test_every_service_of_the_catalogue_is_confined(path: Path) -> None:
    """Limits and, for a root that can be written, a reason: without them `verify` fails on every server."""
    entry = yaml.safe_load(path.read_text(encoding="utf-8"))
    hardening, limits = entry.get("hardening") or {}, entry.get("limits") or {}
    assert limits.get("memory")
    assert limits.get("pids")
    assert hardening.get("read_only") or hardening.get("because")
    assert set(hardening.get("cap_add") or []) <= set(CAPABILITIES)
    sockets = [str(v) for v in (entry.get("volumes") or {}).values() if "docker.sock" in str(v)]
    assert not sockets or "docker-api" in entry["offers"]


@pytest.mark.parametrize(
    ("values", "holds"),
    [
        ({}, True),
        ({"methods": "publickey,keyboard-interactive"}, True),
        ({"root": "without-password"}, True),
        ({"passwords": "yes"}, False),
        ({"root": "yes"}, False),
        ({"methods": "any"}, False),
    ],
)
def test_what_sshd_says_is_judged(values: dict[str, str], holds: bool) -> None:
    text = SSHD.format(**{"root": "no", "passwords": "no", "methods": "publickey", **values})
    [command] = verify_hardening.HOST["ssh"]["commands"]
    assert all(re.search(pattern, text, re.MULTILINE) for pattern in command["shows"].values()) is holds


def hardened(**changes: Any) -> dict[str, Any]:
    """A server with every item, but for `changes` of its facts."""
    chosen = choice()
    facts = settled(chosen)
    for key, value in changes.items():
        facts[key] = {**facts[key], **value}
    return {"choice": chosen, "planned": planner.plan(chosen, facts), "facts": facts}


def items_check(server: dict[str, Any]) -> dict[str, Any]:
    [check] = verify_hardening.item_checks(server)
    return check


def test_a_server_where_the_role_has_not_run_has_no_check_of_items() -> None:
    assert verify_hardening.item_checks(None) == verify_hardening.item_checks({}) == []


def test_a_server_as_wanted_passes_and_says_what_it_refuses() -> None:
    check = items_check(hardened(kernel_settings={"kernel.kptr_restrict": {"value": "0", "reason": "it is read-only"}}))
    assert check["problems"] == check["warnings"] == []
    assert re.fullmatch(r"\d+ items as wanted; passed over on this server: kernel.kptr_restrict", check["evidence"])
    [result] = run.run([check], {}, timeout=5, parallel=1)
    assert (result["status"], result["evidence"]) == ("pass", check["evidence"])


OFF = {"active": "inactive", "enabled": "disabled", "started": 0, "refused": False}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"kernel_settings": {"kernel.sysrq": {"value": "438", "reason": ""}}}, "kernel.sysrq is 438 instead of 0"),
        ({"states": {"/etc/issue": {"kind": "missing"}}}, "/etc/issue is not as written"),
        ({"packages": {"debsums": False}}, "the package debsums is missing"),
        ({"units": {"dailyaidecheck.timer": OFF}}, "dailyaidecheck.timer does not run, or not at boot"),
        ({"units": {"debug-shell.service": OFF}}, "debug-shell.service is not masked"),
        ({"units": {"cups.socket": {**OFF, "active": "active"}}}, "cups.socket runs, or would at boot"),
        ({"mounts": {"/dev/shm": ["rw"]}}, "/dev/shm is mounted without nosuid,nodev,noexec"),
        ({"texts": {"/etc/pam.d/common-auth": ""}}, "the PAM profile mediastack-faillock is off"),
        ({"texts": {"/etc/login.defs": "UMASK 022\n"}}, "/etc/login.defs is not as written"),
    ],
)
def test_what_is_broken_is_named(changes: dict[str, Any], problem: str) -> None:
    check = items_check(hardened(**changes))
    assert problem in check["problems"]
    [result] = run.run([check], {}, timeout=5, parallel=1)
    assert result["status"] == "fail"
    assert problem in result["evidence"]


def test_what_programs_make_anew_is_a_warning() -> None:
    check = items_check(hardened(patterns={"/var/log/*.log": {"/var/log/dpkg.log": "0644"}}))
    [result] = run.run([check], {}, timeout=5, parallel=1)
    assert (result["status"], result["evidence"]) == ("warn", "/var/log/dpkg.log is open wider than 0640")
