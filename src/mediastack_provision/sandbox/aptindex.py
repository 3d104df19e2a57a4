"""The index files of an apt repository (Debian's repository format: Packages and Release)."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
from email.utils import formatdate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def stanza(control: str, filename: str, data: bytes) -> str:
    """One package's entry: its control file, where it lies, its size and hash."""
    return f"{control.rstrip()}\nFilename: {filename}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"


def release_file(head: dict[str, str], files: dict[str, bytes]) -> str:
    """The Release file: the fields of `head`, then each index in `files` (relative path to content) with its hash."""
    sums = "".join(f" {hashlib.sha256(data).hexdigest()} {len(data)} {path}\n" for path, data in sorted(files.items()))
    return "".join(f"{key}: {value}\n" for key, value in head.items()) + f"SHA256:\n{sums}"


def architecture() -> str:
    """Debian's name of this machine's architecture."""
    return subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True, timeout=30
    ).stdout.strip()


def write(root: Path, suite: str, component: str, label: str) -> None:
    """Write the indexes of `root`, whose packages lie in `root`/pool/`suite`."""
    arch = architecture()
    entries = []
    for deb in sorted((root / "pool" / suite).glob("*.deb")):
        fields = subprocess.run(
            ["dpkg-deb", "--field", str(deb)], capture_output=True, text=True, check=True, timeout=60
        ).stdout
        # A name in an URL: apt asks for it as it stands here.
        entries.append(stanza(fields, str(deb.relative_to(root)), deb.read_bytes()))
    packages = "\n".join(entries).encode()
    files = {
        f"{component}/binary-{arch}/Packages": packages,
        f"{component}/binary-{arch}/Packages.gz": gzip.compress(packages, mtime=0),
    }
    dists = root / "dists" / suite
    for path, data in files.items():
        (dists / path).parent.mkdir(parents=True, exist_ok=True)
        (dists / path).write_bytes(data)
    head = {
        "Origin": label,
        "Label": label,
        "Suite": suite,
        "Codename": suite,
        "Date": formatdate(usegmt=True),
        "Architectures": arch,
        "Components": component,
    }
    (dists / "Release").write_text(release_file(head, files), encoding="utf-8")
