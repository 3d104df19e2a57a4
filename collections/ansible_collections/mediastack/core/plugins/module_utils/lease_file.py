"""One writer per server: the lease of a run, and the lock of the module that is writing.

Two files below /run/mediastack (gone after a reboot, as they should be):

- ``lease.json``  who runs a changing playbook here. Read and written under a lock on ``lease.lock``::

      {who, controller, pid, start, run, command, since, until, ttl, deadline, boot}

  ``since`` and ``until`` are seconds of the wall clock, for people. What decides is ``deadline``,
  seconds since boot, so that a clock set right by NTP in the middle of a run neither frees a lease nor
  keeps it for ever.
- ``writer.lock``  held by a module of ours while it writes. A module outlives a controller that was
killed; the next run's first writing module waits for it here.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DIRECTORY = "/run/mediastack"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
WRITER_WAIT = 300.0
CLAIM_KEYS = ("who", "controller", "pid", "start", "run", "command")

Lease = dict[str, Any]


class LeaseError(Exception):
    """Someone else writes, or this run lost its lease. The message is for the owner."""


def boot_id() -> str:
    """Name of the running boot; empty where the kernel does not say."""
    try:
        return Path(BOOT_ID).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def now() -> float:
    """Seconds since boot, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@contextlib.contextmanager
def locked(path: Path, wait: float) -> Iterator[bool]:
    """Hold an exclusive lock on a file; yields False when it could not be had within `wait` seconds."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        yield _flock(fd, wait)
    finally:
        os.close(fd)


def _flock(fd: int, wait: float) -> bool:
    end = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.1)
        else:
            return True


def read(directory: str = DIRECTORY) -> Lease | None:
    """The lease that is in force, or None (none, expired, of an earlier boot, unreadable)."""
    try:
        found = json.loads((Path(directory) / "lease.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or found.get("boot") != boot_id():
        return None
    deadline = found.get("deadline")
    return found if isinstance(deadline, (int, float)) and deadline > now() else None


def _write(directory: str, lease: Lease) -> None:
    path = Path(directory) / "lease.json"
    temporary = path.with_name(".lease.json.new")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    with os.fdopen(fd, "w", encoding="utf-8") as stream:
        json.dump(lease, stream)
    temporary.replace(path)


def _dated(claim: Lease, ttl: float, since: float) -> Lease:
    kept = {key: claim[key] for key in CLAIM_KEYS if key in claim}
    moment = time.time()
    return {
        **kept,
        "since": since,
        "until": moment + ttl,
        "ttl": ttl,
        "deadline": now() + ttl,
        "boot": boot_id(),
    }


def acquire(claim: Lease, ttl: float, *, replace: str = "", directory: str = DIRECTORY) -> tuple[bool, Lease]:
    """Take or renew the lease: (True, ours) or (False, the holder's).

    `replace` is the run that the caller saw and knows to be dead: a lease of exactly that run gives way
    at once.
    """
    with locked(Path(directory) / "lease.lock", 10.0) as got:
        if not got:
            raise LeaseError(f"{directory}/lease.lock has been held for 10 seconds; nothing was changed")
        holder = read(directory)
        if holder is not None and holder.get("run") not in (claim["run"], replace):
            return False, holder
        renewed = holder is not None and holder.get("run") == claim["run"]
        lease = _dated(claim, ttl, holder["since"] if renewed and holder else time.time())
        _write(directory, lease)
        return True, lease


def release(run: str, directory: str = DIRECTORY) -> bool:
    """Give the lease back; False when it is not this run's."""
    with locked(Path(directory) / "lease.lock", 10.0) as got:
        holder = read(directory) if got else None
        if holder is None or holder.get("run") != run:
            return False
        (Path(directory) / "lease.json").unlink()
        return True


def renew(run: str, directory: str = DIRECTORY) -> bool:
    """Extend this run's lease by its own time to live; False when it is not this run's any more."""
    with locked(Path(directory) / "lease.lock", 10.0) as got:
        holder = read(directory) if got else None
        if holder is None or holder.get("run") != run:
            return False
        _write(directory, _dated(holder, float(holder["ttl"]), holder["since"]))
        return True


def describe(holder: Lease) -> str:
    """Who holds the lease, since when and until when, in one line."""

    def clock(moment: Any) -> str:
        return time.strftime("%H:%M:%S", time.localtime(float(moment or 0)))

    return (
        f"{holder.get('who', 'someone')} ({holder.get('command', 'a run')}, pid {holder.get('pid', '?')}) "
        f"since {clock(holder.get('since'))}, until {clock(holder.get('until'))}"
    )


def _renewing(run: str, directory: str, stop: threading.Event, interval: float) -> None:
    while not stop.wait(interval):
        try:
            if not renew(run, directory):
                return
        except OSError:
            return


@contextlib.contextmanager
def writer(
    run: str = "",
    *,
    directory: str = DIRECTORY,
    wait: float = WRITER_WAIT,
    warn: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Be the one module that writes on this server.

    With `run`, the lease must be that run's. Without it any lease is taken as the caller's own: an ad-
    hoc call by hand needs none.

    Raises:
        LeaseError: another module writes for longer than `wait`, or the lease is another run's.

    """
    with locked(Path(directory) / "writer.lock", 0) as free:
        pass
    if not free and warn is not None:
        warn("an earlier run's module is still writing on this server; waiting for it")
    with locked(Path(directory) / "writer.lock", wait) as got:
        if not got:
            raise LeaseError(
                f"another module has been writing on this server for more than {wait:.0f} seconds; "
                "see `ps aux | grep -i ansible` there, then run again"
            )
        holder = read(directory)
        if run and (holder is None or holder.get("run") != run):
            who = describe(holder) if holder else "nobody: it expired"
            raise LeaseError(f"this run has lost its lease; it is now held by {who}. Run again")
        stop = threading.Event()
        thread: threading.Thread | None = None
        if holder is not None:
            interval = max(float(holder["ttl"]) / 3, 0.2)
            arguments = (str(holder["run"]), directory, stop, interval)
            thread = threading.Thread(target=_renewing, args=arguments, daemon=True)
            thread.start()
        try:
            yield
        finally:
            stop.set()
            if thread is not None:
                thread.join(timeout=12)
