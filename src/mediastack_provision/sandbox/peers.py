"""The application images of tests/peers, and the Internet box whose registry serves them."""

from __future__ import annotations

import json
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
BOX_LABEL, SERVED_LABEL = "mediastack.sandbox.box", "mediastack.sandbox.served"
MOST_LAYERS = 40  # an image has at most 127
REGISTRY_SETTINGS = "/etc/mediastack-sandbox/registry.yml"
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


def starting_point(previous: dict[str, Any] | None, box: str, served: dict[str, str]) -> tuple[str, dict[str, str]]:
    """The image whose registry is filled up, and what it lacks.

    The previous one saves pushing again what did not change. It is used when it was made from the same box, serves
    nothing that is no longer wanted, and has not become too many layers.

    Args:
        previous: what the engine knows of the image that INTERNET_ALIAS points to
        box: the box with an empty registry
        served: the image of each reference

    """
    labels = ((previous or {}).get("Config") or {}).get("Labels") or {}
    if previous is None or labels.get(BOX_LABEL) != box or len(previous["RootFS"]["Layers"]) > MOST_LAYERS:
        return box, served
    had: dict[str, str] = json.loads(labels[SERVED_LABEL])
    if not had.keys() <= served.keys():
        return box, served
    return previous["Id"], {reference: image for reference, image in served.items() if had.get(reference) != image}


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
        """The box with every application image in its registry; its alias points to it afterwards."""
        box, served = self.images.box(), self.build_all()
        facts = [f"{reference}={image}" for reference, image in sorted(served.items())]
        tag = f"{names.PREFIX}/internet:{content_hash(box, *facts)}"
        self.images.ensure(tag, "registry with the application images", lambda: self._fill(box, served, tag))
        self.images.docker.run("tag", tag, INTERNET_ALIAS)
        return tag

    def _fill(self, box: str, served: dict[str, str], tag: str) -> None:
        """Push images to a registry that runs in a scratch container, and keep the container as an image."""
        docker = self.images.docker
        start, missing = starting_point(docker.inspect("image", INTERNET_ALIAS), box, served)
        # The engine remembers by port what a registry has; at another port it would push more.
        address = f"127.0.0.1:{free_port(REGISTRY_PORT)}"
        # Not by --env: the engine would keep it in the image.
        serve = ["env", f"REGISTRY_HTTP_ADDR={address}", "docker-registry", "serve", REGISTRY_SETTINGS]
        scratch = self.images.start(start, "--network", "host", command=serve)
        try:
            for reference, image in missing.items():
                pushed = f"{address}/{reference}"
                docker.run("tag", image, pushed)
                try:
                    self._push(pushed)
                finally:
                    docker.run("rmi", pushed)
            docker.run("stop", "--time", "5", scratch)
            labels = {BOX_LABEL: box, SERVED_LABEL: json.dumps(served, sort_keys=True)}
            self.images.commit(scratch, tag, BOX_COMMAND, labels)
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
