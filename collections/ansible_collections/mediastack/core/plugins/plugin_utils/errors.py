"""Problems in an owner's choices, and how they are shown.

A problem names the place (file, line, column), the key, what is wrong with the value, and what to do.
"""

from __future__ import annotations

import os
import textwrap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

WIDTH = 80
Path = tuple[str, ...]


class Place(NamedTuple):
    """A character in a file; lines and columns count from 1, 0 is unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Write the place as compilers do, so that editors can jump there."""
        return ":".join([self.file, *(str(number) for number in (self.line, self.column) if number)])


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the choices, the catalogue or an inventory file."""

    path: Path
    text: str
    remedy: tuple[str, ...] = ()
    at: Literal["key", "value"] = "value"
    place: Place | None = None
    host: str | None = None

    @property
    def key(self) -> str:
        """The dotted key as an owner writes it."""
        return dotted(self.path)

    def lines(self) -> list[str]:
        """Return the problem as lines: place, then key and text, then the remedy."""
        head = [str(self.place)] if self.place else []
        body = [f"{self.key}: {self.text}" if self.path else self.text, *self.remedy]
        return head + [line for part in body for line in wrapped(part)]


class ChoicesError(Exception):
    """The choices cannot become a stack; `problems` says why, all of them at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems in a stable order: by place, then by key."""
        self.problems = ordered(problems)
        super().__init__(report(self.problems))


def dotted(path: Path) -> str:
    """Join a key path with dots; list positions stand in brackets."""
    text = ""
    for part in path:
        text += part if part.startswith("[") or not text else f".{part}"
    return text


def located(problems: Iterable[Problem], find: Callable[[Problem], tuple[Path, Place | None]]) -> list[Problem]:
    """Return the problems with their places, as `find` knows them."""
    found = []
    for problem in problems:
        path, place = (problem.path, problem.place) if problem.place else find(problem)
        found.append(replace(problem, path=path, place=place))
    return found


def ordered(problems: Iterable[Problem]) -> list[Problem]:
    """Sort by place and key, without the same problem twice."""
    return sorted(dict.fromkeys(problems), key=lambda p: (p.place or Place(""), p.path, p.text))


def report(problems: list[Problem]) -> str:
    """Return what the owner reads."""
    count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}. Nothing was touched."
    return "\n".join([*("\n".join(problem.lines()) for problem in problems), count])


def shortest(file: str) -> str:
    """Return a path as the owner would type it."""
    near = os.path.relpath(file)
    return file if near.startswith("..") else near


def wrapped(text: str) -> list[str]:
    """Return a text as indented lines of at most 80 columns; a long word, like a path, stays whole."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent="  ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
