"""The apt repositories of the sandbox's Internet: Debian packages for bare servers, and Docker's own layout.

debian/dists/<suite>/…, debian/pool/<suite>/*.deb            what the roles install, with dependencies
linux/debian/dists/<suite>/…, linux/debian/pool/<suite>/*.deb  docker-ce and so on, as download.docker.com has them
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mediastack_provision.exits import Exit, UserError
from mediastack_provision.sandbox import aptindex
from mediastack_provision.sandbox.machine import KEYRING, RELEASES, Release

if TYPE_CHECKING:
    from collections.abc import Iterable

# Debian 13's engine runs on Debian 12 as well, all but runc, which wants a newer C library.
DONOR = RELEASES["debian13"]
DOCKER_PACKAGES = {
    "docker-ce": ("docker.io",),
    "docker-ce-cli": ("docker-cli",),
    "containerd.io": ("containerd", "runc"),
    "docker-compose-plugin": ("docker-compose",),
}
DOCKER_DEPENDS = {
    "docker-ce": "adduser, iptables, libsystemd0, tini, docker-ce-cli, containerd.io",
    "docker-ce-cli": "libc6 (>= 2.34)",
    "containerd.io": "libc6 (>= 2.34), libseccomp2",
    "docker-compose-plugin": "docker-ce-cli",
}


class Apt:
    """The machine's apt, working on a release and an installed state of its own."""

    def __init__(self, directory: Path, release: Release, mirror: str, status: str = "") -> None:
        """Prepare the state below `directory`; `status` is dpkg's status file of the imagined server."""
        self.directory = directory
        for sub in ("lists/partial", "archives/partial"):
            (directory / sub).mkdir(parents=True)
        (directory / "status").write_text(status, encoding="utf-8")
        (directory / "debian.sources").write_text(
            f"Types: deb\nURIs: {mirror}\nSuites: {release.suite}\nComponents: main\nSigned-By: {KEYRING}\n",
            encoding="utf-8",
        )

    def options(self) -> list[str]:
        """What keeps apt away from the machine's own state; its proxies and certificates still apply."""
        settings = {
            "Dir::State::status": self.directory / "status",
            "Dir::State::lists": self.directory / "lists",
            "Dir::State::extended_states": self.directory / "extended",
            "Dir::Cache::archives": self.directory / "archives",
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
            "Dir::Etc::sourcelist": self.directory / "debian.sources",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::Log": self.directory,
            "APT::Default-Release": "",
            "APT::Update::Post-Invoke-Success::": "true",
            "APT::Get::List-Cleanup": "false",
            "Acquire::Languages": "none",
            "Debug::NoLocking": "true",
        }
        if os.geteuid() == 0:
            settings["APT::Sandbox::User"] = "root"  # apt's own user cannot enter our directory
        return [item for key, value in settings.items() for item in ("-o", f"{key}={value}")]

    def run(self, *arguments: str, cwd: Path | None = None) -> None:
        """Run apt-get.

        Raises:
            UserError: when it fails, with the end of what it said.

        """
        _run(["apt-get", "-q", *self.options(), *arguments], cwd=cwd)

    def closure(self, packages: list[str]) -> list[Path]:
        """Download packages with everything the imagined server lacks for them."""
        self.run("update")
        self.run("install", "--download-only", "--yes", "--no-install-recommends", *packages)
        return sorted((self.directory / "archives").glob("*.deb"))

    def download(self, packages: Iterable[str]) -> list[Path]:
        """Download packages alone, in the order asked for."""
        self.run("update")
        target = self.directory / "single"
        target.mkdir()
        self.run("download", *packages, cwd=target)
        return [next(target.glob(f"{package}_*.deb")) for package in packages]


def _run(argv: list[str], cwd: Path | None = None) -> str:
    done = subprocess.run(
        argv, cwd=cwd, capture_output=True, text=True, timeout=900, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise UserError(
            f"{argv[0]} failed while packages were collected:\n{(done.stderr + done.stdout)[-3000:]}", Exit.FAILED
        )
    return done.stdout


def control(name: str, version: str, architecture: str) -> str:
    """The control file of one of Docker's packages."""
    debian = ", ".join(DOCKER_PACKAGES[name])
    return (
        f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\n"
        f"Maintainer: mediastack tests <root@localhost>\n"
        f"Depends: {DOCKER_DEPENDS[name]}\nConflicts: {debian}\nReplaces: {debian}\n"
        f"Section: admin\nPriority: optional\n"
        f"Description: Debian's {debian} under the name that Docker's own repository uses (test equipment)\n"
    )


def repack(name: str, sources: list[Path], release: Release, target: Path) -> Path:
    """Build Docker's package `name` out of Debian's `sources`; the first one's scripts and version are kept."""
    version = _run(["dpkg-deb", "--field", str(sources[0]), "Version"]).strip().partition("+")[0].partition("~")[0]
    architecture = _run(["dpkg-deb", "--field", str(sources[0]), "Architecture"]).strip()
    full = f"5:{version.partition('-')[0]}-1~debian.{release.version}~{release.suite}"
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        tree = Path(scratch) / "tree"
        _run(["dpkg-deb", "--raw-extract", str(sources[0]), str(tree)])
        for extra in sources[1:]:
            _run(["dpkg-deb", "--extract", str(extra), str(tree)])
        (tree / "DEBIAN" / "control").write_text(control(name, full, architecture), encoding="utf-8")
        (tree / "DEBIAN" / "md5sums").unlink(missing_ok=True)
        made = target / f"{name}_{full.partition(':')[2]}_{architecture}.deb"
        _run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", str(tree), str(made)])
    return made


def build(target: Path, release: Release, packages: list[str], mirror: str, status: str) -> None:
    """Fill `target` with the repositories of one release. It appears complete or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as scratch_name:
        scratch = Path(scratch_name)
        found = Apt(scratch / "apt", release, mirror, status).closure(packages)
        debian = scratch / "out" / "debian"
        _place(found, debian / "pool" / release.suite)
        docker_pool = scratch / "out" / "linux" / "debian" / "pool" / release.suite
        docker_pool.mkdir(parents=True)
        _docker_packages(scratch, release, mirror, docker_pool)
        aptindex.write(debian, release.suite, "main", label="Debian")
        aptindex.write(docker_pool.parent.parent, release.suite, "stable", label="Docker CE")
        (scratch / "out").chmod(0o755)
        (scratch / "out").rename(target)


def _docker_packages(scratch: Path, release: Release, mirror: str, target: Path) -> None:
    wanted = [package for sources in DOCKER_PACKAGES.values() for package in sources if package != "runc"]
    debs = dict(zip(wanted, Apt(scratch / "donor", DONOR, mirror).download(wanted), strict=True))
    debs["runc"] = Apt(scratch / "runc", release, mirror).download(["runc"])[0]
    for name, sources in DOCKER_PACKAGES.items():
        repack(name, [debs[source] for source in sources], release, target)


def _place(files: list[Path], target: Path) -> None:
    target.mkdir(parents=True)
    for file in files:
        shutil.move(file, target / file.name)
        (target / file.name).chmod(0o644)
