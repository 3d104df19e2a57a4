"""The unit tests and one Molecule scenario on the newest ansible-core, with the Python of Debian 13."""

from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path

import pytest
from tests.integration.packages import ROOT, site_packages

NEWEST = "ansible-core==2.21.5"
IMAGE = "mediastack-sandbox/server:debian13-engine"


def requirements() -> list[str]:
    """The project's own dependencies and those of its tests, with the newest core."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["test"]]
    return [NEWEST, *(name for name in wanted if not name.startswith("ansible-core"))]


@pytest.fixture(scope="module")
def site() -> Path:
    return site_packages(requirements())


def in_container(site: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script with the newest core, on a copy of the source tree, beside the engine's socket."""
    engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    left_out = "--exclude=./.venv --exclude=./.cache --exclude=./build"
    prepare = f"mkdir /copy && tar -C /src {left_out} -cf - . | tar -C /copy -xf -"
    argv = ["docker", "run", "--rm", "--network", "host", "--label", "mediastack.sandbox=newest-core"]
    argv += ["-v", f"{ROOT}:/src:ro", "-v", f"{site}:/site:ro", "-v", f"{engine}:/run/engine.sock"]
    argv += ["-e", "PYTHONPATH=/site", "-e", "DOCKER_HOST=unix:///run/engine.sock", "-e", "HOME=/root"]
    argv += ["-e", "PATH=/site/shims:/usr/sbin:/usr/bin:/sbin:/bin", "--entrypoint", "/bin/sh", IMAGE]
    argv += ["-ec", f"{prepare} && cd /copy && {script}"]
    return subprocess.run(argv, capture_output=True, text=True, timeout=1500, check=False)


def test_the_core_is_the_newest(site: Path) -> None:
    answer = in_container(site, "ansible --version")
    assert NEWEST.partition("==")[2] in answer.stdout, answer.stderr


def test_unit_tests(site: Path) -> None:
    answer = in_container(site, "python3 -m pytest -q -p no:cacheprovider -n 2 tests/unit")
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-2000:]


def test_one_scenario(site: Path) -> None:
    answer = in_container(site, "python3 -m molecule test -s storage")
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-2000:]
