"""Where a key stands: file, line and column of everything in YAML files.

Only read when there is a problem to show. Values are never interpreted: unknown tags, `!vault` and wholly
encrypted files are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml

from .errors import Path as KeyPath
from .errors import Place, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

VAULT = b"$ANSIBLE_VAULT;"
Composer: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Marks = tuple[tuple[int, int], tuple[int, int]]


@dataclass(slots=True)
class FilePositions:
    """The keys of one file, with the marks of key and value, and what made it unreadable."""

    file: str
    marks: dict[KeyPath, Marks] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: KeyPath, at: Literal["key", "value"] = "value") -> Place:
        """Return the place of a key, or of the nearest one above it that is there."""
        for length in range(len(path), 0, -1):
            if marks := self.marks.get(path[:length]):
                line, column = marks[1 if at == "value" and length == len(path) else 0]
                return Place(self.file, line, column)
        return Place(self.file)

    def depth(self, path: KeyPath) -> int:
        """Say how much of the path is in this file."""
        return next((length for length in range(len(path), 0, -1) if path[:length] in self.marks), 0)


def read_positions(path: Path | str) -> FilePositions:
    """Compose a file and note where its keys are; what is not YAML or not UTF-8 becomes a problem."""
    positions = FilePositions(str(path))
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        positions.problems.append(Problem((), f"cannot be read: {error.strerror}.", place=Place(str(path))))
        return positions
    if raw.startswith(VAULT):
        return positions
    try:
        content = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        positions.problems.append(_not_utf8(str(path), raw, error))
        return positions
    try:
        node = yaml.compose(content, Composer)
    except yaml.YAMLError as error:
        positions.problems.append(_malformed(str(path), error))
        return positions
    if node is not None:
        for key, marks in _walk(node, ()):
            if key in positions.marks:
                positions.problems.append(_twice(positions, key, marks))
            positions.marks[key] = marks
    return positions


def _walk(node: yaml.Node, path: KeyPath) -> Iterator[tuple[KeyPath, Marks]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                here = (*path, key.value)
                yield here, (_mark(key), _mark(value))
                yield from _walk(value, here)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            here = (*path, f"[{number}]")
            yield here, (_mark(item), _mark(item))
            yield from _walk(item, here)


def _mark(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _not_utf8(file: str, raw: bytes, error: UnicodeDecodeError) -> Problem:
    before = raw[: error.start]
    column = error.start - (before.rfind(b"\n") + 1) + 1
    place = Place(file, before.count(b"\n") + 1, column)
    remedy = "Save the file as UTF-8, for example with: iconv -f ISO-8859-1 -t UTF-8."
    return Problem((), f"The byte 0x{raw[error.start]:02x} is not UTF-8.", (remedy,), place=place)


def _twice(positions: FilePositions, path: KeyPath, marks: Marks) -> Problem:
    first = positions.marks[path][0][0]
    text = f"'{path[-1]}' stands here a second time; YAML forgets the first, in line {first}."
    return Problem(path, text, ("Keep one, or give one another name.",), "key", Place(positions.file, *marks[0]))


def _malformed(file: str, error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
    remedy = "Look at this line and the one above: a colon, a quote, a bracket or the indentation."
    return Problem((), f"This is not YAML: {what}.", (remedy,), place=place)


class Places:
    """Where one host's choices stand: its files, the least specific first."""

    def __init__(
        self, files: Iterable[str], sources: Iterable[str] = (), host: str = "", groups: Iterable[str] = ()
    ) -> None:
        """Take variable files, and inventory files in which variables stand below hosts and groups."""
        inventory = [_inside(read_positions(source), host, set(groups)) for source in sources]
        self.files = [*inventory, *(read_positions(file) for file in dict.fromkeys(files))]

    def find(self, problem: Problem) -> Place | None:
        """Return the place of a problem's key: in the file that knows most of it, or is the most specific."""
        best = max(enumerate(self.files), key=lambda one: (one[1].depth(problem.path), one[0]), default=None)
        if best is None or not best[1].depth(problem.path):
            return None
        return best[1].place(problem.path, problem.at)


def _inside(positions: FilePositions, host: str, groups: set[str]) -> FilePositions:
    """Return the marks of an inventory file's variables that hold for a host, as if they stood at the top."""
    marks: dict[KeyPath, Marks] = {}
    for path, mark in positions.marks.items():
        for depth in range(1, len(path)):
            of_group = path[depth - 1] == "vars" and depth > 1 and path[depth - 2] in groups
            of_host = path[depth - 1] == host and depth > 1 and path[depth - 2] == "hosts"
            if of_group or of_host:
                marks[path[depth:]] = mark
                break
    return FilePositions(positions.file, marks, positions.problems)


def scan(folder: Path | str) -> list[Problem]:
    """Return what is not YAML or not UTF-8, or says a thing twice, in an inventory folder or file."""
    base = Path(folder)
    found = sorted(base.rglob("*")) if base.is_dir() else [base]
    return [problem for path in found if _is_ours(path) for problem in read_positions(path).problems]


def _is_ours(path: Path) -> bool:
    in_vars = {"group_vars", "host_vars"} & set(path.parts)
    readable = path.suffix in (".yml", ".yaml") or (not path.suffix and in_vars)
    return bool(readable) and not path.name.startswith(".") and path.is_file()
