"""Python packages for the interpreter of the Debian 13 image, which has no package manager of Python's."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
COMMANDS = ("adhoc", "config", "doc", "galaxy", "inventory", "playbook", "vault")


def site_packages(requirements: list[str], *files: Path) -> Path:
    """A folder of packages for Python 3.13, made once per list of requirements and content of local files."""
    digest = hashlib.sha256("\n".join([*requirements, *COMMANDS]).encode())
    for path in (ROOT / "constraints.txt", *files):
        digest.update(path.read_bytes())
    target = CACHE / f"site-{digest.hexdigest()[:12]}"
    if not (target / ".complete").exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target), "--upgrade"]
        # This Python is another one than the packages are for, so pip's own check of it does not apply.
        pip += ["--python-version", "3.13", "--ignore-requires-python", "--only-binary", ":all:"]
        pip += ["--constraint", str(ROOT / "constraints.txt")]
        subprocess.run([*pip, *requirements, *map(str, files)], check=True, timeout=900)
        write_shims(target / "shims")
        (target / ".complete").touch()
    return target


def write_shims(folder: Path) -> None:
    """Ansible's commands for the target interpreter; pip's own scripts name the interpreter it ran under."""
    folder.mkdir(exist_ok=True)
    for name in COMMANDS:
        shim = folder / ("ansible" if name == "adhoc" else f"ansible-{name}")
        shim.write_text(f"#!/usr/bin/env python3\nimport sys\nfrom ansible.cli.{name} import main\nsys.exit(main())\n")
        shim.chmod(0o755)
    test_runner = folder / "pytest"
    test_runner.write_text('#!/bin/sh\nexec python3 -m pytest "$@"\n')
    test_runner.chmod(0o755)


def build_wheel(folder: Path) -> Path:
    """The project's wheel, built from this checkout."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(pip, check=True, timeout=600)
    return next(folder.glob("*.whl"))
