"""The unit tests and one Molecule scenario on the newest ansible-core, with the Python of Debian 13."""

from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path

import pytest
from tests.integration.packages import ROOT, site_packages

from mediastack_provision.sandbox import lifecycle, machine
from mediastack_provision.sandbox.docker import find_engine
from mediastack_provision.sandbox.progress import Progress

NEWEST = "ansible-core==2.21.5"
# The OpenSSL of Debian 13 refuses to make the certificate that this test needs; elsewhere it runs.
EXPIRED = "tests/unit/modules/test_http.py::TestTls::test_an_expired_certificate_is_refused"
IMAGE = "mediastack-sandbox/server:debian13-engine"


def requirements() -> list[str]:
    """The project's own dependencies and those of its tests, with the newest core."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["test"]]
    return [NEWEST, *(name for name in wanted if not name.startswith("ansible-core"))]


@pytest.fixture(scope="module")
def site() -> Path:
    return site_packages(requirements())


# A virtual environment around the mounted packages, what the tests call besides Python, and a copy of the source tree.
PREPARE = """
python3 -m venv --without-pip /venv
echo /site > /venv/lib/python3.13/site-packages/site.pth
cp /site/shims/* /venv/bin/
rm -f /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/packages trixie main' > /etc/apt/sources.list.d/packages.list
apt-get -qq update && apt-get -qq install -y --no-install-recommends git curl openssl wget >/dev/null
mkdir /copy && tar -C /src --exclude=./.venv --exclude=./.cache --exclude=./build -cf - . | tar -C /copy -xf -
cd /copy
"""


def in_container(site: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script with the newest core in the Debian 13 image, beside the engine's socket."""
    engine = find_engine().environment.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    cache = machine.cache_directory()
    pool = lifecycle.builder(find_engine(), Progress(quiet=True)).pool(machine.release("debian13"))
    argv = ["docker", "run", "--rm", "--network", "host", "--label", "mediastack.sandbox=newest-core"]
    # Tests make mounts and network namespaces of their own.
    argv += ["--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN", "--cap-add", "SYS_PTRACE"]
    argv += ["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"]
    argv += ["-v", f"{ROOT}:/src:ro", "-v", f"{site}:/site:ro", "-v", f"{engine}:/run/engine.sock"]
    argv += ["-v", f"{cache}:{cache}", "-v", f"{pool}/debian:/packages:ro"]
    argv += (
        ["-e", f"MEDIASTACK_CACHE={os.environ.get('MEDIASTACK_CACHE', '')}"] if "MEDIASTACK_CACHE" in os.environ else []
    )
    argv += ["-e", "DOCKER_HOST=unix:///run/engine.sock", "-e", "HOME=/root", "-e", "LC_ALL=C.UTF-8"]
    argv += ["-e", "PATH=/venv/bin:/usr/sbin:/usr/bin:/sbin:/bin", "--entrypoint", "/bin/sh", IMAGE]
    argv += ["-ec", f"{PREPARE}\n{script}"]
    return subprocess.run(
        argv, capture_output=True, text=True, timeout=1500, check=False, env=find_engine().environment
    )


def test_the_core_is_the_newest(site: Path) -> None:
    answer = in_container(site, "ansible --version")
    assert NEWEST.partition("==")[2] in answer.stdout, answer.stderr


def test_unit_tests(site: Path) -> None:
    answer = in_container(site, f"python3 -m pytest -q -p no:cacheprovider -n 2 tests/unit --deselect {EXPIRED}")
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-2000:]


def test_one_scenario(site: Path) -> None:
    # Under another name, for the gate may run the scenario itself at the same time.
    answer = in_container(site, "cp -r molecule/storage molecule/newest && python3 -m molecule test -s newest")
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-2000:]
