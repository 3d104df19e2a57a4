"""Every run's record: when, who, what, and how it ended. One file per run, readable by its owner only.

${XDG_STATE_HOME:-~/.local/state}/mediastack/history/<inventory>/<date>.<number>.json
{id, verb, inventory, started, seconds, user, commit, options, hosts{name: {ok, changed, failed, unreachable,
skipped}}, changed [{host, role, task}], failures [{host, role, task, message}], result, exit}
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediastack_provision.exits import Exit, UserError
from mediastack_provision.inventories import name_of
from mediastack_provision.private import private_dir, write_new
from mediastack_provision.project import state_dir

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mediastack_provision.events import Story
    from mediastack_provision.redact import Redactor

MARKER = ".inventory"  # in a directory of records: whose they are
RESULTS = {
    Exit.OK: "ok",
    Exit.FAILED: "failed",
    Exit.CHANGES: "changes pending",
    Exit.VERIFY_FAILED: "checks failed",
    Exit.INVALID: "refused",
    Exit.BUSY: "busy",
    Exit.INTERRUPTED: "interrupted",
}


def directory(inventory: Path) -> Path:
    """The records of an inventory; two of the same name in different places stay apart."""
    base = state_dir() / "history"
    path = base / name_of(inventory)
    marker = path / MARKER
    if marker.is_file() and marker.read_text(encoding="utf-8").strip() != str(inventory):
        return base / f"{path.name}-{hashlib.sha256(str(inventory).encode()).hexdigest()[:8]}"
    return path


def compose(  # noqa: PLR0913  the fields of a record
    story: Story, *, verb: str, inventory: Path, options: Sequence[str], code: Exit, commit: str | None
) -> dict[str, Any]:
    """The record of a run, without its id. Pure but for the user's name."""
    started = datetime.fromtimestamp(story.started, UTC) if story.started else datetime.now(UTC)
    return {
        "verb": verb,
        "inventory": str(inventory),
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(story.seconds, 1),
        "user": user(),
        "commit": commit,
        "options": list(options),
        "hosts": story.hosts,
        "changed": [{"host": r.host, "role": r.role, "task": r.task} for r in story.results if r.changed],
        "failures": [{"host": f.host, "role": f.role, "task": f.task, "message": f.message} for f in story.failures],
        "result": RESULTS[code],
        "exit": int(code),
    }


def save(record: dict[str, Any], inventory: Path, redactor: Redactor) -> str:
    """Write a record under the next free id of its day; returns the id.

    Creating the file is what takes the number, so that two runs at once do not share one.
    """
    path = _claimed(inventory)
    day = str(record["started"])[:10]
    number = 1 + max((_number(name) for name in path.glob(f"{day}.*.json")), default=0)
    while True:
        identity = f"{day}.{number}"
        body = json.dumps({"id": identity} | redactor.tree(record), indent=1, ensure_ascii=False)
        try:
            write_new(path / f"{identity}.json", body + "\n")
        except FileExistsError:
            number += 1
        else:
            return identity


def _claimed(inventory: Path) -> Path:
    while True:
        path = private_dir(directory(inventory))
        path.chmod(0o700)
        with suppress(FileExistsError):
            write_new(path / MARKER, f"{inventory}\n")
        if path == directory(inventory):  # not, when another inventory of this name came first just now
            return path


def _number(path: Path) -> int:
    number = path.name.removesuffix(".json").rpartition(".")[2]
    return int(number) if number.isdecimal() else 0


def load_all(inventory: Path) -> list[dict[str, Any]]:
    """All records, the oldest first; a damaged one is left out."""
    records = []
    for path in sorted(directory(inventory).glob("*.json"), key=lambda path: (path.name[:10], _number(path))):
        with suppress(OSError, ValueError):
            records.append(json.loads(path.read_text(encoding="utf-8")))
    return records


def load(inventory: Path, identity: str) -> dict[str, Any]:
    """One record.

    Raises:
        UserError: when there is none of this id.

    """
    for record in load_all(inventory):
        if record.get("id") == identity:
            return dict(record)
    raise UserError(f"There is no run {identity!r}. List them with: mediastack-provision history")


def user() -> str:
    """Who runs this, as well as the system knows."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    sudo = os.environ.get("SUDO_USER")
    return f"{sudo} (as {name})" if sudo and sudo != name else name


def commit_of(path: Path) -> str | None:
    """The commit of the repository that holds the choices, with `+changes` when files differ from it."""
    where = path if path.is_dir() else path.parent
    try:
        head = _git(where, "rev-parse", "--short=12", "HEAD")
        changes = _git(where, "status", "--porcelain", "--untracked-files=no", "--", ".")
    except (OSError, subprocess.SubprocessError):
        return None
    return head + ("+changes" if changes else "")


def _git(where: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(where), *arguments], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
