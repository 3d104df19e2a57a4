"""Bring the kernel to what the kill-switch's files say, and keep it there. Copied to the server as it is.

`apply` is run at boot, before the network, and by the role. `watch` is a service: the kernel tells it of every change
of tables and of rules, and what was changed is put back. `check` says what is not as it should be.

What the kernel has is compared with what it makes of the same files in a network namespace of its own, so that nothing
depends on how nft or ip print what they were given. Python 3.9, standard library.
"""

from __future__ import annotations

import contextlib
import fcntl
import inspect
import json
import os
import re
import select
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER = "/etc/mediastack/killswitch"
TABLE, RULES = "table.nft", "rules.json"
NAME = "mediastack_killswitch"
HELD, HELD_FILE = f"{NAME}_held", "/run/mediastack/killswitch-held.nft"
LOCK = "/run/mediastack/killswitch.lock"
OURS = range(700, 800)  # priorities of our rules
# Said to be the kernel's own: systemd-networkd takes away all others whenever it starts or a link is set up anew.
PROTOCOL = ["protocol", "2"]
EMPTY: dict[str, list[list[str]]] = {"4": [], "6": []}
SECONDS = 20
LOOK_EVERY = 30.0  # seconds, also where the kernel said nothing
AT_MOST_EVERY = 0.2  # seconds between two looks: a storm of changes costs no more than this
AFTER_FAILURE = 5.0
# Where there is no /etc/protocols, ip of Debian 12 prints numbers in a way that it does not take.
UNNAMED = re.compile(r"\bipproto-(\d+)")
DETACHED = re.compile(r" \[detached\]|\[unresolved\] ?| \[unresolved\]")


class KernelError(Exception):
    """A layer could not be brought in; the text says why."""


def places() -> str:
    """Where programs are looked for: behind su, root's own folders are not in the path."""
    return f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"


def run(argv: list[str], text: str | None = None) -> str:
    """Output of a program. Raises KernelError with what it said."""
    env = {**os.environ, "PATH": places()}
    try:
        done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=SECONDS, check=False, env=env)
    except (OSError, subprocess.SubprocessError) as error:
        raise KernelError(f"{argv[0]}: {error}") from error
    if done.returncode:
        raise KernelError(f"{' '.join(argv)}: {done.stderr.strip()[-800:] or done.returncode}")
    return done.stdout


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One at a time: the role and the watcher."""
    path = Path(LOCK)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="ascii") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def read(folder: str) -> tuple[str, dict[str, list[list[str]]]]:
    """The two files; empty where they are not there, which means that nothing of ours is wanted."""
    table, rules = Path(folder, TABLE), Path(folder, RULES)
    try:
        text = table.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    try:
        words: dict[str, list[list[str]]] = json.loads(rules.read_text(encoding="utf-8"))
    except FileNotFoundError:
        words = EMPTY
    except ValueError as error:
        raise KernelError(f"{rules}: {error}") from error
    return text, words


def listed() -> str:
    """The table as the kernel has it, without counters; nothing where there is none."""
    tables = run(["nft", "list", "tables", "inet"])
    return run(["nft", "-s", "list", "table", "inet", NAME]) if f"table inet {NAME}\n" in tables else ""


def rules_now(family: str) -> list[str]:
    """Our rules as `ip rule` prints them, one line each."""
    if family == "6" and not Path("/proc/sys/net/ipv6").is_dir():
        return []  # a kernel that has no IPv6 leaks none
    found = []
    for line in run(["ip", f"-{family}", "rule", "show"]).splitlines():
        number, _, rest = line.partition(":")
        if number.isdigit() and int(number) in OURS:
            found.append(f"{number} {DETACHED.sub('', rest.strip())}".strip())
    return found


def add(family: str, words: list[str]) -> None:
    """Add one rule."""
    if family == "6" and not Path("/proc/sys/net/ipv6").is_dir():
        return
    run(["ip", f"-{family}", "rule", "add", *words, *PROTOCOL])


def rehearse(text: str, words: dict[str, list[list[str]]]) -> dict[str, Any]:
    """What the kernel makes of table and rules, told from a namespace that ends with this call."""
    program = inspect.getsource(sys.modules[__name__])
    argv = ["unshare", "--net", "--", sys.executable, "-I", "-c", program, "rehearse"]
    found: dict[str, Any] = json.loads(run(argv, json.dumps({"text": text, "words": words})))
    if found.get("error"):
        raise KernelError(found["error"])
    return found


def in_rehearsal(given: dict[str, Any]) -> dict[str, Any]:
    """In the namespace: take it, and tell how it looks."""
    try:
        if given["text"]:
            run(["nft", "-f", "-"], given["text"])
        lines: dict[str, list[str]] = {}
        for family, rules in given["words"].items():
            for words in rules:
                add(family, words)
            lines[family] = rules_now(family)
        return {"table": listed(), "rules": lines}
    except KernelError as error:
        return {"error": str(error)}


def faults(wanted: dict[str, Any]) -> list[str]:
    """What is not as it should be, in words; empty when all is well."""
    found = []
    now = listed()
    if now != wanted["table"]:
        found.append(
            f"table {NAME} " + ("is gone" if not now else "is other than ours" if wanted["table"] else "stays")
        )
    for family, lines in wanted["rules"].items():
        has = rules_now(family)
        missing, extra = len([one for one in lines if one not in has]), len([one for one in has if one not in lines])
        twice = len(has) - len(set(has))
        if missing or extra or twice:
            found.append(f"IPv{family} rules: {missing} missing, {extra + twice} not ours")
    return found


def bring_table(text: str, wanted: str) -> None:
    """Replace the table in one transaction, or remove it."""
    now = listed()
    if now == wanted:
        return
    run(["nft", "-f", "-"], text or f"table inet {NAME}\ndelete table inet {NAME}\n")


def bring_rules(family: str, rules: list[list[str]], lines: list[str]) -> None:
    """Add what is missing, the black holes first; then take away what is not ours, the black holes last."""
    has = rules_now(family)
    pairs = list(zip(lines, rules))  # noqa: B905  Python 3.9 has no strict=
    for line, words in sorted(pairs, key=lambda pair: "blackhole" not in pair[0]):
        if line not in has:
            add(family, words)
    spare = [line for line in has if line not in lines]
    spare += [line for index, line in enumerate(has) if line in lines and line in has[:index]]
    for line in sorted(spare, key=lambda one: "blackhole" in one):
        run(["ip", f"-{family}", "rule", "del", "priority", *UNNAMED.sub(r"\1", line).split()])


def bring(text: str, words: dict[str, list[list[str]]], wanted: dict[str, Any]) -> list[str]:
    """Both layers, each whether or not the other can be had; returns what failed."""
    problems = []
    try:
        bring_table(text, wanted["table"])
    except KernelError as error:
        problems.append(str(error))
    for family in sorted(words):
        try:
            bring_rules(family, words[family], wanted["rules"][family])
        except KernelError as error:
            problems.append(str(error))
    return problems


def blindly(text: str, words: dict[str, list[list[str]]]) -> list[str]:
    """Where a rehearsal is not possible: load what is said, without comparing."""
    problems = []
    try:
        run(["nft", "-f", "-"], text or f"table inet {NAME}\ndelete table inet {NAME}\n")
    except KernelError as error:
        problems.append(str(error))
    for family, rules in words.items():
        for rule in sorted(rules, key=lambda one: "blackhole" not in one):
            try:
                add(family, rule)
            except KernelError as error:
                problems += [] if "File exists" in str(error) else [str(error)]
    return problems


def apply(folder: str) -> list[str]:
    """Bring the kernel to what the files say; returns what failed."""
    with alone():
        text, words = read(folder)
        try:
            wanted = rehearse(text, words)
        except KernelError as error:
            return [str(error), *blindly(text, words)]
        return bring(text, words, wanted)


def check(folder: str) -> list[str]:
    """What is not as the files say."""
    text, words = read(folder)
    return faults(rehearse(text, words))


def say(level: int, message: str) -> None:
    """One line to the journal, with its severity (sd-daemon(3))."""
    sys.stdout.write(f"<{level}>{message}\n")
    sys.stdout.flush()


def held(text: str) -> str:
    """The same table under another name, bound to the process that loads it: others can neither flush nor delete it."""
    head = f"table inet {HELD} {{ flags owner; }}\n"
    body = text.partition(f"delete table inet {NAME}\n")[2]
    return f"{head}delete table inet {HELD}\n" + body.replace(f"table inet {NAME} {{", f"{head[:-2]}", 1)


class Holder:
    """Keeps a second table that a foreign `flush ruleset` passes over, as long as this process lives (Linux 5.12)."""

    def __init__(self) -> None:
        """Nothing is held yet."""
        self.process: subprocess.Popen[str] | None = None
        self.text = ""

    def hold(self, text: str) -> None:
        """Hold this table; says so where the kernel or nft cannot."""
        if text == self.text and (self.process is None or self.process.poll() is None):
            return
        self.text = text
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                ["nft", "-i"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, encoding="utf-8"
            )
        path = Path(HELD_FILE)
        path.write_text(held(text) if text else f"table inet {HELD} {{ flags owner; }}\n", encoding="utf-8")
        if self.process.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(f'include "{path}"\n')
            self.process.stdin.flush()
        for _ in range(20):
            if f"table inet {HELD}\n" in run(["nft", "list", "tables", "inet"]):
                return
            time.sleep(0.05)
        say(4, "this kernel cannot bind a table to a process: a foreign flush opens the first layer for a moment")


class Watcher:
    """Puts back what others change."""

    def __init__(self, folder: str) -> None:
        """Nothing is known yet."""
        self.folder = folder
        self.stamp: tuple[Any, ...] = ()
        self.text, self.words = "", EMPTY
        self.wanted: dict[str, Any] = {}
        self.holder = Holder()

    def learn(self) -> None:
        """Read the files again where they have changed."""
        stamp = tuple(_stamp(Path(self.folder, name)) for name in (TABLE, RULES))
        if stamp != self.stamp:
            self.text, self.words = read(self.folder)
            self.wanted = rehearse(self.text, self.words)
            self.stamp = stamp
        self.holder.hold(self.text)

    def look(self) -> bool:
        """Compare, and put back; whether all is well."""
        with alone():
            self.learn()
            found = faults(self.wanted)
            if not found:
                return True
            began = time.monotonic()
            problems = bring(self.text, self.words, self.wanted)
            took = (time.monotonic() - began) * 1000
            if problems or faults(self.wanted):
                self.stamp = ()  # a newer nft or ip may print the same otherwise: what is wanted is asked anew
        if problems:
            say(2, f"the kill-switch is NOT whole: {'; '.join(found)}; could not be put back: {'; '.join(problems)}")
            return False
        say(4, f"put back in {took:.0f} ms: {'; '.join(found)}")
        return True


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def listen() -> list[socket.socket]:
    """Sockets on which the kernel tells of changed tables and rules (netlink(7))."""
    route, netfilter = socket.NETLINK_ROUTE, 12
    memberships = ((route, 8), (route, 19), (netfilter, 7))  # RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, NFNLGRP_NFTABLES
    found = []
    for protocol, group in memberships:
        one = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol)
        one.bind((0, 1 << (group - 1)))
        found.append(one)
    return found


def drain(sockets: list[socket.socket]) -> None:
    """Read all that is there. What was lost in a storm does not matter: the kernel itself is asked."""
    for one in sockets:
        for _ in range(1000):
            try:
                one.recv(65536)
            except BlockingIOError:
                break
            except OSError:
                continue


def attend(look: Callable[[], bool]) -> None:
    """Look whenever tables or rules have changed, and now and then; `look` says whether all is well."""
    sockets = listen()
    while True:
        try:
            well = look()
        except (KernelError, OSError) as error:
            say(3, f"could not look: {error}")
            well = False
        time.sleep(AT_MOST_EVERY)
        if well:
            select.select(sockets, [], [], LOOK_EVERY)
        else:
            time.sleep(AFTER_FAILURE)
        drain(sockets)


def main(arguments: list[str]) -> int:
    """Run one of the commands."""
    verb = arguments[0] if arguments else ""
    if verb == "rehearse":
        sys.stdout.write(json.dumps(in_rehearsal(json.load(sys.stdin))))
        return 0
    if verb == "watch":
        say(6, "watching the kill-switch's table and rules")
        attend(Watcher(FOLDER).look)
    if verb not in ("apply", "check"):
        sys.stderr.write("usage: killswitch.py apply | check | watch\n")
        return 2
    os.umask(0o077)
    try:
        problems = apply(FOLDER) if verb == "apply" else check(FOLDER)
    except (KernelError, OSError) as error:
        problems = [str(error)]
    for problem in problems:
        sys.stderr.write(f"<3>{problem}\n" if verb == "apply" else f"{problem}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
