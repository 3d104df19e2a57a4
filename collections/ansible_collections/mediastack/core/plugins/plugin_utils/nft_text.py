"""Pieces of nftables text: sets and chains as blocks of lines, one tab an indentation. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
INTERFACE = re.compile(r"[A-Za-z0-9_.-]{1,15}")


def checked(name: str) -> str:
    """A name of a set or chain; raises ValueError for what is none."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be the name of a set or chain")
    return name


def named_set(name: str, kind: str, elements: Iterable[str], *, flags: str = "") -> list[str]:
    """A set whose elements are declared, sorted as they are given."""
    lines = [f"\ttype {kind}"]
    lines += [f"\tflags {flags}"] if flags else []
    found = ", ".join(elements)
    lines += [f"\telements = {{ {found} }}"] if found else []
    return [f"set {checked(name)} {{", *lines, "}"]


def seen_set(name: str, kind: str, *, size: int, timeout: str) -> list[str]:
    """A set that rules fill with what they have seen."""
    body = [f"\ttype {kind}", f"\tsize {size}", "\tflags dynamic,timeout", f"\ttimeout {timeout}"]
    return [f"set {checked(name)} {{", *body, "}"]


def chain(name: str, rules: Sequence[str], *, hook: str = "") -> list[str]:
    """A chain; `hook` makes it a base chain: ``type filter hook input priority -10; policy drop;``."""
    return [f"chain {checked(name)} {{", *([f"\t{hook}"] if hook else []), *(f"\t{rule}" for rule in rules), "}"]


def interfaces(names: Iterable[str]) -> list[str]:
    """Names of interfaces, quoted; raises ValueError for what is none."""
    found = sorted(set(names))
    wrong = [name for name in found if not INTERFACE.fullmatch(name)]
    if wrong:
        raise ValueError(f"{', '.join(wrong)} cannot be an interface's name")
    return [f'"{name}"' for name in found]


def merged(ranges: Iterable[tuple[int, int]]) -> list[str]:
    """Numbers and ranges without overlaps, as nft prints them."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return [str(first) if first == last else f"{first}-{last}" for first, last in found]


def text(*blocks: Sequence[str]) -> str:
    """Blocks as the body of a table; empty ones are left out."""
    return "\n".join("\n".join(block) + "\n" for block in blocks if block)
