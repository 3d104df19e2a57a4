"""The modules of PAM that are installed. Reads only."""

from __future__ import annotations

from pathlib import Path

ROOT = Path("/")
# Debian's, with and without its architecture in the path, and Fedora's; `lib` need not be a link to `usr/lib`.
FOLDERS = ("lib/security", "lib/*/security", "usr/lib/security", "usr/lib/*/security", "usr/lib64/security")


def modules() -> list[str]:
    """Names of the modules."""
    return sorted({path.name for folder in FOLDERS for path in ROOT.glob(f"{folder}/pam_*.so")})
