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
    from collections.abc import Iterator

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
        positions.marks.update(_walk(node, ()))
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


def _malformed(file: str, error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
    remedy = "Look at this line and the one above: a colon, a quote, a bracket or the indentation."
    return Problem((), f"This is not YAML: {what}.", (remedy,), place=place)
