"""Keeps what fail2ban bans, and which logs it reads, as they should be. Runs on the server by a timer; roles import it.

fail2ban looks for logs only when it starts, and writes an address into the firewall only once. So an application that
came later, or that writes a new log every day, would not be read, and a ban that somebody else's `nft flush ruleset`
took away would be lost. Standard library only, and nothing of ours: the server has just this file.
"""

from __future__ import annotations

import glob
import ipaddress
import json
import os
import pickle
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SOCKET = "/run/fail2ban/fail2ban.sock"
CONFIG = "/etc/fail2ban/mediastack.json"
TABLE = "mediastack_bans"
ACTION = "mediastack"
NOTHING = "/dev/null"  # the log of a jail whose logs do not exist yet: without any, fail2ban would not start
HOOKS = ("input", "forward")
PRIORITY = -20
END = b"<F2B_END_COMMAND>"
SECONDS = 30


class BansError(Exception):
    """fail2ban or nft does not answer, or refuses."""


def ask(*words: str) -> Any:
    """What fail2ban answers; raises BansError when it does not run or does not know."""
    answer = b""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(SECONDS)
            line.connect(SOCKET)
            line.sendall(pickle.dumps(list(words), 2) + END)
            while not answer.endswith(END):
                part = line.recv(65536)
                if not part:
                    raise BansError("fail2ban hung up")
                answer += part
    except OSError as error:
        raise BansError(f"fail2ban does not answer: {error}") from error
    code, value = pickle.loads(answer[: -len(END)])  # noqa: S301 - root's own socket
    if code:
        raise BansError(f"fail2ban {' '.join(words)}: {value}")
    return value


def run(*argv: str) -> str:
    """What a program prints; raises BansError when it fails. Behind su, root's own folders are not in the path."""
    env = {**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"}
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS, check=False, env=env)
    except (OSError, subprocess.SubprocessError) as error:
        raise BansError(f"{argv[0]}: {error}") from error
    if done.returncode:
        raise BansError(f"{' '.join(argv)[:200]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def jails() -> dict[str, dict[str, Any]]:
    """``{jail: {revision, banned, logs}}`` of the running jails that ban by our action; raises BansError."""
    listed = dict(ask("status"))["Jail list"]
    found = {}
    for name in filter(None, (part.strip() for part in listed.split(","))):
        if ACTION not in ask("get", name, "actions"):
            continue
        found[name] = {
            "revision": str(ask("get", name, "action", ACTION, "revision")),
            "banned": [str(item) for item in ask("get", name, "banip")],
            "logs": list(ask("get", name, "logpath")),  # none where it reads the journal
        }
    return found


def network(text: str, prefix6: int) -> str:
    """What the firewall holds for a banned address."""
    found = ipaddress.ip_network(text, strict=False)
    if isinstance(found, ipaddress.IPv6Network) and found.prefixlen > prefix6:
        return str(found.supernet(new_prefix=prefix6))
    return str(found)


def widest(networks: Iterable[str]) -> set[str]:
    """Those that are in no other: nft holds no network within another."""
    found = {ipaddress.ip_network(item) for item in networks}
    lengths = {(one.version, one.prefixlen) for one in found}
    return {
        str(one)
        for one in found
        if not any(
            version == one.version and length < one.prefixlen and one.supernet(new_prefix=length) in found
            for version, length in lengths
        )
    }


def element(item: Any) -> list[str]:
    """The networks of one element in nft's JSON."""
    if isinstance(item, dict) and "elem" in item:
        return element(item["elem"]["val"])
    if isinstance(item, dict) and "prefix" in item:
        return [f"{item['prefix']['addr']}/{item['prefix']['len']}"]
    if isinstance(item, dict) and "range" in item:
        first, last = (ipaddress.ip_address(end) for end in item["range"])
        return [str(one) for one in ipaddress.summarize_address_range(first, last)]
    return [str(ipaddress.ip_network(item))]


def parse_table(text: str) -> dict[str, dict[str, Any]]:
    """``{sets: {name: {network}}, chains: {name: {set that it drops}}}`` of nft's JSON, of our hooks."""
    sets: dict[str, set[str]] = {}
    chains: dict[str, set[str]] = {}
    for item in json.loads(text).get("nftables", []):
        if "set" in item:
            sets[item["set"]["name"]] = {one for elem in item["set"].get("elem", []) for one in element(elem)}
        elif "chain" in item and item["chain"].get("prio") == PRIORITY and item["chain"].get("hook") in HOOKS:
            chains[item["chain"]["name"]] = set()
        elif "rule" in item and item["rule"]["chain"] in chains:
            chains[item["rule"]["chain"]] |= dropped(item["rule"]["expr"])
    return {"sets": sets, "chains": chains}


def dropped(expressions: Sequence[Mapping[str, Any]]) -> set[str]:
    """The sets whose members a rule drops."""
    if not any("drop" in one for one in expressions):
        return set()
    matches = [one["match"] for one in expressions if "match" in one]
    return {
        str(match["right"])[1:]
        for match in matches
        if match["op"] == "==" and isinstance(match["right"], str) and match["right"].startswith("@")
    }


def table() -> dict[str, dict[str, Any]]:
    """The firewall's side; empty where there is no table of ours."""
    try:
        return parse_table(run("nft", "-j", "list", "table", "inet", TABLE))
    except BansError:
        return {"sets": {}, "chains": {}}


def differences(jail: str, banned: Iterable[str], there: Mapping[str, Any], prefix6: int) -> dict[str, Any]:
    """``{broken, lost, stray}``: rules that are gone, bans that are gone, and bans that nobody holds any more."""
    sets = {f"banned4_{jail}", f"banned6_{jail}"}
    chains = there["chains"]
    broken = not all(sets <= chains.get(f"{hook}_{jail}", set()) for hook in HOOKS) or not sets <= set(there["sets"])
    held = {one for name in sets for one in there["sets"].get(name, set())}
    wanted = widest(network(item, prefix6) for item in banned)
    return {"broken": broken, "lost": sorted(wanted - held), "stray": sorted(held - wanted)}


def commands(jail: str, found: Mapping[str, Any]) -> str:
    """What nft is told to let go what is stray, and then to put back what is lost: the two may overlap."""
    lines = []
    for verb, items in (("delete", found["stray"]), ("add", found["lost"])):
        for item in items:
            version = 6 if ":" in item else 4
            lines.append(f"{verb} element inet {TABLE} banned{version}_{jail} {{ {item} }}")
    return "\n".join(lines)


def survey(prefix6: int) -> dict[str, dict[str, Any]]:
    """``{jail: {revision, logs, broken, lost, stray}}``; raises BansError when fail2ban does not run."""
    there = table()  # first: fail2ban notes a ban before the firewall has it, so what is there only now is no stray
    return {
        name: {
            "revision": jail["revision"],
            "logs": jail["logs"],
            **differences(name, jail["banned"], there, prefix6),
        }
        for name, jail in jails().items()
    }


def expand(patterns: Iterable[str]) -> list[str]:
    """The logs that exist; at least one that never has anything in it."""
    found = sorted({path for pattern in patterns for path in glob.glob(pattern) if Path(path).is_file()})  # noqa: PTH207
    return found or [NOTHING]


def follow(patterns: Iterable[str], read: Sequence[str]) -> tuple[list[str], list[str]]:
    """Which logs a jail has to begin to read, and which are gone."""
    wanted = expand(patterns)
    return [path for path in wanted if path not in read], [path for path in read if path not in wanted]


def repair(prefix6: int) -> list[str]:
    """Put everything right in the firewall; returns what was done. Raises BansError."""
    done = []
    for name, found in survey(prefix6).items():
        if found["broken"]:
            run("fail2ban-client", "reload", "--restart", name)
            done.append(f"{name}: rules put back")
    for name, found in survey(prefix6).items():
        text = "" if found["broken"] else commands(name, found)
        if text:
            run("nft", text)
            done += [f"{name}: {item} put back" for item in found["lost"]]
            done += [f"{name}: {item} let go" for item in found["stray"]]
    return done


def read_logs(wanted: Mapping[str, Sequence[str]]) -> list[str]:
    """Let each jail read the logs that exist; returns what was done. Raises BansError."""
    done = []
    for name, jail in jails().items():
        new, gone = follow(wanted[name], jail["logs"]) if name in wanted else ([], [])
        for path in new:
            ask("set", name, "addlogpath", path, "head")
            done.append(f"{name}: reads {path}")
        for path in gone:
            ask("set", name, "dellogpath", path)
            done.append(f"{name}: does not read {path} any more")
    return done


def main() -> int:
    """Look once; silent when all is well."""
    if not Path(SOCKET).exists():
        return 0
    config = json.loads(Path(CONFIG).read_text(encoding="utf-8"))
    try:
        for line in [*repair(config["prefix6"]), *read_logs(config["logs"])]:
            print(f"<4>{line}")  # noqa: T201 - to the journal, as a warning
    except BansError as error:
        print(f"<3>{error}", file=sys.stderr)  # noqa: T201 - to the journal, as an error
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
