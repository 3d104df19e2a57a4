"""A network namespace of a test's own, in which nft and our module may do what they like."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
DRIVER = """
import json, sys
from ansible.module_utils.testing import patch_module_args
from ansible_collections.mediastack.core.plugins.modules import nft_table
with patch_module_args(json.load(sys.stdin)):
    nft_table.main()
"""


@dataclass(frozen=True)
class Namespace:
    """One namespace, held by a process that sleeps, and a folder for files."""

    pid: int
    folder: Path

    def run(self, *argv: str, data: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        """Run a program in it."""
        return subprocess.run(
            ["/usr/bin/nsenter", f"--net=/proc/{self.pid}/ns/net", *argv],
            input=data,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT / "collections"), **more},
        )

    def nft(self, *words: str, data: str = "") -> str:
        """Call nft; it has to succeed."""
        done = self.run("nft", *words, data=data)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def module(self, content: str = "", *, check: bool = False, **arguments: Any) -> dict[str, Any]:
        """Call our module on the table `mediastack_test`."""
        env = arguments.pop("env", {})
        words = {
            "name": "mediastack_test",
            "content": content,
            "path": str(self.folder / "test.nft"),
            "units": str(self.folder / "units"),
            "lease_directory": str(self.folder / "run"),
            "_ansible_check_mode": check,
            "_ansible_diff": True,
            **arguments,
        }
        done = self.run(sys.executable, "-c", DRIVER, data=json.dumps(words), **env)
        assert done.stdout.strip().startswith("{"), done.stdout + done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


@contextmanager
def namespace(folder: Path) -> Iterator[Namespace]:
    """A fresh one."""
    holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep 600"], stdout=subprocess.PIPE)
    try:
        assert holder.stdout
        holder.stdout.readline()
        yield Namespace(holder.pid, folder)
    finally:
        holder.kill()
        holder.communicate()
