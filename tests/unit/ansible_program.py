"""One of Ansible's programs on this machine, with the project's configuration and nothing else of ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent


def program(name: str, folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it in `folder`, which is also its home."""
    return subprocess.run(
        [PROGRAMS / name, *words],
        env={
            "HOME": str(folder),
            "PATH": f"{PROGRAMS}:/usr/bin:/bin",
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "LC_ALL": "C.UTF-8",
            **environment,
        },
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
