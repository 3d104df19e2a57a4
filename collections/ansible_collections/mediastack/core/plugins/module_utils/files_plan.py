"""What has to change so that directories and files are as wanted: reads, compares, changes nothing.

Changes are plain: ``{path, action: create|content|owner|mode|remove, before, after}``.
"""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import stat
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.safe_path import (
    Directories,
    UnsafePathError,
    parts_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SHOWN_BYTES = 1 << 20
SECRET_TEXT = "(secret content changed)"  # noqa: S105 - what a diff shows instead of a secret
UNKNOWN_ID = -1
ALL_BITS = 0o7777
Change = dict[str, Any]


class FilesError(Exception):
    """Refusals, one per line. Nothing was changed."""


@dataclass(frozen=True)
class Entry:
    """A directory or file as it should be; None keeps what is there."""

    path: str
    kind: str
    uid: int | None = None
    gid: int | None = None
    mode: int | None = None
    content: bytes = b""
    secret: bool = False
    policy: str = "managed"
    validate: tuple[str, ...] = ()
    recurse_owner: bool = False


@dataclass(frozen=True)
class State:
    """What is at a path now; `kind` is missing, file, directory, link or other."""

    kind: str
    uid: int = 0
    gid: int = 0
    mode: int = 0
    size: int = 0
    content: bytes | None = None


@dataclass(frozen=True)
class Step:
    """One entry that differs, and how."""

    entry: Entry
    state: State
    actions: tuple[str, ...]
    changes: tuple[Change, ...]


@dataclass
class Plan:
    """Everything that differs, in the order in which it is put right."""

    steps: list[Step] = field(default_factory=list)
    removals: list[str] = field(default_factory=list)

    @property
    def changes(self) -> list[Change]:
        """All changes in order."""
        removed = [{"path": path, "action": "remove", "before": "present", "after": "absent"} for path in self.removals]
        return [change for step in self.steps for change in step.changes] + removed


class Ids:
    """Names to numbers and back, asked once each. In check mode a user may not exist yet."""

    def __init__(self, *, may_be_missing: bool) -> None:
        """Look names up; with `may_be_missing` an unknown one is no error."""
        self.may_be_missing = may_be_missing
        self._cache: dict[tuple[str, str], int] = {}
        self._names: dict[tuple[str, int], str] = {}

    def number(self, kind: str, name: str | None) -> int | None:
        """Number of a user or group given by name or number; None stays None."""
        if name is None or name == "":
            return None
        if str(name).isdigit():
            return int(name)
        if (kind, name) not in self._cache:
            self._cache[kind, name] = self._look_up(kind, name)
        return self._cache[kind, name]

    def _look_up(self, kind: str, name: str) -> int:
        try:
            found = pwd.getpwnam(name).pw_uid if kind == "user" else grp.getgrnam(name).gr_gid
        except KeyError:
            if self.may_be_missing:
                self._names[kind, UNKNOWN_ID] = name
                return UNKNOWN_ID
            raise FilesError(f"there is no {kind} {name!r} on this server; the base role creates it") from None
        return found

    def name(self, kind: str, number: int) -> str:
        """Name of a number, or the number where it has none."""
        if (kind, number) not in self._names:
            try:
                found = pwd.getpwuid(number).pw_name if kind == "user" else grp.getgrgid(number).gr_name
            except (KeyError, OverflowError):
                found = str(number)
            self._names[kind, number] = found
        return self._names[kind, number]

    def pair(self, uid: int, gid: int) -> str:
        """Both, as `chown` writes them."""
        return f"{self.name('user', uid)}:{self.name('group', gid)}"


def mode_of(text: Any) -> int | None:
    """An octal mode; raises FilesError for anything that is not one."""
    if text is None or text == "":
        return None
    try:
        mode = int(str(text), 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= ALL_BITS:
        raise FilesError(f'mode {text!r} is not an octal mode such as "0640"')
    return mode


def entries_of(params: Mapping[str, Any], ids: Ids) -> list[Entry]:
    """The wanted directories, then the files; raises FilesError with every bad one."""
    problems: list[str] = []
    entries: list[Entry] = []
    seen: set[str] = set()
    pairs = [("directory", item) for item in params["directories"]] + [("file", item) for item in params["files"]]
    for kind, item in pairs:
        try:
            entry = _entry(kind, item, params["secret_contents"] or {}, ids)
            parts_of(entry.path)
        except (FilesError, UnsafePathError) as error:
            problems.append(f"{item['path']}: {error}")
            continue
        if entry.path in seen:
            problems.append(f"{entry.path}: listed twice")
        seen.add(entry.path)
        entries.append(entry)
    problems += [f"{path}: listed as absent and as wanted" for path in params["absent"] if path in seen]
    if problems:
        raise FilesError("\n".join(problems))
    return entries


def _entry(kind: str, item: Mapping[str, Any], secrets: Mapping[str, Any], ids: Ids) -> Entry:
    shared = {
        "path": item["path"],
        "kind": kind,
        "uid": ids.number("user", item.get("owner")),
        "gid": ids.number("group", item.get("group")),
        "mode": mode_of(item.get("mode")),
    }
    if kind == "directory":
        return Entry(recurse_owner=bool(item.get("recurse_owner")), **shared)
    key, text = item.get("secret"), item.get("content")
    if (key is None) == (text is None):
        raise FilesError("needs either `content` or `secret`")
    if key is not None and key not in secrets:
        raise FilesError(f"secret_contents has no value for {key!r}")
    content = str(secrets[key] if key is not None else text).encode("utf-8")
    validate = tuple(item.get("validate") or ())
    if validate and not any("%s" in word for word in validate):
        raise FilesError("`validate` needs a %s where the file's name goes")
    policy = item.get("policy") or "managed"
    return Entry(content=content, secret=key is not None, policy=policy, validate=validate, **shared)


def look(directories: Directories, path: str, wanted_size: int | None = None) -> State:
    """What is at a path. The content is read when its size makes equality possible or a diff is shown."""
    try:
        parent, name = directories.parent(path)
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return State("missing")
    kinds = ((stat.S_ISREG, "file"), (stat.S_ISDIR, "directory"), (stat.S_ISLNK, "link"))
    kind = next((name for test, name in kinds if test(found.st_mode)), "other")
    state = State(kind, found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode), found.st_size)
    if kind != "file" or wanted_size is None:
        return state
    if found.st_size != wanted_size and found.st_size > SHOWN_BYTES:
        return state
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
    with os.fdopen(fd, "rb") as stream:
        return replace(state, content=stream.read())


def compare(entry: Entry, state: State, ids: Ids) -> Step | None:
    """The step that puts one path right, None when it is right; raises FilesError where it may not."""
    if state.kind == "link":
        raise FilesError("is a symbolic link; it is neither followed nor replaced. Remove it, then run again")
    if state.kind not in ("missing", entry.kind):
        raise FilesError(f"is a {state.kind}, and should be a {entry.kind}. Move it away, then run again")
    if state.kind == "missing":
        mode = entry.mode if entry.mode is not None else default_mode(entry)
        owner = ids.pair(entry.uid if entry.uid is not None else 0, entry.gid if entry.gid is not None else 0)
        after = f"{entry.kind} {owner} {mode:04o}"
        return Step(entry, state, ("create",), (_change(entry, "create", "absent", after),))
    changes = []
    if entry.kind == "file" and entry.policy != "seed" and state.content != entry.content:
        changes.append(_change(entry, "content", *_digests(entry, state)))
    uid = entry.uid if entry.uid is not None else state.uid
    gid = entry.gid if entry.gid is not None else state.gid
    if (uid, gid) != (state.uid, state.gid):
        below = " and everything below" if entry.recurse_owner else ""
        changes.append(_change(entry, "owner", ids.pair(state.uid, state.gid), ids.pair(uid, gid) + below))
    # The application rewrites what we seeded, with its own umask: only its first mode is ours.
    if entry.mode is not None and entry.mode != state.mode and entry.policy != "seed":
        changes.append(_change(entry, "mode", f"{state.mode:04o}", f"{entry.mode:04o}"))
    if not changes:
        return None
    return Step(entry, state, tuple(change["action"] for change in changes), tuple(changes))


def default_mode(entry: Entry) -> int:
    """The mode of something new for which none was asked."""
    if entry.kind == "directory":
        return 0o755
    return 0o600 if entry.secret else 0o644


def _change(entry: Entry, action: str, before: str, after: str) -> Change:
    return {"path": entry.path, "action": action, "before": before, "after": after}


def _digests(entry: Entry, state: State) -> tuple[str, str]:
    # A bare hash of a short secret can be reversed by trying, so a secret gets none.
    if entry.secret:
        return "(secret)", SECRET_TEXT
    before = "sha256:" + hashlib.sha256(state.content).hexdigest()[:16] if state.content is not None else "another size"
    return before, "sha256:" + hashlib.sha256(entry.content).hexdigest()[:16]


def missing_parents(entries: Sequence[Entry], directories: Directories) -> list[Entry]:
    """Directories nobody listed that have to be made. They look like the nearest listed one above them."""
    listed = {entry.path: entry for entry in entries if entry.kind == "directory"}
    made: dict[str, Entry] = {}
    there: set[str] = {""}
    for entry in entries:
        head, chain = entry.path.rpartition("/")[0], []
        while head not in there and head not in listed and head not in made:
            if look(directories, head).kind != "missing":
                there.add(head)
                break
            chain.append(head)
            head = head.rpartition("/")[0]
        like = listed.get(head) or made.get(head) or Entry(head, "directory", 0, 0, 0o755)
        for path in reversed(chain):
            made[path] = replace(like, path=path, recurse_owner=False)
    return list(made.values())


def check_absent(paths: Iterable[str], roots: Sequence[str]) -> None:
    """Only what is strictly below a root may be removed; raises FilesError."""
    problems = []
    for path in paths:
        try:
            parts = parts_of(path)
            below = any(parts[: len(parts_of(root))] == parts_of(root) != parts for root in roots)
        except UnsafePathError as error:
            problems.append(str(error))
            continue
        if not below:
            problems.append(
                f"{path}: may not be removed, it is not below any root ({', '.join(roots) or 'none given'})"
            )
    if problems:
        raise FilesError("\n".join(problems))


def make_plan(params: Mapping[str, Any], ids: Ids, directories: Directories) -> Plan:
    """Compare everything; raises FilesError with every refusal before anything is changed."""
    check_absent(params["absent"], params["roots"])
    entries = entries_of(params, ids)
    plan, problems = Plan(), []
    try:
        parents = missing_parents(entries, directories)
    except UnsafePathError as error:
        raise FilesError(str(error)) from error
    folders = sorted(
        parents + [entry for entry in entries if entry.kind == "directory"],
        key=lambda entry: entry.path.count("/"),
    )
    for entry in folders + [entry for entry in entries if entry.kind == "file"]:
        try:
            size = len(entry.content) if entry.kind == "file" and entry.policy != "seed" else None
            step = compare(entry, look(directories, entry.path, size), ids)
        except UnsafePathError as error:
            problems.append(str(error))
        except FilesError as error:
            problems.append(f"{entry.path}: {error}")
        else:
            plan.steps += [step] if step else []
    for path in params["absent"]:
        try:
            if look(directories, path).kind != "missing":
                plan.removals.append(path)
        except UnsafePathError as error:
            problems.append(str(error))
    if problems:
        raise FilesError("\n".join(problems))
    return plan


def diff_of(plan: Plan) -> list[dict[str, str]]:
    """What `--diff` shows: one entry per changed content, one for attributes, never a secret."""
    shown = []
    for step in plan.steps:
        entry = step.entry
        if entry.kind == "file" and set(step.actions) & {"create", "content"}:
            before, after = _texts(step)
            shown.append({"before_header": entry.path, "after_header": entry.path, "before": before, "after": after})
        rest = [change for change in step.changes if change["action"] != "content"]
        if rest and not (entry.kind == "file" and step.actions == ("create",) and not entry.secret and entry.content):
            header = f"{entry.path} (attributes)"
            shown.append(
                {
                    "before_header": header,
                    "after_header": header,
                    "before": "".join(f"{change['action']}: {change['before']}\n" for change in rest),
                    "after": "".join(f"{change['action']}: {change['after']}\n" for change in rest),
                }
            )
    sides = {"before": "present\n", "after": "absent\n"}
    return shown + [{"before_header": path, "after_header": path, **sides} for path in plan.removals]


def _texts(step: Step) -> tuple[str, str]:
    if step.entry.secret:
        return ("" if step.state.kind == "missing" else "(secret content)\n"), SECRET_TEXT + "\n"
    return _text(step.state.content or b"", step.state.size), _text(step.entry.content, len(step.entry.content))


def _text(content: bytes, size: int) -> str:
    if size > SHOWN_BYTES:
        return f"({size} bytes)\n"
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return f"(binary, {size} bytes)\n"
