"""One table of nftables: the file that holds it, what of it is compared, and the unit that loads it at boot. Pure.

The kernel is compared as nft prints it, because nft's JSON leaves things out (the flag `dynamic`, the protocol of
``th dport``: nft 1.0.6). Counters and handles are not printed. Elements are taken from the JSON, sorted, and only of
sets whose elements are declared: those of dynamic sets, sets with timeouts and kept sets come and go.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

FAMILY = "inet"
DIRECTORY = "/etc/mediastack/nftables"
UNITS = "/etc/systemd/system"
PREFIX = "mediastack_"
MODE = 0o640
NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
HEAD_LINES = 4  # of `transaction` before the content
SET = re.compile(r"^\t(set|map) (\S+) \{$")
FLAGS = re.compile(r"^\t\tflags (.+)$")
JOINTS = {"range": "-", "concat": " . "}
PASSING = {"dynamic", "timeout"}
PLACE = re.compile(r"^(?:/dev/stdin|\S+?):(\d+):(\d+)(?:-\d+)?: (?:Error: )?(.*)$", re.MULTILINE)


class NftError(Exception):
    """The table cannot be had. The message is for the owner."""


def refuse(name: str, content: str, keep: Iterable[str]) -> None:
    """Raise NftError for arguments that make no table."""
    if not NAME.fullmatch(name):
        raise NftError(f"name: {name!r} has to be lower-case letters, digits and underscores")
    for number, line in enumerate(content.splitlines(), 1):
        if re.match(r"\s*(flush\s+ruleset|include\b|table\b)", line):
            raise NftError(f"content: line {number} reaches beyond the table: {line.strip()!r}")
    wrong = [item for item in keep if not re.fullmatch(r"[A-Za-z0-9_.-]+", item)]
    if wrong:
        raise NftError(f"keep: {', '.join(wrong)} cannot be a set's name")


def transaction(name: str, content: str) -> str:
    """The text that makes the table, whether it was there or not. nft loads a file in one transaction."""
    body = "".join(f"\t{line}".rstrip() + "\n" for line in content.strip("\n").splitlines())
    table = f"table {FAMILY} {name}"
    return f"# Made by mediastack.\n{table}\ndelete {table}\n{table} {{\n{body}}}\n"


def content_of(name: str, text: str) -> str | None:
    """What a transaction was made of; None for a text that is not one of ours."""
    lines = text.splitlines()[HEAD_LINES:-1]
    content = "\n".join(line[1:] for line in lines) + "\n"
    try:
        refuse(name, content, ())
    except NftError:
        return None
    return content if transaction(name, content) == text else None


def removal(name: str) -> str:
    """The text that removes the table, whether it was there or not."""
    return f"table {FAMILY} {name}\ndelete table {FAMILY} {name}\n"


def refusal(stderr: str, content: str) -> str:
    """What nft found wrong, with the line of the content."""
    lines = content.strip("\n").splitlines()
    for place in PLACE.finditer(stderr):
        number = int(place[1]) - HEAD_LINES
        if 1 <= number <= len(lines):
            return f"content: line {number}: {place[3]}: {lines[number - 1].strip()!r}"
    return " ".join(stderr.split()) or "nft gives no reason"


def unsteady(text: str) -> set[str]:
    """Names of the sets and maps whose elements come and go by themselves, in what nft prints."""
    found, current = set(), ""
    for line in text.splitlines():
        if start := SET.match(line):
            current = start[2]
        elif (flags := FLAGS.match(line)) and PASSING & set(re.split(r"[,\s]+", flags[1])):
            found.add(current)
    return found


def elements(listing: str) -> dict[str, list[Any]]:
    """The elements of each set and map, by name, from `nft -j list table`."""
    found: dict[str, list[Any]] = {}
    for item in json.loads(listing)["nftables"]:
        for kind in ("set", "map"):
            if kind in item:
                found[item[kind]["name"]] = item[kind].get("elem", [])
    return found


def canonical(text: str, listing: str, keep: Collection[str] = ()) -> str:
    """What of a table is compared, for people to read.

    Args:
        text: what `nft -s -t list table` prints.
        listing: what `nft -j list table` prints.
        keep: sets whose elements are not compared.

    """
    passing = unsteady(text) | set(keep)
    lines = [
        f"# elements of {name}: {', '.join(sorted(element_text(item) for item in found))}\n"
        for name, found in sorted(elements(listing).items())
        if name not in passing
    ]
    return text.rstrip("\n") + "\n" + "".join(lines)


def value_text(value: Any) -> str:
    """A value of nft's JSON, as nft's language has it."""
    if isinstance(value, list):  # of a map: key and data
        return " : ".join(value_text(item) for item in value)
    if not isinstance(value, dict):
        return str(value)
    kind, inner = next(iter(value.items()))
    if kind == "prefix":
        return f"{inner['addr']}/{inner['len']}"
    if kind in JOINTS:
        return JOINTS[kind].join(value_text(item) for item in inner)
    if kind == "elem":
        return value_text(inner["val"])
    return kind if inner is None else f"{kind} {value_text(next(iter(inner.values())))}"  # a verdict


def element_text(item: Any) -> str:
    """An element as it is declared, with what is left of its time."""
    if not (isinstance(item, dict) and "elem" in item):
        return value_text(item)
    about = item["elem"]
    text = value_text(about["val"])
    for key in ("timeout", "expires"):
        if about.get(key):
            text += f" {key} {about[key]}s"
    return text + (f' comment "{about["comment"]}"' if about.get("comment") else "")


def surviving(name: str, now: str, wanted: str, keep: Iterable[str]) -> str:
    """Commands that put the elements of the kept sets into the new table; both are `nft -j list table`.

    Raises:
        NftError: a set to keep is not in the new table.

    """
    before, after = elements(now) if now else {}, elements(wanted)
    commands = []
    for one in keep:
        if one not in after:
            raise NftError(f"keep: there is no set {one} in content")
        declared = {value_text(item) for item in after[one]}
        kept = [item for item in before.get(one, []) if value_text(item) not in declared and not expired(item)]
        if kept:
            commands.append(f"add element {FAMILY} {name} {one} {{ {', '.join(map(element_text, kept))} }}\n")
    return "".join(commands)


def expired(item: Any) -> bool:
    """Whether less than a second is left: without `expires`, its time would begin anew."""
    about = item["elem"] if isinstance(item, dict) and "elem" in item else {}
    return bool(about.get("timeout")) and not about.get("expires")


def default_path(name: str) -> str:
    """Where a table's file is."""
    return f"{DIRECTORY}/{name}.nft"


def unit_name(name: str) -> str:
    """The unit of a table: ``mediastack_firewall`` is loaded by ``mediastack-firewall.service``."""
    return name.replace("_", "-") + ".service"


def guard_name(name: str) -> str:
    """The guard of a table, and the lock under which it is changed: of ``mediastack_firewall``, ``firewall``."""
    return name.removeprefix(PREFIX).replace("_", "-")


def unit_files(name: str, units: str = UNITS) -> tuple[str, str]:
    """The unit's file, and the link that starts it at boot."""
    unit = unit_name(name)
    return f"{units}/{unit}", f"{units}/sysinit.target.wants/{unit}"


def unit_text(name: str, path: str, program: str) -> str:
    """The unit that loads the table at boot, before there is a network.

    It comes after the guard of the same name, which may put an older file back, and after the distribution's own
    service, which begins by flushing everything. Nothing happens when it is stopped: a table is not taken down with its
    unit.
    """
    guards = [f"mediastack-guard-{guard_name(name)}.service"] if name.startswith(PREFIX) else []
    after = " ".join(["local-fs.target nftables.service", *guards])
    return f"""# Made by mediastack.
[Unit]
Description=mediastack: load the nftables table {name}
DefaultDependencies=no
RequiresMountsFor={path}
ConditionPathExists={path}
After={after}
Wants=network-pre.target
Before=network-pre.target docker.service shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={program} -f {path}
ExecReload={program} -f {path}

[Install]
WantedBy=sysinit.target
"""


def restore_command(name: str, path: str, program: str = "nft", watch: str = "") -> list[str]:
    """A command that makes the kernel what the file says, for a guard: without the file there is no table.

    `watch` is the unit that keeps it: it has ended if the table was gone, and it is older than a file that was put
    back, so that the next run would start it anew.
    """
    remove = removal(name).replace("\n", "; ").rstrip("; ")
    load = f"{program} -f {path}" + (f"; systemctl restart {watch}" if watch else "")
    return ["/bin/sh", "-c", f"if [ -e {path} ]; then {load}; else {program} '{remove}'; fi"]
