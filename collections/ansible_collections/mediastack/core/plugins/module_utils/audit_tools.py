"""Runs outside auditors where they are installed, or for the length of the run. They only read."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils import audit_reports, ssh_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SSH_AUDIT = "ssh-audit==3.9.0"
PACKAGES = {"lynis": ["lynis"], "oscap": ["openscap-scanner", "ssg-debian"]}
CONTENT = "/usr/share/xml/scap/ssg/content"
SYSCTLS = "/proc/sys"
SECONDS = 1200
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# sshd without a single flaw ends ssh-audit with 0, warnings with 2, failures with 3; oscap's 2 is a rule that fails.
ENDS = {"lynis": range(256), "oscap": (0, 2), "ssh-audit": (0, 2, 3)}

PENALTY = (
    "sshd refuses an address that has knocked as often as an audit does (PerSourcePenalties, ten minutes at most). "
    "Remedy: run again later"
)


class AuditError(Exception):
    """The tool is not here, cannot be installed, or did not report; the text says why and the remedy."""


def call(argv: Sequence[str], accepted: Sequence[int] = (0,)) -> str:
    """What a program prints. Raises AuditError."""
    env = {**os.environ, "PATH": f"{PATH}:{os.environ.get('PATH', '')}", "LC_ALL": "C"}
    env["DEBIAN_FRONTEND"] = "noninteractive"
    try:
        done = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            env=env,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise AuditError(f"{argv[0]}: {getattr(error, 'strerror', None) or type(error).__name__}") from None
    if done.returncode not in accepted:
        said = (done.stderr.strip() or done.stdout.strip() or f"ended with {done.returncode}").splitlines()[-1]
        raise AuditError(f"{argv[0]}: {said}")
    return done.stdout


def find(name: str) -> str | None:
    """Where a program is: on the usual paths, or beside the interpreter that runs us."""
    beside = Path(sys.executable).with_name(name)
    return shutil.which(name, path=f"{PATH}:{os.environ.get('PATH', '')}") or (str(beside) if beside.exists() else None)


@contextlib.contextmanager
def program(tool: str, *, install: bool) -> Iterator[str]:
    """The tool's program; what is installed for it is removed afterwards. Raises AuditError."""
    there = find(tool)
    if there:
        yield there
        return
    if not install:
        raise AuditError("not installed; --install brings it for the run")
    with virtual() if tool == "ssh-audit" else packages(PACKAGES[tool]) as where:
        found = where or find(tool)
        if not found:
            raise AuditError("its package brings no program of that name")
        yield found


@contextlib.contextmanager
def virtual() -> Iterator[str]:
    """ssh-audit in an environment of its own."""
    with tempfile.TemporaryDirectory(prefix="mediastack-audit-") as folder:
        call([sys.executable, "-m", "venv", folder])
        call([f"{folder}/bin/pip", "install", "--quiet", "--disable-pip-version-check", SSH_AUDIT])
        yield f"{folder}/bin/ssh-audit"


@contextlib.contextmanager
def packages(names: list[str]) -> Iterator[str]:
    """Debian packages with what they need; exactly those that were not there are removed."""
    if not find("apt-get"):
        raise AuditError(f"only Debian's packages can be installed for the run; install {' and '.join(names)}")
    before = installed()
    try:
        call(["apt-get", "-q", "update"])
        call(["apt-get", "-q", "install", "--yes", "--no-install-recommends", *names])
        yield ""
    finally:
        new = sorted(installed() - before)
        if new:
            # dpkg takes these alone and nothing that needs them, also what Debian protects (e2fsprogs, for Lynis).
            call(["dpkg", "--purge", "--force-remove-protected", *new])


def installed() -> set[str]:
    """The packages that dpkg knows: installed, or half of it."""
    listing = call(["dpkg-query", "--show", "--showformat", "${db:Status-Abbrev} ${binary:Package}\\n"])
    return {line.split()[-1] for line in listing.splitlines() if not line.startswith(("un", "rc", "pn"))}


def content(version: str) -> Path:
    """OpenSCAP's rules for this release. Raises AuditError."""
    found = Path(CONTENT, f"ssg-debian{version}-ds.xml")
    if not found.is_file():
        raise AuditError(f"no rules for this release: {found} is missing")
    return found


def os_release(path: str = "/etc/os-release") -> str:
    """VERSION_ID of this server."""
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition("=")
        if key == "VERSION_ID":
            return value.strip("\"'")
    return ""


def lynis(where: str, folder: Path, _params: dict[str, Any]) -> dict[str, Any]:
    """Audit this server."""
    report = folder / "report.dat"
    files = ["--report-file", str(report), "--logfile", str(folder / "log")]
    call([where, "audit", "system", "--quick", "--quiet", "--no-colors", *files], ENDS["lynis"])
    if not report.is_file():
        raise AuditError("it wrote no report")
    return audit_reports.lynis(report.read_text(encoding="utf-8", errors="replace"))


def oscap(where: str, folder: Path, params: dict[str, Any]) -> dict[str, Any]:
    """Evaluate a profile on this server."""
    rules, results = Path(params["content"] or content(os_release())), folder / "results.xml"
    known = [line.partition(":")[0] for line in call([where, "info", "--profiles", str(rules)]).splitlines()]
    profile = next((name for name in known if name.endswith(f"_profile_{params['profile']}")), None)
    if profile is None:
        raise AuditError(f"{rules.name} has no profile {params['profile']}")
    call([where, "xccdf", "eval", "--profile", profile, "--results", str(results), str(rules)], ENDS["oscap"])
    return audit_reports.oscap(results.read_bytes())


def ssh_audit(where: str, _folder: Path, params: dict[str, Any]) -> dict[str, Any]:
    """Look at an sshd from outside."""
    name, port = way_in(params["address"], params["port"])
    try:
        said = call([where, "-j", "-n", "-p", str(port), name], ENDS["ssh-audit"])
    except AuditError as error:
        raise AuditError(f"{error}. {PENALTY}" if "did not receive banner" in str(error) else str(error)) from None
    return audit_reports.ssh_audit(said)


def way_in(address: str, port: int | None) -> tuple[str, int]:
    """Name and port under which ssh would come in: an alias and its port may be known to ~/.ssh/config alone."""
    chosen = [] if port is None else ["-p", str(port)]
    try:
        said = call(["ssh", "-G", *chosen, "--", address])
    except AuditError:
        return address, port or 22
    known = ssh_config.parse_effective(said)
    return known.get("hostname", [address])[0], int(known.get("port", [port or 22])[0])


RUN: dict[str, Callable[[str, Path, dict[str, Any]], dict[str, Any]]] = {
    "lynis": lynis,
    "oscap": oscap,
    "ssh-audit": ssh_audit,
}


def kernel_is_ours() -> bool:
    """Whether kernel settings can be written: in a container, as a rule, they cannot."""
    return not os.statvfs(SYSCTLS).f_flag & os.ST_RDONLY


def audit(tool: str, params: dict[str, Any], *, install: bool) -> dict[str, Any]:
    """``{tool, after, required, good, findings, note}``; `after` and `good` are None where it could not run."""
    base = {"tool": tool, "required": audit_reports.REQUIRED[tool]}
    try:
        with program(tool, install=install) as where, tempfile.TemporaryDirectory(prefix="mediastack-audit-") as folder:
            report = RUN[tool](where, Path(folder), params)
    except (AuditError, audit_reports.ReportError, OSError) as error:
        return {**base, "after": None, "good": None, "findings": [], "note": str(error)}
    if tool != "ssh-audit" and not kernel_is_ours():
        report = audit_reports.without_kernel(report)
    return {**base, "after": report["figure"], "good": report["good"], "findings": report["findings"], "note": ""}
