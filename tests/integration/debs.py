"""Debian packages that no role installs, for a test that needs the real program on a server."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.integration.packages import CACHE
from tests.integration.servers import Server

from mediastack_provision.sandbox import machine, pool
from mediastack_provision.sandbox.docker import find_engine

PLACE = "/root/debs"


def fetched(release: str, status: str, packages: tuple[str, ...]) -> Path:
    """A folder with the packages and all that a server lacks for them; downloaded once."""
    digest = hashlib.sha256("\n".join([release, *packages, status]).encode()).hexdigest()[:12]
    target = CACHE / f"debs-{digest}"
    if not target.exists():
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            apt = pool.Apt(Path(scratch) / "apt", machine.RELEASES[release], machine.mirror(), status)
            found = Path(scratch) / "found"
            found.mkdir()
            for file in apt.closure(list(packages)):
                shutil.move(file, found / file.name)
            found.rename(target)
    return target


def install(made: Server, *packages: str) -> None:
    """Install packages with apt's own choice of versions, without asking the server's repository."""
    folder = fetched(made.sandbox.release, made.root("cat /var/lib/dpkg/status"), packages)
    copy = ["docker", "cp", f"{folder}/.", f"{made.sandbox.container}:{PLACE}"]
    made.root(f"rm -rf {PLACE}; mkdir {PLACE}")
    subprocess.run(copy, env=find_engine().environment, capture_output=True, timeout=120, check=True)
    made.root(f"DEBIAN_FRONTEND=noninteractive dpkg --install {PLACE}/*.deb")
