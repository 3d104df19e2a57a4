"""Unpack the pinned collections from PyPI's `ansible` package, for machines that cannot reach Galaxy.

Usage: collections_from_pypi.py TARGET
Only the collections that collections/requirements.yml names are unpacked, and only at the pinned versions:
a release of the package that carries another version is an error, not a surprise.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import yaml

REQUIREMENTS = Path(__file__).resolve().parent.parent / "collections" / "requirements.yml"
PACKAGE = "ansible==12.3.0"


def pinned() -> dict[str, str]:
    """The collections wanted: {"namespace.name": "version"}."""
    wanted = yaml.safe_load(REQUIREMENTS.read_text(encoding="utf-8"))["collections"]
    return {entry["name"]: entry["version"] for entry in wanted}


def unpack(wheel: Path, wanted: dict[str, str], target: Path) -> None:
    """Extract each wanted collection below TARGET; exit with one message when a version differs."""
    with zipfile.ZipFile(wheel) as archive:
        for name, version in wanted.items():
            prefix = f"ansible_collections/{name.replace('.', '/')}/"
            manifest = json.loads(archive.read(f"{prefix}MANIFEST.json"))
            found = manifest["collection_info"]["version"]
            if found != version:
                sys.exit(f"{PACKAGE} carries {name} {found}, but collections/requirements.yml pins {version}")
            archive.extractall(target, [member for member in archive.namelist() if member.startswith(prefix)])


def main() -> None:
    """Download the package, unpack what is pinned."""
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", scratch, PACKAGE]
        subprocess.run(pip, check=True)
        unpack(next(Path(scratch).glob("*.whl")), pinned(), target)


if __name__ == "__main__":
    main()
