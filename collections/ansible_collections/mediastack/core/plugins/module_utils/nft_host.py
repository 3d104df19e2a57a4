"""One table of nftables on this server: its state in the kernel, in its file and at boot, and how it is changed."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.mediastack.core.plugins.module_utils import guard_rollback, nft_table
from ansible_collections.mediastack.core.plugins.module_utils.nft_table import NftError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[[list[str], str], tuple[int, str, str]]  # argv and standard input; (code, output, errors)

PLACES = ("/usr/sbin", "/sbin", "/usr/local/sbin")
PROGRAM = "/usr/sbin/nft"  # where it will be once the package is installed
UNIT_MODE = 0o644
MARK = "\n--- json ---\n"
# What is wanted, as this nft prints it: loaded where nothing but this process sees it.
SCRATCH = f"""nft=$1 table=$2
"$nft" -f - && "$nft" -s -t list table inet "$table" && printf '%s' '{MARK}' && "$nft" -j list table inet "$table"
"""


def find_program(name: str = "nft") -> str:
    """Where a program of root's is; empty when it is not installed."""
    places = os.pathsep.join([os.environ.get("PATH", ""), *PLACES])
    return shutil.which(name, path=places) or ""


@dataclass(frozen=True)
class Printed:
    """A table as nft prints it: ``-s -t list table``, and the JSON; both empty when there is none."""

    text: str = ""
    listing: str = ""

    def canonical(self, keep: list[str]) -> str:
        """What of it is compared."""
        return nft_table.canonical(self.text, self.listing, keep) if self.text else ""


@dataclass(frozen=True)
class Nft:
    """nft on this server."""

    program: str
    run: Run

    def printed(self, name: str) -> Printed:
        """The table in the kernel."""
        code, text, err = self.run([self.program, "-s", "-t", "list", "table", nft_table.FAMILY, name], "")
        if code and "No such file" in err:
            return Printed()
        if code:
            raise NftError(kernel_refusal(err))
        code, listing, err = self.run([self.program, "-j", "list", "table", nft_table.FAMILY, name], "")
        if code:
            raise NftError(kernel_refusal(err))
        return Printed(text, listing)

    def wanted(self, name: str, content: str) -> Printed:
        """The table that the content makes. Nothing on the server changes."""
        argv = ["unshare", "--net", "/bin/sh", "-c", SCRATCH, "sh", self.program, name]
        code, out, err = self.run(argv, nft_table.transaction(name, content))
        if code:
            if err.startswith("unshare"):
                raise NftError(f"no network namespace to try the table in: {err.strip()}")
            raise NftError(kernel_refusal(err) if unsupported(err) else nft_table.refusal(err, content))
        text, _, listing = out.partition(MARK)
        return Printed(text, listing)

    def load(self, commands: str, content: str) -> None:
        """Check commands, then do all of them at once or none."""
        for flags in (["-c"], []):
            code, _out, err = self.run([self.program, *flags, "-f", "-"], commands)
            if code:
                raise NftError(nft_table.refusal(err, content))


def unsupported(err: str) -> bool:
    """Whether the kernel itself says no."""
    return any(words in err for words in ("Protocol not supported", "Unable to initialize Netlink", "cache initializ"))


def kernel_refusal(err: str) -> str:
    """Why nothing can be read or loaded."""
    reason = " ".join(err.split())
    if unsupported(err):
        return f"this kernel has no nf_tables ({reason}). Remedy: boot a kernel with nf_tables, a distribution's own"
    return f"nft cannot read the kernel's tables: {reason}"


def held(path: str, text: str, mode: int) -> bool:
    """Whether a file of ours is there as it should be."""
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode):
            return False
        same = Path(path).read_bytes() == text.encode()
    except OSError:
        return False
    return same and (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (mode, os.geteuid(), os.getegid())


def shown(path: str) -> str:
    """A file's text for a diff."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def write(path: str, text: str, mode: int) -> None:
    """Replace a file of ours. What is no file is taken away first."""
    target = Path(path)
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    guard_rollback.replace(target, text.encode("utf-8"), mode, os.geteuid(), os.getegid())


def linked(link: str, target: str) -> bool:
    """Whether a link is as it should be."""
    try:
        return str(Path(link).readlink()) == target
    except OSError:
        return False


def make_link(link: str, target: str) -> None:
    """Make it so."""
    Path(link).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    guard_rollback.link(Path(link), target)


def remove(paths: list[str]) -> None:
    """Remove files and links that are there."""
    for path in paths:
        guard_rollback.remove(Path(path))
