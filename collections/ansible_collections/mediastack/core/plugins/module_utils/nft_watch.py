"""Keep a table of nftables as its file says. Runs on the server as a service, beside copies of what it imports.

The kernel tells of every change of tables; what was changed is put back, and said in the journal. How it listens is the
kill-switch's. It is a process of its own all the same: the kill-switch's holds a table that ends with it, and must not
be started anew for the firewall's sake. Ends when the file is gone. Python 3.9, standard library.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from ansible_collections.mediastack.core.plugins.module_utils import guard_rollback, killswitch_kernel, nft_table
from ansible_collections.mediastack.core.plugins.module_utils.killswitch_kernel import KernelError, say
from ansible_collections.mediastack.core.plugins.module_utils.nft_host import Nft, Printed, find_program

SECONDS = 20
ERROR, WARNING, INFORMATION = 3, 4, 6


def call(argv: list[str], data: str) -> tuple[int, str, str]:
    """Run a program: English errors, a bounded time."""
    env = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(argv, input=data, capture_output=True, text=True, timeout=SECONDS, check=False, env=env)
    except subprocess.SubprocessError as error:
        raise KernelError(f"{argv[0]}: {error}") from error
    return done.returncode, done.stdout, done.stderr


class Keeper:
    """Puts one table back."""

    def __init__(self, name: str, path: str, nft: Nft) -> None:
        """Nothing is known yet."""
        self.name, self.path, self.nft = name, Path(path), nft
        self.stamp: tuple[int, int, int] = (0, 0, 0)
        self.text = ""
        self.wanted = Printed()

    def learn(self) -> bool:
        """Read the file again where it has changed; whether there is one. What the role did not write is not loaded."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return False
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        if stamp == self.stamp:
            return True
        text = self.path.read_text(encoding="utf-8")
        content = nft_table.content_of(self.name, text)
        if content is None:
            say(ERROR, f"{self.path} is not as it was written, and is not loaded: run harden.yml")
        else:
            self.wanted = self.nft.wanted(self.name, content)
            self.text = text
        self.stamp = stamp
        return True

    def look(self) -> bool:
        """Compare, and put back; whether all is well. Raises KernelError; SystemExit when there is nothing to keep."""
        try:
            with guard_rollback.alone(nft_table.guard_name(self.name)):
                if not self.learn():
                    raise SystemExit(0)
                return self.keep()
        except nft_table.NftError as error:
            raise KernelError(f"table {self.name}: {error}") from error

    def keep(self) -> bool:
        """Load the text when the kernel has something else."""
        now = self.nft.printed(self.name)
        if not self.text or now.canonical([]) == self.wanted.canonical([]):
            return True
        began = time.monotonic()
        self.nft.load(self.text, "")
        took = (time.monotonic() - began) * 1000
        if self.nft.printed(self.name).canonical([]) != self.wanted.canonical([]):
            self.stamp = (0, 0, 0)  # a newer nft may print the same otherwise: what is wanted is asked anew
        say(WARNING, f"put back in {took:.0f} ms: table {self.name} {'is other than ours' if now.text else 'is gone'}")
        return True


def main(arguments: list[str]) -> None:
    """Until the service is stopped."""
    (name,) = arguments
    say(INFORMATION, f"watching the table {name}")
    killswitch_kernel.attend(Keeper(name, nft_table.default_path(name), Nft(find_program(), call)).look)


if __name__ == "__main__":
    main(sys.argv[1:])
