"""Lynis and OpenSCAP judge a server before and after it is hardened, with the stack running.

What they still say afterwards is known, each with its reason (tests/integration/audits/*.yml): something new, and
something that is gone, fails. What only the sandbox's kernel refuses stands in a list of its own, and both figures are
printed: with it, and without. MEDIASTACK_TEST_WRITE_KERNEL=1 lets the server write those settings for the audit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.integration import playbook
from tests.integration.audits import auditors, engine_kernel, tools
from tests.integration.audits.auditors import Lynis, OpenScap
from tests.integration.servers import Server, server

REQUIRED = 85
RULES_THAT_APPLY = 330  # without a kernel package half of them would not
HARDEN = "playbooks/harden.yml"
VERIFY = "playbooks/verify.yml"
# Who may come in is the owner's choice; an auditor expects one to be made.
CHOICES: dict[str, Any] = {"ssh_allow_users": ["admin"], "mediastack_compose": {"limits": "ignore"}}
# Longer than AIDE takes to record a small server for the first time on busy cores.
RECORDED = "for n in $(seq 150); do test -s /var/lib/aide/aide.db && exit 0; sleep 2; done; exit 1"
# Things that somebody may do by hand on a hardened server, and what verify says of them.
BREAK = """
sysctl -qw net.ipv4.conf.all.send_redirects=1
rm /etc/profile.d/mediastack-umask.sh
systemctl -q disable --now dailyaidecheck.timer
"""
BROKEN = (
    "net.ipv4.conf.all.send_redirects is 1 instead of 0",
    "/etc/profile.d/mediastack-umask.sh is not as written",
    "dailyaidecheck.timer does not run, or not at boot",
)


@dataclasses.dataclass(frozen=True)
class Measured:
    """One server: what was said before and after, and the kernel settings that it was allowed to write."""

    made: Server
    before: dict[str, Any]
    after: dict[str, Any]
    written: tuple[str, ...]
    proof: playbook.Result
    again: playbook.Result

    def refused(self, tool: str) -> dict[str, str]:
        """What fails only because of the kernel."""
        return auditors.refused(tool, self.written)

    def name(self, tool: str) -> str:
        """How a figure is called, so that one with settings written is not taken for the plain one."""
        return f"{tool}-with-kernel-settings-written" if self.written else tool


def say(made: Server) -> dict[str, Any]:
    """Everything that can be asked of this release."""
    said: dict[str, Any] = {"lynis": auditors.lynis(made)}
    if made.sandbox.release == "debian13":  # its content has no other profile that is compared with published figures
        said["openscap"] = auditors.openscap(made)
    return said


@pytest.fixture(scope="module", params=["debian12", "debian13"])
def measured(request: pytest.FixtureRequest) -> Iterator[Measured]:
    with server(f"it-audits-{request.param}", release=request.param) as made:
        tools.install(made, "lynis", *(["openscap-scanner"] if request.param == "debian13" else []))
        before = say(made)
        made.choices.write_text(yaml.safe_dump(CHOICES), encoding="utf-8")
        made.apply()
        with engine_kernel.writing(made) as written:
            hardened = made.play(HARDEN)
            assert hardened.returncode == 0, hardened.output[-6000:]
            made.root(RECORDED)
            # Before auditors bring packages, whose logs are as wide as dpkg makes them.
            proof, again = made.play(VERIFY), made.play(HARDEN)
            after = say(made)
        yield Measured(made, before, after, tuple(written), proof, again)


def test_lynis(measured: Measured) -> None:
    release = measured.made.sandbox.release
    before: Lynis = measured.before["lynis"]
    after: Lynis = measured.after["lynis"]
    refused = measured.refused("lynis")
    elsewhere = after.without(refused)
    print(f"\naudit {measured.name('lynis')} {release} before={before.index} after={after.index} required={REQUIRED}")
    print(f"audit {measured.name('lynis')}-without-what-the-kernel-refuses {release}", end="")
    print(f" before={before.without(refused)} after={elsewhere} required={REQUIRED}")
    assert elsewhere >= REQUIRED
    known = auditors.reasons("lynis")
    assert after.index >= known["floor"][release]
    auditors.compare(after.findings, known["both"] | known[release])
    named = {name.partition(":")[0] for name in (*after.findings, *known["points"], *auditors.refused("lynis"))}
    assert {one.name.partition(":")[0] for one in after.points if one.got < one.most} <= named


@pytest.mark.soak
def test_the_index_that_is_computed_is_what_lynis_says_itself(measured: Measured) -> None:
    refused = auditors.refused("lynis")
    again = auditors.lynis(measured.made)
    assert again.without(refused) == auditors.lynis(measured.made, skip=refused).index


def test_openscap(measured: Measured) -> None:
    if "openscap" not in measured.after:
        return
    before: OpenScap = measured.before["openscap"]
    after: OpenScap = measured.after["openscap"]
    refused = measured.refused("openscap")
    name = measured.name("openscap-cis-l1")
    print(f"\naudit {name} debian13 before={before.percent():.1f} after={after.percent():.1f}", end="")
    print(f" required={REQUIRED} rules={after.judged}")
    print(f"audit {name}-without-what-the-kernel-refuses debian13 before={before.percent(refused):.1f}", end="")
    print(f" after={after.percent(refused):.1f} required={REQUIRED}")
    assert before.judged >= RULES_THAT_APPLY
    assert after.judged >= RULES_THAT_APPLY
    assert after.percent() >= REQUIRED
    auditors.compare(after.failed, auditors.reasons("openscap") | refused)


def test_what_the_kernel_refuses_is_really_refused(measured: Measured) -> None:
    """A setting that could be written here has no place in that list."""
    for test, name in (name.split(":") for name in auditors.refused("lynis") if ":" in name):
        assert test == "KRNL-6000"
        path = "/proc/sys/" + name.replace(".", "/")
        assert measured.made.root(f"[ -e {path} ] && ! (: >> {path}) 2>/dev/null && echo refused").strip() == "refused"


def test_the_stack_runs_on_the_hardened_server(measured: Measured) -> None:
    assert measured.proof.returncode == 0, measured.proof.failure


def test_a_further_run_changes_nothing(measured: Measured) -> None:
    assert measured.again.returncode == 0, measured.again.output[-3000:]
    assert measured.again.changed == []
    reached = [task for task in measured.again.on_host if task.startswith("hardening : ")]
    assert len(reached) <= 3, reached


def test_containers_start_anew_on_the_hardened_server(measured: Measured, soak: bool) -> None:
    """Images that start as root, give their folders away and go on as the media user, too."""
    made = measured.made
    if made.sandbox.release != "debian13" and not soak:
        return  # the images are the same, and so is the engine
    made.root("docker restart --time 5 $(docker ps -q) >/dev/null")
    # What stands in a gateway's namespace is made anew where the gateway has been.
    made.apply()
    assert made.play(VERIFY).returncode == 0
    states = {name: one["State"] for name, one in made.containers().items()}
    assert states
    assert {name: state["Status"] for name, state in states.items() if state["Status"] != "running"} == {}
    assert {name for name, state in states.items() if state.get("Health", {}).get("Status") == "unhealthy"} == set()
    owners = made.root("stat -c %u /opt/mediastack/config/radarr /opt/mediastack/config/sonarr").split()
    assert set(owners) == {"1900"}


def test_items_that_are_broken_by_hand_are_named_and_healed(measured: Measured) -> None:
    made = measured.made
    made.root(BREAK)
    said = made.play(VERIFY).failure
    assert [problem for problem in BROKEN if problem not in said] == [], said
    healed = made.play(HARDEN, "--tags", "hardening")
    assert healed.returncode == 0, healed.failure
    proof = made.play(VERIFY)
    assert proof.returncode == 0, proof.failure
