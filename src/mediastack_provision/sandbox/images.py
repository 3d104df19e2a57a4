"""The sandbox's images, each tagged with a hash of what it is made of and built only when that changes.

rootfs ── server:<release>-minimal ── server:<release> ── server:<release>-engine
                    └── package pool ────┘ (apt repositories, in the cache directory)
rootfs ── box ── internet (box with the application images in its registry)
rootfs ── peer-base ── peer/<application> ──┘
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mediastack_provision.exits import Exit, UserError
from mediastack_provision.sandbox import machine, names, pool, rootfs
from mediastack_provision.sandbox.docker import LONG, Docker
from mediastack_provision.sandbox.inputs import content_hash, read_packages

if TYPE_CHECKING:
    from collections.abc import Callable

    from mediastack_provision.sandbox.machine import Release
    from mediastack_provision.sandbox.progress import Progress

KINDS = ("minimal", "bare", "engine")
INIT = '["/usr/local/sbin/mediastack-sandbox-init"]'
CODE = Path(__file__).parent

INSTALL = """\
set -eu
export DEBIAN_FRONTEND=noninteractive
mkdir /tmp/kept
mv /etc/apt/sources.list.d/* /tmp/kept/
cat > /etc/apt/sources.list.d/build.sources <<SOURCES
Types: deb
URIs: file:/packages/debian
Suites: {suite}
Components: main
Trusted: yes

Types: deb
URIs: file:/packages/linux/debian
Suites: {suite}
Components: stable
Trusted: yes
SOURCES
apt-get -q update
apt-get -q install --yes --no-install-recommends {packages}
rm -rf /etc/apt/sources.list.d/* /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
mv /tmp/kept/* /etc/apt/sources.list.d/
rmdir /tmp/kept
"""


def alias(release: str, kind: str) -> str:
    """The name under which Molecule and others use the newest build of a server image."""
    return f"{names.PREFIX}/server:{release}" + ("" if kind == "bare" else f"-{kind}")


def pool_alias(cache: Path, release: Release) -> Path:
    """A link to the newest package pool of a release."""
    return cache / "packages" / release.name


INTERNET_ALIAS = f"{names.PREFIX}/internet:latest"


@dataclass
class Images:
    """Builds what is missing. `source` is the checkout's tests directory."""

    docker: Docker
    source: Path
    cache: Path
    mirror: str
    progress: Progress
    present: list[str] = field(default_factory=list)

    def ensure(self, tag: str, title: str, build: Callable[[], None]) -> str:
        """Build `tag` unless the engine has it; return it."""
        if self.docker.exists("image", tag):
            self.present.append(tag)
            return tag
        machine.require_tools()
        with self.progress.step(title):
            build()
        return tag

    def rootfs(self, name: str, suite: str, packages: list[str]) -> str:
        """A root file system with `packages`."""
        key = content_hash(suite, *packages, *rootfs.WITHOUT)
        tag = f"{names.PREFIX}/rootfs:{name}-{key}"
        title = f"root file system {name} (Debian {suite}, from {self.mirror})"
        return self.ensure(tag, title, lambda: rootfs.build(self.docker, tag, suite, packages, self.mirror))

    def server(self, release: Release, kind: str) -> str:
        """A server image of one of KINDS; its alias points to it afterwards."""
        tag = {"minimal": self._minimal, "bare": self._bare, "engine": self._engine}[kind](release)
        self.docker.run("tag", tag, alias(release.name, kind))
        return tag

    def _server_rootfs(self, release: Release) -> str:
        packages = read_packages(self.source / "sandbox" / "server" / "minimal.txt")
        return self.rootfs(release.name, release.suite, packages)

    def _minimal(self, release: Release) -> str:
        folder = self.source / "sandbox" / "server"
        base = self._server_rootfs(release)
        files = [folder / name for name in ("Dockerfile", "init", "setup")]
        tag = f"{names.PREFIX}/server:{release.name}-minimal-{content_hash(base, paths=files)}"
        arguments = {"BASE": base, "SUITE": release.suite}
        return self.ensure(
            tag,
            f"server {release.name}, minimal",
            lambda: self.dockerfile(tag, folder, folder / "Dockerfile", arguments),
        )

    def pool(self, release: Release) -> Path:
        """The directory with the release's apt repositories."""
        base = self._server_rootfs(release)  # decides which dependencies a server lacks
        lists = self.source / "sandbox" / "packages"
        packages = read_packages(lists / "common.txt", lists / f"{release.name}.txt")
        key = content_hash(base, *packages, paths=[CODE / "pool.py", CODE / "aptindex.py"])
        target = self.cache / "packages" / f"{release.name}-{key}"
        if not target.is_dir():
            machine.require_tools()
            with self.progress.step(f"apt repositories for {release.name}"):
                status = self.docker.run(
                    "run", "--rm", "--network", "none", "--label", names.label(names.CACHE), base,
                    "cat", "/var/lib/dpkg/status",
                )  # fmt: skip
                pool.build(target, release, packages, self.mirror, status + "\n")
        machine.point(pool_alias(self.cache, release), target)
        return target

    def _bare(self, release: Release) -> str:
        return self._installed(release, "bare", self._minimal(release), "bare.txt")

    def _engine(self, release: Release) -> str:
        return self._installed(release, "engine", self._bare(release), f"engine-{release.name}.txt")

    def _installed(self, release: Release, kind: str, base: str, list_file: str) -> str:
        """The image `base` with more packages from the release's pool."""
        packages = read_packages(self.source / "sandbox" / "server" / list_file)
        source = self.pool(release)
        tag = f"{names.PREFIX}/server:{release.name}-{kind}-{content_hash(base, source.name, INSTALL, *packages)}"

        def build() -> None:
            script = INSTALL.format(suite=release.suite, packages=" ".join(packages))
            mount = f"type=bind,source={source},target=/packages,readonly"
            scratch = self.start(base, "--network", "none", "--mount", mount, command=["sleep", "3600"])
            try:
                self.docker.run("exec", "--interactive", scratch, "sh", "-s", stdin=script, timeout=LONG)
                self.commit(scratch, tag, INIT)
            finally:
                self.docker.run("rm", "--force", "--volumes", scratch)

        return self.ensure(tag, f"server {release.name}, {kind}", build)

    def start(self, image: str, *options: str, command: list[str]) -> str:
        """Start a scratch container and return its name."""
        name = f"{names.PREFIX}-scratch-{secrets.token_hex(4)}"
        self.docker.run(
            "run", "--detach", "--name", name, "--label", names.label(names.CACHE), *options, image, *command
        )
        return name

    def commit(self, container: str, tag: str, command: str, labels: dict[str, str] | None = None) -> None:
        """Make an image of a container's file system; `command` is its CMD as JSON."""
        changes = [f"CMD {command}", *(f"LABEL {key}={json.dumps(value)}" for key, value in (labels or {}).items())]
        options = [item for change in changes for item in ("--change", change)]
        self.docker.run("commit", *options, container, tag, timeout=LONG)

    def dockerfile(self, tag: str, context: Path, file: Path, arguments: dict[str, str]) -> None:
        """Build a Dockerfile that fetches nothing."""
        options = [item for key, value in arguments.items() for item in ("--build-arg", f"{key}={value}")]
        self.docker.run(
            "build", "--quiet", "--force-rm", "--network", "none", "--label", names.label(names.CACHE), "--tag", tag,
            "--file", str(file), *options, str(context), timeout=LONG,
        )  # fmt: skip

    def box(self) -> str:
        """The sandbox's Internet, with an empty registry."""
        folder = self.source / "sandbox" / "internet"
        base = self.rootfs("internet", machine.RELEASES["debian13"].suite, read_packages(folder / "packages.txt"))
        files = [path for path in folder.iterdir() if path.name != "packages.txt"]
        tag = f"{names.PREFIX}/box:{content_hash(base, paths=files)}"
        return self.ensure(
            tag, "Internet in a box", lambda: self.dockerfile(tag, folder, folder / "Dockerfile", {"BASE": base})
        )


def find_source(root: Path | None = None) -> Path:
    """The checkout's tests directory.

    Raises:
        UserError: when this installation is not a checkout.

    """
    source = (root or Path(__file__).resolve().parents[3]) / "tests"
    if not (source / "sandbox" / "server" / "init").is_file():
        raise UserError(
            "The sandbox's images are built from the project's source, which this installation does not have. "
            "Remedy: clone the repository and run bin/demo in it once; afterwards this command finds the images.",
            Exit.FAILED,
        )
    return source
