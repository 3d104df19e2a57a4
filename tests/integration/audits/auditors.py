"""What Lynis, OpenSCAP and ssh-audit say of a sandbox server; their reports are read as `audit` reads them."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from tests.integration.audits import points, tools
from tests.integration.audits.points import Points
from tests.integration.servers import Server

from ansible_collections.mediastack.core.plugins.module_utils import audit_reports

REASONS = Path(__file__).parent
LYNIS_LOG = "/var/log/lynis.log"
POLICIES = {
    "debian12": "Hardened Debian 12 (version 3)",
    "debian13": "Hardened Debian 13 (version 1)",
}
# Ends of a run: good, warnings, failures (see `ssh-audit --help`).
SSH_AUDIT_ENDS = (0, 2, 3)
PENALTY = 120  # seconds


def reasons(name: str) -> dict[str, Any]:
    """A file of reasons beside this one."""
    found: dict[str, Any] = yaml.safe_load((REASONS / f"{name}.yml").read_text(encoding="utf-8"))
    return found


def compare(found: frozenset[str], known: dict[str, str]) -> None:
    """Exactly what is known, with a reason each."""
    assert found == known.keys(), f"new: {sorted(found - known.keys())}; gone: {sorted(known.keys() - found)}"
    assert all(known.values())


@dataclasses.dataclass(frozen=True)
class Lynis:
    """What it suggests (ids, with the detail where one id has several), and what it gave points for."""

    index: int
    findings: frozenset[str]
    points: tuple[Points, ...]

    def without(self, names: Iterable[str]) -> int:
        """The index when some tests are left out, as its own profile would leave them out."""
        return points.index(self.points, names)


def lynis(made: Server, *, skip: Iterable[str] = ()) -> Lynis:
    """Run it; `skip` is left out by its own profile."""
    profile = "".join(f"skip-test={name}\n" for name in skip)
    made.root(
        f"cat > /etc/lynis/custom.prf <<'PROFILE'\n{profile}PROFILE\n"
        "lynis audit system --quick --no-colors >/dev/null 2>&1; rm /etc/lynis/custom.prf"
    )
    read = audit_reports.lynis(made.root("cat /var/log/lynis-report.dat"))
    counted = tuple(points.read(made.root(f"cat {LYNIS_LOG}")))
    found = Lynis(int(read["figure"]), frozenset(name_of(item) for item in read["findings"]), counted)
    assert found.without([]) == found.index, "its log does not tell all points"
    return found


def name_of(item: dict[str, str]) -> str:
    """The id of a finding; with what it is about where one id has several."""
    about = re.search(r"\((\w+) \(set |protocol '(\w+)'|full (/\w+) file|(minimum|maximum) password age", item["text"])
    return item["id"] + (f":{next(filter(None, about.groups()))}" if about else "")


@dataclasses.dataclass(frozen=True)
class OpenScap:
    """Rules by their outcome."""

    passed: int
    failed: frozenset[str]

    @property
    def judged(self) -> int:
        """Rules that apply."""
        return self.passed + len(self.failed)

    def percent(self, without: Iterable[str] = ()) -> float:
        """The share that passes, of all that apply or of those without some that fail."""
        return 100 * self.passed / (self.judged - len(self.failed & set(without)))


def openscap(made: Server) -> OpenScap:
    """CIS level 1 for servers; Debian 13."""
    tools.copy_in(made, tools.datastream())
    profile = "--profile cis_level1_server --results results.xml"
    with tools.kernel(made):
        rules = tools.datastream().name
        made.root(f"cd {tools.INBOX}; oscap xccdf eval {profile} {rules} >/dev/null 2>&1 || [ $? = 2 ]")
    read = audit_reports.oscap(made.root(f"cat {tools.INBOX}/results.xml"))
    failed = frozenset(item["id"] for item in read["findings"])
    passed = re.search(r"\((\d+) of (\d+)\)", read["figure"])
    assert passed, read["figure"]
    assert int(passed[2]) - int(passed[1]) == len(failed)
    return OpenScap(int(passed[1]), failed)


def refused(tool: str, written: Iterable[str] = ()) -> dict[str, str]:
    """What fails only because of the sandbox's kernel, with the reason; less what it was allowed to write."""
    names = {f"KRNL-6000:{name}" for name in written} | {f"sysctl_{name.replace('.', '_')}" for name in written}
    known: dict[str, str] = reasons("kernel")[tool]
    return {name: why for name, why in known.items() if name not in names}


def ssh_audit(made: Server) -> dict[str, list[str]]:
    """What it says of the server, from the controller: ``{fail: [..], warn: [..]}`` of algorithm names."""
    read = audit_reports.ssh_audit(run_ssh_audit(made, "-j", accepted=SSH_AUDIT_ENDS))
    found: dict[str, list[str]] = {"fail": [], "warn": []}
    for item in read["findings"]:
        found[item["text"].partition(":")[0]].append(item["id"].split()[-1])
    return found


def policy(made: Server) -> bool:
    """Whether the release's published policy passes."""
    said = run_ssh_audit(made, "-j", "-P", POLICIES[made.sandbox.release], accepted=SSH_AUDIT_ENDS)
    return bool(json.loads(said)["passed"])


def run_ssh_audit(made: Server, *words: str, accepted: tuple[int, ...]) -> str:
    """Its output. A server that takes the many connections of a run for an attack lets in again after a while."""
    program = Path(sys.executable).with_name("ssh-audit")
    argv = [str(program), "-n", *words, "-p", str(made.sandbox.port), made.sandbox.host]
    deadline = time.monotonic() + PENALTY
    while True:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode in accepted:
            return done.stdout
        assert time.monotonic() < deadline, done.stdout + done.stderr
        time.sleep(5)


def wait_to_be_let_in(made: Server) -> None:
    """Until a log-in comes through again after so many connections."""
    deadline = time.monotonic() + PENALTY
    while subprocess.run(made.sandbox.ssh_argv("true"), capture_output=True, timeout=60, check=False).returncode:
        assert time.monotonic() < deadline, "still shut out"
        time.sleep(2)
