"""The auditors' programs: fetched on this machine, brought to a server that has no Internet."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from tests.integration.servers import Server

from mediastack_provision.sandbox import aptindex, machine, pool
from mediastack_provision.sandbox.docker import find_engine

# The CIS profile for Debian 13 is in no released Debian's content; this is sid's, and the only one with these bytes.
CONTENT = "pool/main/s/scap-security-guide/ssg-debian_0.1.82-1_all.deb"
CONTENT_SHA256 = "cfde145916f1f37ec96c0fe2a9ea5f44a2db0ee6f0a2dacfcf86534c0977755a"
# Where to find it when the mirror has gone on to a newer version.
SNAPSHOT = "https://snapshot.debian.org/archive/debian/20261101T000000Z"
DATASTREAM = "usr/share/xml/scap/ssg/content/ssg-debian13-ds.xml"
INBOX = "/root/audit"


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
    """Install packages of the server's release, with what it lacks for them."""
    status = made.root("cat /var/lib/dpkg/status")
    with tempfile.TemporaryDirectory() as scratch:
        apt = pool.Apt(Path(scratch) / "apt", machine.release(made.sandbox.release), machine.mirror(), status)
        debs = apt.closure(list(packages))
        copy_in(made, *debs)
        names = " ".join(f"{INBOX}/{deb.name}" for deb in debs)
        made.root(
            f"DEBIAN_FRONTEND=noninteractive apt-get -q install --yes --no-install-recommends {names}; rm -f {names}"
        )


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
