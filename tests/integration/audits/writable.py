"""Kernel settings of the machine under the sandbox, written for the length of an audit and put back.

Only where MEDIASTACK_TEST_WRITE_KERNEL=1 asks for it, and only those that the role `hardening` sets, that are the whole
machine's, and that can be put back. What they were is written to a file before the first is made writable; a run that
was killed leaves that file, and the next one begins by putting back what it says.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import yaml

ASKED = "MEDIASTACK_TEST_WRITE_KERNEL"
ITEMS = Path(__file__).parents[3] / "roles/hardening/vars/main/kernel.yml"
# A network has its own, in the sandbox too; these the test may always write.
NAMESPACED = ("net.",)
# What the kernel takes and never gives back before the next boot.
ONE_WAY = {
    "kernel.kexec_load_disabled": "1 stays until the next boot",
    "kernel.modules_disabled": "1 stays until the next boot",
    "kernel.unprivileged_bpf_disabled": "1 stays until the next boot",
}


class KernelError(Exception):
    """The settings cannot be written or were not put back; the text names them."""


class Kernel(Protocol):
    """The kernel's settings, from outside of the sandbox."""

    def boot(self) -> str:
        """What is another one after each boot."""

    def read(self, names: Iterable[str]) -> dict[str, str]:
        """The value of each setting that this kernel has."""

    def write(self, values: Mapping[str, str]) -> None:
        """Set them; what could not be set is seen by reading."""


def asked() -> bool:
    """Whether the owner of this machine has asked for it."""
    return os.environ.get(ASKED) == "1"


def wanted(items: Iterable[Mapping[str, Any]] | None = None) -> dict[str, str]:
    """The settings of the role's `baseline` that are the whole machine's."""
    if items is None:
        items = yaml.safe_load(ITEMS.read_text(encoding="utf-8"))["__hardening_kernel"]
    return {
        name: str(value)
        for item in items
        if item["profile"] == "baseline"
        for name, value in item.get("settings", {}).items()
        if not name.startswith(NAMESPACED)
    }


def split(names: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Names that can be put back, and of the others why they are left alone."""
    every = sorted(names)
    return [name for name in every if name not in ONE_WAY], {n: ONE_WAY[n] for n in every if n in ONE_WAY}


def path_of(name: str) -> str:
    """The file of a setting."""
    return "/proc/sys/" + name.replace(".", "/")


@dataclasses.dataclass(frozen=True)
class Kept:
    """What settings were, in a file."""

    path: Path

    def save(self, boot: str, values: Mapping[str, str]) -> None:
        """Write it so that it is whole or not there."""
        temporary = self.path.with_name(self.path.name + ".new")
        with temporary.open("w", encoding="utf-8") as stream:
            json.dump({"boot": boot, "values": dict(values)}, stream, indent=1, sort_keys=True)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(self.path)

    def load(self, boot: str) -> dict[str, str]:
        """Values of this boot; none where there is no file. After a boot, the kernel has its own again."""
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return dict(found["values"]) if found["boot"] == boot else {}

    def forget(self) -> None:
        """Remove it."""
        self.path.unlink(missing_ok=True)


def put_back(kernel: Kernel, kept: Kept) -> dict[str, str]:
    """Put back what the file says, and forget it; returns what had changed.

    Raises:
        KernelError: something is not as it was. The file stays.

    """
    before = kept.load(kernel.boot())
    now = kernel.read(before)
    changed = {name: value for name, value in before.items() if now.get(name) != value}
    if changed:
        kernel.write(changed)
        after = kernel.read(changed)
        left = sorted(name for name, value in changed.items() if after.get(name) != value)
        if left:
            raise KernelError(f"not put back: {', '.join(f'{n} = {before[n]}' for n in left)} (see {kept.path})")
    kept.forget()
    return changed


@contextlib.contextmanager
def borrowed(kernel: Kernel, path: Path, names: Iterable[str]) -> Iterator[list[str]]:
    """The names of settings that may be written until the end; then all are as they were.

    Raises:
        KernelError: another run has borrowed them, or they cannot be put back.

    """
    allowed, _left_alone = split(names)
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = Kept(path)
    with path.with_name(path.name + ".lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KernelError("another run writes kernel settings at the moment") from None
        put_back(kernel, kept)  # what a run that was killed has left
        before = kernel.read(allowed)
        kept.save(kernel.boot(), before)
        try:
            with interrupts_raise():
                yield sorted(before)
        finally:
            with undisturbed():
                put_back(kernel, kept)


@contextlib.contextmanager
def interrupts_raise() -> Iterator[None]:
    """SIGTERM and SIGINT end what is done here with an exception, so that things are put back."""

    def stop(number: int, _frame: object) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    # Ctrl-C, too: what a shell begins in the background ignores it, and so would we.
    with handled(signal.SIGTERM, stop), handled(signal.SIGINT, stop):
        yield


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Nothing but SIGKILL ends what is done here."""
    with handled(signal.SIGTERM, signal.SIG_IGN), handled(signal.SIGINT, signal.SIG_IGN):
        yield


@contextlib.contextmanager
def handled(number: signal.Signals, handler: Any) -> Iterator[None]:
    """A handler of a signal, for a while; only the first thread has any."""
    if threading.current_thread() is not threading.main_thread():
        raise KernelError("kernel settings are borrowed in the first thread only: no other one hears of signals")
    old = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, old)
