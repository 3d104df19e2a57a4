"""Locks tests out of a server, and measures how long it takes until they come in again."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import yaml
from tests.integration import playbook
from tests.integration.servers import Server

SECONDS = 15  # the countdown of a run that locks out
PLENTY = 120  # of every other one, which has to come through on busy cores
HASTE = ("-e", json.dumps({"ssh_rollback_seconds": SECONDS, "firewall_rollback_seconds": SECONDS}))
PATIENCE = 45  # what sshd needs to start, a probe to notice, and two busy cores to do it
AGAIN = 10  # for a probe that two busy cores have held up; less than the countdown
HARDEN = "playbooks/harden.yml"


def choose(made: Server, **choices: object) -> None:
    made.choices.write_text(
        yaml.safe_dump({"ssh_rollback_seconds": PLENTY, "firewall_rollback_seconds": PLENTY, **choices}),
        encoding="utf-8",
    )


def comes_in(made: Server) -> bool:
    """Whether a new connection works, with nothing of an old one."""
    argv = made.sandbox.ssh_argv("true")
    argv[1:1] = ["-F", "/dev/null", "-o", "ControlPath=none", "-o", "BatchMode=yes", "-o", "ConnectTimeout=2"]
    try:
        return subprocess.run(argv, capture_output=True, timeout=5, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def inside(made: Server) -> str:
    """What explains that nobody comes in, in one line: how far the boot is, guards, their last words, open ports."""
    said = made.root(
        "set +e; date; systemctl show --property=UserspaceTimestamp; systemctl is-system-running; "
        "systemctl list-jobs --no-legend; ls /var/lib/mediastack/guard; "
        "journalctl --boot --unit='mediastack-guard-*' --output=cat --lines=4; ss -Hltn 'sport = 22'; "
        "nft list set inet mediastack_firewall ssh_ports | grep elements; ip -brief address show eth0",
        check=False,
    )
    return " | ".join(" ".join(line.split()) for line in said.splitlines())


def wait_until(made: Server, expected: bool, limit: float) -> None:
    """Probe until coming in works, or does not."""
    deadline = time.monotonic() + limit
    while comes_in(made) is not expected:
        assert time.monotonic() < deadline, f"comes in: {not expected} after {limit} s; inside: {inside(made)}"
        time.sleep(0.5)


def at_rest(made: Server) -> None:
    """Wait until systemd has no more to do, as who goes back, and a boot, let in before they are through.

    A countdown that goes on is no such thing: it is for the test to find.
    """
    made.root(
        f'for n in $(seq {2 * PATIENCE}); do [ -z "$(systemctl list-jobs --no-legend)" ] && exit; sleep 0.5; done'
    )


@contextmanager
def outage(made: Server, name: str, *, brief: bool = False) -> Iterator[None]:
    """Measures from the first new connection that fails to the first that works; fails when that takes too long.

    One that may be `brief` can end between two probes: then something else has to show that it was there.
    """
    seen: list[float] = []
    over = threading.Event()

    def watch() -> None:
        while len(seen) < 2 and not (over.is_set() and not seen):
            if comes_in(made) is bool(seen):
                seen.append(time.monotonic())
            time.sleep(0.2)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join(SECONDS + PATIENCE)
    if brief and not seen:
        print(f"lockout {name} back=0.0s (between two probes)")
        return
    assert seen, f"{name}: nobody was ever locked out"
    assert len(seen) == 2, f"{name}: still locked out"
    print(f"lockout {name} back={seen[1] - seen[0]:.1f}s")
    assert seen[1] - seen[0] < SECONDS + PATIENCE


def undone(made: Server, name: str, *words: str, brief: bool = True) -> playbook.Result:
    """A run that locks itself out ends with an error that says so, and the old way in works."""
    with outage(made, name, brief=brief):
        result = made.play(HARDEN, *words, *HASTE)
    assert result.returncode != 0, result.output[-4000:]
    assert "back at its old one" in result.failure, result.output[-4000:]
    return result


def module(made: Server, called: str, /, **arguments: object) -> None:
    """Call one module by hand. The connection that it opens is then there for the next run."""
    events = made.choices.with_suffix(".events")
    argv = [str(playbook.ANSIBLE_PLAYBOOK.with_name("ansible")), "mediastack", "-i", str(made.sandbox.inventory), "-b"]
    argv += ["-m", called, "-a", json.dumps(arguments)]
    env = playbook.environment(events, made.environment)
    done = subprocess.run(argv, cwd=playbook.ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    events.unlink(missing_ok=True)
    assert done.returncode == 0, done.stdout
