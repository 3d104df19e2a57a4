"""What a plan says: the predictions of check mode, service by service. Pure: a story in, lines out."""

from __future__ import annotations

import difflib
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mediastack_provision.events import OURS
from mediastack_provision.words import clip, plural

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mediastack_provision.events import Result, Story

SIGNS = {"create": "+", "remove": "-"}
BY_SERVICE = frozenset(OURS + name for name in ("compose", "files", "images"))  # told service by service
QUIET = frozenset([OURS + "lease", OURS + "generation", "ansible.builtin.debug"])  # change nothing an owner sees
NAME_WIDTH = 11
WIDEST_NAME = 20
ORDER = ("service", "files", "network")


@dataclass(frozen=True)
class Change:
    """One line: `action` is create, change or remove; `kind` is service, network, files, images or server."""

    action: str
    kind: str
    name: str
    text: str


@dataclass(frozen=True)
class HostPlan:
    """What would change on one server."""

    host: str
    heading: str
    changes: tuple[Change, ...]
    notices: tuple[str, ...]


def plans(story: Story) -> list[HostPlan]:
    """One plan per server, in the order of the inventory's names."""
    return [host_plan(story, host) for host in sorted(story.hosts)]


def host_plan(story: Story, host: str) -> HostPlan:
    """Everything that would change on a server: services first, then what they stand on."""
    results = [result for result in story.results if result.host == host]
    stack = fact(results, "resolve", "mediastack_stack")
    changes = [*stack_changes(results, stack), *image_changes(results), *server_changes(results)]
    notices = dict.fromkeys(notice for result in results for notice in notices_of(result.res))
    return HostPlan(host, heading(host, results, stack), tuple(changes), tuple(notices))


def hardening(story: Story) -> list[HostPlan]:
    """What hardening would change, role by role: the files by their names, all else by its task."""
    return [hardening_of(story, host) for host in sorted(story.hosts)]


def hardening_of(story: Story, host: str) -> HostPlan:
    """The same of one server. What the resolver notices is about the stack, and `plan` says it."""
    results = [result for result in story.results if result.host == host]
    roles: dict[str, list[str]] = {}
    for result in results:
        if result.changed and result.action not in QUIET:
            paths = [str(change["path"]) for change in result.res.get("changes") or [] if "path" in change]
            roles.setdefault(result.role or "server", []).extend(paths or [result.task])
    changes = tuple(Change("change", "server", role, " · ".join(dict.fromkeys(parts))) for role, parts in roles.items())
    notices = [notice for result in results if result.action != OURS + "resolve" for notice in notices_of(result.res)]
    return HostPlan(host, host, changes, tuple(dict.fromkeys(notices)))


def notices_of(res: dict[str, Any]) -> list[str]:
    """What a result, and each of its items where the task is a loop, wants the owner to know."""
    items = [item for item in res.get("results") or [] if isinstance(item, dict)]
    return [str(notice) for one in (res, *items) for notice in one.get("notices") or []]


def fact(results: Iterable[Result], plugin: str, name: str) -> dict[str, Any]:
    """A fact that one of our plugins set, {} where it did not run."""
    found: dict[str, Any] = {}
    for result in results:
        if result.action == OURS + plugin:
            found = (result.res.get("ansible_facts") or {}).get(name) or found
    return found


def heading(host: str, results: list[Result], stack: dict[str, Any]) -> str:
    """`nas · Debian 13 · 21 services`."""
    system = fact(results, "host_facts", "mediastack_host").get("os") or {}
    name = str(system.get("id") or "").capitalize()
    parts = [host, f"{name} {system.get('version_id') or ''}".strip()]
    if stack:
        parts.append(plural(len(stack.get("instances") or {}), "service"))
    return " · ".join(part for part in parts if part)


def stack_changes(results: list[Result], stack: dict[str, Any]) -> Iterable[Change]:
    """Services, networks and their files, as the collection words them."""
    from ansible_collections.mediastack.core.plugins.plugin_utils.plan_summary import summarise

    if not stack:
        return
    containers = _changes(results, "compose")
    if is_bare(results):
        containers = [{"action": "create", "instance": name, "reason": "new"} for name in stack["instances"]]
    for line in sorted(
        summarise(stack, containers, _changes(results, "files")), key=lambda line: ORDER.index(line.kind)
    ):
        yield Change(line.action, line.kind, line.name, line.detail)


def is_bare(results: list[Result]) -> bool:
    """Whether the server has no Python yet, so that nothing could be read there: all of the stack is new."""
    return any(result.res.get("bare") for result in _of(results, "bootstrap"))


def image_changes(results: list[Result]) -> Iterable[Change]:
    """Images that would be pulled, on one line."""
    pulled = [str(reference) for result in _of(results, "images") for reference in result.res.get("pulled") or []]
    if pulled:
        names = [reference.rsplit("/", 1)[-1] for reference in pulled]
        text = f"{plural(len(pulled), 'image')} to pull: {', '.join(names)}"
        yield Change("change", "images", "images", text)


def server_changes(results: list[Result]) -> Iterable[Change]:
    """Everything else that would change, by role."""
    roles: dict[str, list[str]] = {}
    for result in results:
        if result.changed and result.action not in BY_SERVICE | QUIET:
            roles.setdefault(result.role or "server", []).append(result.task)
    for role, tasks in roles.items():
        yield Change("change", "server", role, ", ".join(dict.fromkeys(tasks)))


def _of(results: Iterable[Result], plugin: str) -> list[Result]:
    return [result for result in results if result.action == OURS + plugin]


def _changes(results: Iterable[Result], plugin: str) -> list[dict[str, Any]]:
    return [change for result in _of(results, plugin) for change in result.res.get("changes") or []]


def lines(plan: HostPlan, width: int) -> list[str]:
    """The plan of a server, at most `width` columns: what does not fit goes on below itself."""
    rows = [(change, *_name_and_text(change)) for change in plan.changes]
    name_width = min(max([NAME_WIDTH, *(len(name) for _change, name, _text in rows)]), WIDEST_NAME)
    shown: list[str] = []
    for change, name, text in rows:
        head, *below = _filled(text, width - name_width - 5)
        shown.append(f"  {SIGNS.get(change.action, '~')} {name:<{name_width}} {head}")
        shown += [" " * (name_width + 5) + line for line in below]
    for notice in plan.notices:
        shown += textwrap.wrap(notice, width, initial_indent="  ! ", subsequent_indent="    ")
    return shown


def _name_and_text(change: Change) -> tuple[str, str]:
    """What stands in the column of names; networks have long ones, which belong to the text."""
    if change.kind == "network":
        return "network", f"{change.name} {change.text}"
    return clip(change.name, WIDEST_NAME), change.text


def _filled(text: str, width: int) -> list[str]:
    """Lines of at most `width` columns; what ` · ` separates stays together as long as a line can hold it."""
    filled: list[str] = []
    for part in text.split(" · "):
        if filled and len(filled[-1]) + 3 + len(part) <= width:
            filled[-1] += f" · {part}"
        else:
            filled += textwrap.wrap(part, width, break_on_hyphens=False)
    return filled or [""]


def conclusion(found: list[HostPlan]) -> str:
    """`3 services and 2 other things would change. Nothing was touched.`."""
    services = sum(1 for plan in found for change in plan.changes if change.kind == "service")
    others = sum(len(plan.changes) for plan in found) - services
    if not services and not others:
        return "Nothing would change."
    parts = [plural(services, "service")] if services else []
    parts += [plural(others, "other thing") if services else plural(others, "thing")] if others else []
    return f"{' and '.join(parts)} would change. Nothing was touched."


def diff_lines(results: Iterable[Result]) -> list[str]:
    """Every line that would change, as a unified diff; task by task."""
    shown: list[str] = []
    for result in results:
        diffs = result.res.get("diff") or []
        for diff in diffs if isinstance(diffs, list) else [diffs]:
            body = _unified(diff) if isinstance(diff, dict) else []
            if body:
                shown += [result.where, *body, ""]
    return shown


def _unified(diff: dict[str, Any]) -> list[str]:
    if diff.get("prepared"):
        return str(diff["prepared"]).splitlines()
    before, after = (_text(diff.get(side)) for side in ("before", "after"))
    if before == after:
        return []
    names = (str(diff.get("before_header") or "before"), str(diff.get("after_header") or "after"))
    return list(difflib.unified_diff(before, after, *names, lineterm="", n=2))


def _text(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [f"{key}: {item}" for key, item in sorted(value.items())]
    return str(value or "").splitlines()
