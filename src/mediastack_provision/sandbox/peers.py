"""The application images of tests/peers, and the Internet box whose registry serves them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mediastack_provision.exits import Exit, UserError
from mediastack_provision.sandbox import names
from mediastack_provision.sandbox.docker import LONG, DockerError
from mediastack_provision.sandbox.images import INTERNET_ALIAS
from mediastack_provision.sandbox.inputs import content_hash, package_list, read_packages
from mediastack_provision.sandbox.ports import free_port

if TYPE_CHECKING:
    from mediastack_provision.sandbox.images import Images

BOX_COMMAND = '["/usr/local/lib/mediastack-sandbox/init"]'
REGISTRY_PORT = 15000  # preferred
REGISTRY_START = 30.0  # seconds


@dataclass(frozen=True)
class Peer:
    """One application image: paths are relative to the checkout."""

    name: str
    reference: str
    directory: str
    uses: tuple[str, ...]


@dataclass(frozen=True)
class PeerList:
    """What images.yml says."""

    suite: str
    packages: str
    wheels: str
    peers: tuple[Peer, ...]


def parse(document: dict[str, Any]) -> PeerList:
    """The content of images.yml as types."""
    peers = tuple(
        Peer(item["name"], item["reference"], item["directory"], tuple(item.get("uses", [])))
        for item in document["images"]
    )
    base = document["base"]
    return PeerList(base["suite"], base["packages"], document["wheels"], peers)


def load(source: Path) -> PeerList:
    """Read tests/peers/images.yml."""
    return parse(yaml.safe_load((source / "peers" / "images.yml").read_text(encoding="utf-8")))


@dataclass
class PeerImages:
    """Builds the application images and the box that serves them."""

    images: Images

    def __post_init__(self) -> None:
        """Read the list once."""
        self.source = self.images.source
        self.list = load(self.source)

    def path(self, relative: str) -> Path:
        """A path of the checkout."""
        return self.source.parent / relative

    def base(self) -> str:
        """The root file system that all application images start from; Dockerfiles call it by its alias."""
        tag = self.images.rootfs("peer-base", self.list.suite, read_packages(self.path(self.list.packages)))
        self.images.docker.run("tag", tag, f"{names.PREFIX}/peer-base:latest")
        return tag

    def tag(self, peer: Peer, base: str) -> str:
        """The name of an application image, with the hash of all it is made of."""
        shared = [
            self.source / "peers" / "__init__.py",
            self.source / "peers" / "framework",
            self.path(self.list.wheels),
        ]
        own = [self.path(item) for item in (peer.directory, *peer.uses)]
        return f"{names.PREFIX}/peer:{peer.name}-{content_hash(base, peer.reference, paths=[*shared, *own])}"

    def build_all(self) -> dict[str, str]:
        """Build what is missing; returns the image of each reference."""
        base = self.base()
        tags = {peer: self.tag(peer, base) for peer in self.list.peers}
        missing = [peer for peer, tag in tags.items() if not self.images.docker.exists("image", tag)]
        if missing:
            with tempfile.TemporaryDirectory(prefix="mediastack-peers-") as scratch:
                context = self._context(Path(scratch))
                for peer in missing:
                    file = context / Path(peer.directory).relative_to("tests/peers") / "Dockerfile"
                    with self.images.progress.step(f"image {peer.name}"):
                        self.images.dockerfile(tags[peer], context, file, {})
        return {peer.reference: tag for peer, tag in tags.items()}

    def _context(self, scratch: Path) -> Path:
        context = scratch / "peers"
        shutil.copytree(self.source / "peers", context, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(self.wheels(), context / "wheels")
        return context

    def wheels(self) -> Path:
        """The directory with the wheels that images are built from, downloaded once."""
        wanted = self.path(self.list.wheels)
        target = self.images.cache / "wheels" / content_hash(paths=[wanted])
        if target.is_dir():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            self.images.progress.step("Python wheels for the application images"),
            tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as scratch,
        ):
            done = subprocess.run(
                [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
                 "--dest", f"{scratch}/out", *package_list(wanted.read_text(encoding="utf-8"))],
                capture_output=True, text=True, timeout=LONG, check=False,
            )  # fmt: skip
            if done.returncode != 0:
                raise UserError(f"The wheels in {wanted} cannot be downloaded:\n{done.stderr.strip()}", Exit.FAILED)
            Path(scratch, "out").rename(target)
        return target

    def internet(self) -> str:
        """The box with every application image in its registry; its alias points to it afterwards.

        The base is pushed first and kept, because it is large and changes least.
        """
        box, served = self.images.box(), self.build_all()
        base = {f"{names.PREFIX}/peer-base:latest": self.base()}
        started = self._served("box", box, base, "registry with the base of the application images")
        tag = self._served("internet", started, served, "registry with the application images")
        self.images.docker.run("tag", tag, INTERNET_ALIAS)
        return tag

    def _served(self, name: str, box: str, served: dict[str, str], title: str) -> str:
        facts = [f"{reference}={image}" for reference, image in sorted(served.items())]
        tag = f"{names.PREFIX}/{name}:served-{content_hash(box, *facts)}"
        return self.images.ensure(tag, title, lambda: self._fill(box, served, tag))

    def _fill(self, box: str, served: dict[str, str], tag: str) -> None:
        """Push the images to a registry that runs in a scratch container, and keep the container as an image."""
        docker = self.images.docker
        # The engine remembers by port what a registry has; at another port it pushes the base again.
        address = f"127.0.0.1:{free_port(REGISTRY_PORT)}"
        # Not by --env: the engine would keep it in the image.
        serve = [
            "env",
            f"REGISTRY_HTTP_ADDR={address}",
            "docker-registry",
            "serve",
            "/etc/mediastack-sandbox/registry.yml",
        ]
        scratch = self.images.start(box, "--network", "host", command=serve)
        try:
            for reference, image in served.items():
                pushed = f"{address}/{reference}"
                docker.run("tag", image, pushed)
                try:
                    self._push(pushed)
                finally:
                    docker.run("rmi", pushed)
            docker.run("stop", "--time", "5", scratch)
            self.images.commit(scratch, tag, BOX_COMMAND)
        finally:
            docker.run("rm", "--force", "--volumes", scratch)

    def _push(self, reference: str) -> None:
        """Push one image; the registry may still be starting."""
        deadline = time.monotonic() + REGISTRY_START
        while True:
            try:
                self.images.docker.run("push", "--quiet", reference, timeout=LONG)
            except DockerError as error:
                if "connection refused" not in error.output or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return
