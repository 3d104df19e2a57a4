"""What auditors need that the sandbox's package repository does not have: fetched once, kept, brought to a server.

Everything is kept by content: the rules by their own hash, the kernel package by what the server has installed. What
Debian publishes on a day reaches an audit only when the sandbox's images and packages are made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.integration.servers import Server

from mediastack_provision.sandbox import aptindex, machine, pool
from mediastack_provision.sandbox.docker import find_engine
from mediastack_provision.sandbox.inputs import content_hash

# The CIS profile for Debian 13 is in no released Debian's content; this is sid's, and the only one with these bytes.
CONTENT = "pool/main/s/scap-security-guide/ssg-debian_0.1.82-1_all.deb"
CONTENT_SHA256 = "cfde145916f1f37ec96c0fe2a9ea5f44a2db0ee6f0a2dacfcf86534c0977755a"
# Where to find it when the mirror has gone on to a newer version.
SNAPSHOT = "https://snapshot.debian.org/archive/debian/20261101T000000Z"
DATASTREAM = "usr/share/xml/scap/ssg/content/ssg-debian13-ds.xml"
INBOX = "/root/audit"
APT = "DEBIAN_FRONTEND=noninteractive apt-get -q"


def kernel_package() -> str:
    """A kernel package: without one, OpenSCAP takes half of its rules for not applicable."""
    return f"linux-image-cloud-{aptindex.architecture()}"


def copy_in(made: Server, *files: Path) -> None:
    """Put files into the server's inbox."""
    made.root(f"install -d -m 0700 {INBOX}")
    for file in files:
        argv = ["docker", "cp", str(file), f"{made.sandbox.container}:{INBOX}/{file.name}"]
        subprocess.run(argv, env=find_engine().environment, capture_output=True, timeout=300, check=True)


def install(made: Server, *packages: str) -> None:
    """Install packages from the sandbox's repository."""
    made.root(f"apt-get -q update; {APT} install --yes --no-install-recommends {' '.join(packages)}")


@contextlib.contextmanager
def kernel(made: Server) -> Iterator[None]:
    """A kernel package, for a while: Lynis takes one that is installed and does not run for a reboot that is due."""
    debs = kernel_packages(made)
    copy_in(made, *debs)
    names = " ".join(f"{INBOX}/{deb.name}" for deb in debs)
    made.root(f"{APT} install --yes --no-install-recommends {names}; rm -f {names}")
    yield
    made.root(f"{APT} purge --yes 'linux-image-*' >/dev/null 2>&1")


def kernel_packages(made: Server) -> list[Path]:
    """A kernel package of the server's release, with what it lacks for it."""
    status = made.root("cat /var/lib/dpkg/status")
    name = kernel_package()
    kept = machine.cache_directory() / "audit" / f"{name}-{content_hash(made.sandbox.release, status)}"
    if not kept.is_dir():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
            apt = pool.Apt(Path(scratch) / "apt", machine.release(made.sandbox.release), machine.mirror(), status)
            made_here = Path(scratch) / "debs"
            made_here.mkdir()
            for deb in apt.closure([name]):
                deb.rename(made_here / deb.name)
            made_here.rename(kept)
    return sorted(kept.iterdir())


def datastream() -> Path:
    """The rules for Debian 13, unpacked from the pinned package and kept in the cache."""
    kept = machine.cache_directory() / "audit" / CONTENT_SHA256[:12] / Path(DATASTREAM).name
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
            deb = Path(scratch) / "content.deb"
            deb.write_bytes(fetch())
            subprocess.run(["dpkg-deb", "--extract", str(deb), scratch], check=True, timeout=120)
            (Path(scratch) / DATASTREAM).rename(kept)
    return kept


def fetch() -> bytes:
    """The pinned package, from the mirror or from the archive of all that was ever in Debian."""
    failures = []
    for base in (machine.mirror(), SNAPSHOT):
        try:
            with urllib.request.urlopen(f"{base}/{CONTENT}", timeout=120) as answer:
                data = bytes(answer.read())
        except OSError as error:
            failures.append(f"{base}: {error}")
            continue
        if hashlib.sha256(data).hexdigest() == CONTENT_SHA256:
            return data
        failures.append(f"{base}: other bytes than pinned")
    raise AssertionError(f"{CONTENT} cannot be had: {'; '.join(failures)}")
