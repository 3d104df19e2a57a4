"""What the gate runs: the jobs of each kind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.gate.figures import SECURITY
from tests.gate.job import ROOT, Job

KINDS = ("lint", "unit", "molecule", "integration")
SELECTIONS = ("security",)  # words beside the kinds: jobs of other kinds that belong together
# Tests that the gate leaves out for now, each with its reason; the gate prints them at its end.
QUARANTINE: dict[str, str] = {}
# Jobs that the plain gate leaves to a soak and to whoever names their kind.
ASIDE = {
    "audits": "ten minutes of Lynis and OpenSCAP on each of two releases: `bin/test security audits`",
    "audit_verb": "auditors that come for a run, three times: `bin/test integration audit_verb`",
}
# Begun first, so that none of them runs alone at the end.
LONGEST = (
    "slice",
    "audits",
    "leak",
    "lockout",
    "hardening",
    "newest_core",
    "bare_servers",
    "totp",
    "bans",
    "lockout_firewall",
    "kill",
)
PYTEST = (sys.executable, "-m", "pytest", "-q", "--color=no")


def tracked(*patterns: str) -> list[str]:
    """The files that git knows, matching the patterns."""
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(listing.stdout.split())


def shell_scripts() -> list[str]:
    """Every tracked file that starts as a shell script, and the sourced libraries."""
    found = []
    for name in tracked():
        path = ROOT / name
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as stream:
            first = stream.readline(80)
        if (first.startswith(b"#!") and (b"bash" in first or b"/sh" in first)) or b"shellcheck shell=" in first:
            found.append(name)
    return found


def lint() -> list[Job]:
    """Static checks, one job a tool."""
    python = sys.executable
    commands: dict[str, list[str]] = {
        "ruff": [python, "-m", "ruff", "check", "."],
        "ruff-format": [python, "-m", "ruff", "format", "--check", "."],
        "mypy": [python, "-m", "mypy"],
        "yamllint": [python, "-m", "yamllint", "--strict", "."],
        "ansible-lint": ["ansible-lint", "--offline", "--strict", "--profile", "production"],
        "shellcheck": ["shellcheck", "-x", *shell_scripts()],
        "codespell": ["codespell", *tracked()],
        "generated": [python, "-m", "tools.generate", "--check"],
        "syntax": [
            "ansible-playbook",
            "--syntax-check",
            "-i",
            "inventories/example",
            "site.yml",
            *tracked(":(glob)playbooks/*.yml"),
        ],
    }
    return [Job("lint", name, tuple(argv)) for name, argv in commands.items()]


def unit(*, soak: bool) -> list[Job]:
    """The unit tests, on all cores."""
    profile = ("HYPOTHESIS_PROFILE", "soak" if soak else "gate")
    return [Job("unit", "pytest", (*PYTEST, "-n", "2", "tests/unit"), junit=True, env=(profile,))]


def molecule() -> list[Job]:
    """One job a scenario."""
    names = sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))
    return [Job("molecule", name, ("molecule", "test", "-s", name)) for name in names]


def integration_groups() -> list[Path]:
    """What runs in one process each: a test file, or a folder whose tests share a server."""
    files = ROOT.glob("tests/integration/test_*.py")
    folders = {path.parent for path in ROOT.glob("tests/integration/*/test_*.py")}
    return sorted([*files, *folders])


def group_name(path: Path) -> str:
    """What the gate calls a group."""
    return path.stem.removeprefix("test_")


def integration(*, soak: bool) -> list[Job]:
    """One job a group: each makes its own sandbox, so they may run side by side."""
    extra = ("--soak",) if soak else ()
    limit = 5000 if soak else 2400
    return [
        Job(
            "integration",
            group_name(path),
            (
                *PYTEST,
                *(("-s",) if group_name(path) in SECURITY else ()),
                *extra,
                *(f"--deselect={name}" for name in QUARANTINE),
                str(path.relative_to(ROOT)),
            ),
            timeout=limit,
            junit=True,
        )
        for path in integration_groups()
    ]


def all_jobs(*, soak: bool) -> list[Job]:
    """Everything, in the order in which it is started."""
    servers = [*integration(soak=soak), *molecule()]
    servers.sort(key=lambda job: LONGEST.index(job.name) if job.name in LONGEST else len(LONGEST))
    return [*lint(), *unit(soak=soak), *servers]


def selected(word: str | None, *, soak: bool) -> list[Job]:
    """The jobs of a kind or of a selection; all of them without a word."""
    jobs = all_jobs(soak=soak)
    if word == "security":
        return [job for job in jobs if job.kind == "integration" and job.name in SECURITY]
    return [job for job in jobs if word == job.kind or (word is None and (soak or job.name not in ASIDE))]


def left_out(word: str | None, *, soak: bool) -> dict[str, str]:
    """What is not run though nobody left it out by name: test or job, and why."""
    return QUARANTINE if word or soak else {**QUARANTINE, **ASIDE}
