"""What this machine offers for building images: a Debian mirror, keyrings, and a place for the cache."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mediastack_provision.exits import Exit, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEFAULT_MIRROR = "http://deb.debian.org/debian"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MIRROR_VARIABLE = "MEDIASTACK_DEBIAN_MIRROR"
CACHE_VARIABLE = "MEDIASTACK_CACHE"


@dataclass(frozen=True)
class Release:
    """A Debian release that servers come in."""

    name: str
    suite: str
    version: int


RELEASES = {
    "debian12": Release("debian12", "bookworm", 12),
    "debian13": Release("debian13", "trixie", 13),
}
DEFAULT_RELEASE = "debian13"


def release(name: str) -> Release:
    """The release called `name`.

    Raises:
        UserError: when there is no such one.

    """
    if name not in RELEASES:
        raise UserError(f"No sandbox server of {name!r}: there are {', '.join(RELEASES)}.")
    return RELEASES[name]


def mirror_of(targets: str, machine_id: str) -> str:
    """The Debian mirror that apt uses, else the default one.

    Args:
        targets: `apt-get indextargets --format '$(CREATED_BY) $(REPO_URI) $(COMPONENT)'`
        machine_id: `ID` of os-release; only a Debian machine's mirror has Debian

    """
    if machine_id != "debian":
        return DEFAULT_MIRROR
    for line in targets.splitlines():
        kind, _, rest = line.partition(" ")
        uri, _, component = rest.partition(" ")
        if kind == "Packages" and component == "main" and uri.rstrip("/").endswith("/debian"):
            return uri.rstrip("/")
    return DEFAULT_MIRROR


def os_release_id(text: str) -> str:
    """`ID` in the text of os-release."""
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key == "ID":
            return value.strip().strip('"')
    return ""


def mirror() -> str:
    """The Debian mirror to build from; `MEDIASTACK_DEBIAN_MIRROR` overrides what apt is configured with."""
    if chosen := os.environ.get(MIRROR_VARIABLE):
        return chosen.rstrip("/")
    try:
        done = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(CREATED_BY) $(REPO_URI) $(COMPONENT)"],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        identity = os_release_id(Path("/etc/os-release").read_text(encoding="utf-8"))
    except (OSError, subprocess.SubprocessError):
        return DEFAULT_MIRROR
    return mirror_of(done.stdout, identity)


def require_tools() -> None:
    """Refuse to build where the tools are missing.

    Raises:
        UserError: naming what to install.

    """
    wanted = {"mmdebstrap": Path("/usr/bin/mmdebstrap"), "debian-archive-keyring": KEYRING}
    missing = [package for package, path in wanted.items() if not path.exists()]
    if missing:
        raise UserError(
            f"Sandbox images cannot be built without {' and '.join(missing)}. "
            f"Remedy: apt-get install {' '.join(missing)}",
            Exit.FAILED,
        )


def cache_directory() -> Path:
    """Where package pools are kept; images are kept by the engine. Can be deleted at any time."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen).expanduser() / "sandbox"
    if os.geteuid() == 0:
        return Path("/var/cache/mediastack-sandbox")
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "mediastack" / "sandbox"


def point(link: Path, target: Path) -> None:
    """Make `link` a symbolic link to its neighbour `target`, atomically."""
    if link.is_symlink() and link.readlink() == Path(target.name):
        return
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target.name)
    new.replace(link)


@contextmanager
def locked(on_wait: Callable[[], None]) -> Iterator[None]:
    """Let one process at a time build images, choose ports and subnets; `on_wait` is called if this one has to wait."""
    directory = cache_directory()
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def clear_cache() -> None:
    """Delete what this package has put into the cache directory, and nothing else that may be there."""
    directory = cache_directory()
    for name in ("packages", "wheels"):
        if (directory / name).is_dir():
            shutil.rmtree(directory / name)
