"""Judge a value by its node: every problem at once, and the value with defaults and shorthands filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.nearest import suggestion

from .errors import Path, Problem
from .schema_nodes import PATTERNS, Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

KINDS = {
    "text": "text",
    "int": "a whole number",
    "number": "a number",
    "bool": "true or false",
    "list": "a list",
    "map": "a mapping",
    "record": "a mapping",
    "any": "a value",
}
SHOWN = 60


class Judge:
    """Collects problems while it walks a value; `fill` adds defaults and demands what is required."""

    def __init__(self, *, fill: bool) -> None:
        """Start without problems."""
        self.fill = fill
        self.problems: list[Problem] = []

    def value(self, node: Node, value: Any, path: Path) -> Any:
        """Return the value as the rest of the code wants it; what is wrong is recorded."""
        if value is None:
            return self._nothing(node, path)
        judges: dict[str, Callable[[Node, Any, Path], Any]] = {
            "text": self._text,
            "int": self._number,
            "number": self._number,
            "bool": self._flag,
            "list": self._list,
            "map": self._map,
            "record": self._record,
        }
        judge = judges.get(node.kind)
        return judge(node, value, path) if judge else value

    def add(self, path: Path, text: str, *remedy: str, key: bool = False) -> None:
        """Record a problem."""
        self.problems.append(Problem(path, text, remedy, "key" if key else "value"))

    def _nothing(self, node: Node, path: Path) -> Any:
        if not node.nullable:
            self.add(path, f"is empty; {wanted(node)} is expected.")
        return {} if node.kind in ("map", "record") and not node.nullable else None

    def _wrong_type(self, node: Node, value: Any, path: Path) -> None:
        quotes = node.kind == "text" and not node.choices and isinstance(value, (int, float))
        remedy = ("Put it in quotes, so that YAML reads it as text.",) if quotes else ()
        self.add(path, f"{self._seen(node, value)} is {kind_of(value)}; {wanted(node)} is expected.", *remedy)

    def _seen(self, node: Node, value: Any) -> str:
        return "the value" if node.hidden else shown(value)

    def _text(self, node: Node, value: Any, path: Path) -> Any:
        if isinstance(value, bool) and (word := _word(node, value)):
            return word
        if node.numbers and isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            self._wrong_type(node, value, path)
            return None
        if node.choices:
            return self._choice(node, value, path)
        if not value and not node.empty:
            self.add(path, f"is empty; {wanted(node)} is expected.")
        elif value and node.pattern and not PATTERNS[node.pattern].matches(value):
            pattern = PATTERNS[node.pattern]
            example = f" Example: {pattern.example}." if pattern.example else ""
            self.add(path, f"{shown(value)} is not {pattern.meaning}.{example}")
        return value

    def _choice(self, node: Node, value: str, path: Path) -> str:
        if value not in node.choices:
            noun = node.noun or "value that is accepted"
            self.add(
                path,
                f"{shown(value)} is not {article(noun)}.{suggestion(value, node.choices)}",
                f"{sentence(plural(noun)) if node.noun else 'Accepted'}: {', '.join(node.choices)}.",
            )
        return value

    def _number(self, node: Node, value: Any, path: Path) -> Any:
        right = isinstance(value, int) or (node.kind == "number" and isinstance(value, float))
        if not right or isinstance(value, bool):
            self._wrong_type(node, value, path)
            return None
        low, high = node.minimum, node.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            self.add(path, f"{value} is out of range; {wanted(node)} is expected.")
        return value

    def _flag(self, node: Node, value: Any, path: Path) -> Any:
        if not isinstance(value, bool):
            self._wrong_type(node, value, path)
        return value

    def _list(self, node: Node, value: Any, path: Path) -> Any:
        if not isinstance(value, list):
            if isinstance(value, str) and node.values and node.values.kind == "text":
                return [self.value(node.values, value, path)]
            self._wrong_type(node, value, path)
            return []
        return [self.value(node.values or node, item, (*path, f"[{n}]")) for n, item in enumerate(value)]

    def _map(self, node: Node, value: Any, path: Path) -> Any:
        if not isinstance(value, dict):
            self._wrong_type(node, value, path)
            return {}
        result = {}
        for key, item in value.items():
            if self._map_key(node, key, path) and node.values:
                result[key] = self.value(node.values, item, (*path, key))
        return result

    def _map_key(self, node: Node, key: Any, path: Path) -> bool:
        pattern = PATTERNS.get(node.keys)
        if not isinstance(key, str):
            quoted = "Put it in quotes, so that YAML reads it as text."
            self.add(
                (*path, str(key)),
                f"the key {shown(key)} is {kind_of(key)}; text is expected.",
                quoted,
                key=True,
            )
            return False
        if pattern and not pattern.matches(key):
            self.add((*path, key), f"'{key}' is not {pattern.meaning}. Example: {pattern.example}.", key=True)
            return False
        return True

    def _record(self, node: Node, value: Any, path: Path) -> Any:
        if not isinstance(value, dict):
            if node.short and not isinstance(value, list):
                value = {node.short: self.value(node.fields[node.short], value, path)}
                return self._fill(node, value, path)
            self._wrong_type(node, value, path)
            return {}
        result = {}
        for key, item in value.items():
            if key in node.fields:
                result[key] = self.value(node.fields[key], item, (*path, key))
            else:
                self.add((*path, str(key)), *unknown(str(key), node.fields, "key"), key=True)
        return self._fill(node, result, path)

    def _fill(self, node: Node, result: dict[str, Any], path: Path) -> dict[str, Any]:
        if not self.fill:
            return result
        for key, child in node.fields.items():
            if key in result:
                continue
            if child.required:
                self.problems.append(Problem(path, *absent(key, child.description), "key"))
            result[key] = self._default(child)
        return result

    def _default(self, node: Node) -> Any:
        if node.kind == "record" and node.default is not None:
            return self._fill(node, dict(node.default), ())
        return _copy(node.default)


def check(node: Node, value: Any, path: Path = (), *, fill: bool = True) -> tuple[Any, list[Problem]]:
    """Return the value, normalised, and everything that is wrong with it."""
    judge = Judge(fill=fill)
    return judge.value(node, value, path), judge.problems


def absent(key: str, description: str) -> tuple[str, tuple[str, ...]]:
    """Return what to say of a key that must be there."""
    return f"'{key}' is missing.", (f"{key}: {description}.",)


def unknown(name: str, known: Iterable[str], noun: str) -> tuple[str, str]:
    """Return what to say of a name that is not one of the known."""
    names = sorted(known)
    return (
        f"'{name}' is not {article(noun)} that is known here.{suggestion(name, names)}",
        f"{sentence(plural(noun))}: {', '.join(names)}." if names else f"There are no {plural(noun)}.",
    )


def wanted(node: Node) -> str:
    """Say in words what the node accepts."""
    if node.choices:
        return f"one of {', '.join(map(str, node.choices))}"
    if node.kind == "text" and node.pattern:
        return PATTERNS[node.pattern].meaning
    if node.kind == "int" and node.noun == "port":
        return "a port from 1 to 65535"
    words = KINDS[node.kind]
    if node.kind in ("int", "number") and node.minimum is not None:
        if node.maximum is None:
            return f"{words} of at least {node.minimum}"
        return f"{words} from {node.minimum} to {node.maximum}" if node.maximum != node.minimum else f"{node.minimum}"
    return words


def kind_of(value: Any) -> str:
    """Say in words what a value is."""
    kinds: list[tuple[type, str]] = [
        (bool, "true or false"),
        (int, "a number"),
        (float, "a number"),
        (str, "text"),
        (list, "a list"),
        (dict, "a mapping"),
    ]
    return next((name for kind, name in kinds if isinstance(value, kind)), "a date or another special value")


def shown(value: Any) -> str:
    """Write a value as the owner would recognise it, not longer than a line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: …" for key in list(value)[:3]) + "}"
    text = repr(value) if isinstance(value, (str, list)) else str(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def article(noun: str) -> str:
    """Put 'a' or 'an' before a noun."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def sentence(words: str) -> str:
    """Begin with a capital, and leave the rest as it is (TLS)."""
    return words[:1].upper() + words[1:]


def plural(noun: str) -> str:
    """Return the plural of one of our nouns, also of "way to publish"."""
    head, _, tail = noun.partition(" ")
    if tail.startswith(("of ", "to ")):
        return f"{plural(head)} {tail}"
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"


def _word(node: Node, value: bool) -> str | None:  # YAML reads off and no as false
    words = ("on", "yes") if value else ("off", "no")
    return next((word for word in words if word in node.choices), None)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value
