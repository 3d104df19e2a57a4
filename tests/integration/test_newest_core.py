"""The unit tests and one Molecule scenario on the newest ansible-core, with the Python of Debian 13.

The packages are fetched here for that Python and mounted into a container of the test server's image, which has the
interpreter but no package manager of Python's.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEWEST = "ansible-core==2.21.5"
IMAGE = "mediastack-sandbox/server:debian13-engine"
COMMANDS = ("ansible", "config", "doc", "galaxy", "inventory", "playbook")


def requirements() -> list[str]:
    """The project's own dependencies and those of its tests, with the newest core."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["test"]]
    return [NEWEST, *(name for name in wanted if not name.startswith("ansible-core"))]


def constraints(scratch: Path) -> Path:
    """The tested versions, without those that only an older Python takes."""
    path = scratch / "constraints.txt"
    path.write_text((ROOT / "constraints.txt").read_text(encoding="utf-8"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of packages for Python 3.13, made once per list of requirements."""
    key = hashlib.sha256("\n".join(requirements()).encode()).hexdigest()[:12]
    target = ROOT / ".cache" / f"newest-core-{key}"
    if not (target / ".complete").exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target), "--upgrade"]
        pip += ["--python-version", "3.13", "--ignore-requires-python", "--only-binary", ":all:"]
        pip += ["--constraint", str(constraints(tmp_path_factory.mktemp("pip")))]
        subprocess.run([*pip, *requirements()], check=True, timeout=600)
        (target / ".complete").touch()
    shims = target / "shims"
    shims.mkdir(exist_ok=True)
    for name in COMMANDS:
        shim = shims / ("ansible" if name == "ansible" else f"ansible-{name}")
        word = "adhoc" if name == "ansible" else name
        shim.write_text(f'#!/bin/sh\nexec python3 -m ansible {word} "$@"\n')
        shim.chmod(0o755)
    return target


def in_container(site: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script with the newest core, on a copy of the source tree, beside the engine's socket."""
    engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    prepare = (
        "mkdir /copy && tar -C /src --exclude=./.venv --exclude=./.cache --exclude=./build -cf - . | tar -C /copy -xf -"
    )
    argv = ["docker", "run", "--rm", "--network", "host", "--label", "mediastack.sandbox=newest-core"]
    argv += ["-v", f"{ROOT}:/src:ro", "-v", f"{site}:/site:ro", "-v", f"{engine}:/run/engine.sock"]
    argv += ["-e", "PYTHONPATH=/site", "-e", "DOCKER_HOST=unix:///run/engine.sock", "-e", "HOME=/root"]
    argv += ["-e", "PATH=/site/shims:/usr/sbin:/usr/bin:/sbin:/bin", "--entrypoint", "/bin/sh", IMAGE]
    argv += ["-ec", f"{prepare} && cd /copy && {script}"]
    return subprocess.run(argv, capture_output=True, text=True, timeout=1500, check=False)


def test_the_core_is_the_newest(site: Path) -> None:
    answer = in_container(site, "python3 -m ansible --version")
    assert NEWEST.partition("==")[2] in answer.stdout, answer.stderr


def test_unit_tests(site: Path) -> None:
    answer = in_container(site, "python3 -m pytest -q -p no:cacheprovider -n 2 tests/unit")
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-2000:]


def test_one_scenario(site: Path) -> None:
    answer = in_container(site, "python3 -m molecule test -s storage")
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-2000:]
