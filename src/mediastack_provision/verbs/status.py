"""`status`: what runs, where it answers, and what the applications say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mediastack_provision.execute import Verb, run_verb
from mediastack_provision.exits import Exit
from mediastack_provision.plan_view import fact
from mediastack_provision.progress import write_json
from mediastack_provision.words import age, clip, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mediastack_provision.execute import Run
    from mediastack_provision.options import Options

STATUS = Verb(name="status", playbook="status", recorded=False, quiet=True)
HEADS = ("SERVICE", "STATE", "ZONE", "UP", "ADDRESS", "NOTE")
STYLES = {"healthy": "green", "running": "green", "starting": "yellow"}
WIDTH = 80
ADDRESS = 4  # the column
LONGEST_NAME = 32
SHORTEST_NOTE = 24  # with less room, a note goes on a line of its own
FULL_PERCENT = 90
TWO_DAYS = 48  # hours
OVERDUE = 5  # less than a fifth of its lifetime is left: renewal was due at a third


def run(options: Options) -> Exit:
    """Read and print."""
    done = run_verb(STATUS, options)
    for result in done.story.ours("status"):
        if options.as_json:
            write_json({"event": "status", "host": result.host, **_facts(result.res)}, done.redactor)
        elif "instances" in result.res:
            show(done, result.host, result.res, several=len(done.story.hosts) > 1)
    return done.code


def _facts(res: dict[str, Any]) -> dict[str, Any]:
    return {key: res.get(key) for key in ("instances", "disks", "certificate", "engine")}


def show(run: Run, host: str, res: dict[str, Any], *, several: bool) -> None:
    """One server's table, then its disks and certificates."""
    from rich.text import Text

    width = max(WIDTH, run.console.width) if run.console.is_terminal else WIDTH
    stack = fact([result for result in run.story.results if result.host == host], "resolve", "mediastack_stack")
    proxy = str((stack.get("edge") or {}).get("proxy") or "the proxy")
    if several:
        run.console.print(f"\n{host}", style="bold")
    if res.get("engine"):
        run.console.print(f"Docker cannot be asked: {res['engine']}", style="bold red", markup=False)
    for line in table(res.get("instances") or {}, width):
        text = Text(run.redactor.text(line))
        for word in ("missing", "exited", "unhealthy", "restarting", "dead"):
            text.highlight_words([f" {word} "], "bold red")
        for word, style in STYLES.items():
            text.highlight_words([f" {word} "], style)
        run.console.print(text, soft_wrap=True)
    for line in [*disk_lines(res.get("disks") or []), *certificate_lines(res.get("certificate") or {}, proxy)]:
        run.console.print(run.redactor.text(line), markup=False, soft_wrap=True)


def state_of(instance: dict[str, Any]) -> str:
    """One word: the health where there is one, else Docker's state."""
    state = str(instance.get("state") or "missing")
    return str(instance.get("health") or state) if state == "running" else state


def table(instances: dict[str, dict[str, Any]], width: int) -> list[str]:
    """The instances as lines of at most `width` columns; what does not fit stands below its service."""
    if not instances:
        return ["No instance is chosen for this server."]
    rows = [row(name, entry) for name, entry in instances.items()]
    columns = [max(len(cells[number]) for cells in [HEADS, *rows]) for number in range(4)]
    room = width - sum(columns) - 2 * len(columns)
    widest = max(len(cells[ADDRESS]) for cells in [HEADS, *rows] if len(cells[ADDRESS]) <= room)
    note_room = room - widest - 2
    beside = note_room >= SHORTEST_NOTE
    lines = [_line(HEADS if beside else HEADS[:-1], [*columns, widest])]
    for *cells, address, note in rows:
        below = [address] if len(address) > room else []
        cells.append("" if below else address)
        if beside:
            cells.append(clip(note, note_room))
        elif note:
            below.append(clip(note, width - 4))
        lines += [_line(cells, [*columns, widest]), *(f"    {text}" for text in below)]
    return lines


def row(name: str, entry: dict[str, Any]) -> tuple[str, ...]:
    """The cells of one instance."""
    return (
        clip(name, LONGEST_NAME),
        state_of(entry),
        str(entry.get("zone") or "-"),
        age(float(entry["uptime"])) if entry.get("uptime") is not None and entry.get("state") == "running" else "-",
        str(entry.get("url") or "-"),
        " ".join(str(entry.get("note") or "").split()),
    )


def _line(cells: Sequence[str], columns: Sequence[int]) -> str:
    padded = [f"{cell:<{width}}" for cell, width in zip(cells, columns, strict=False)]
    return "  ".join([*padded, *cells[len(columns) :]]).rstrip()


def disk_lines(disks: list[dict[str, Any]]) -> list[str]:
    """How full the filesystems are."""
    from ansible_collections.mediastack.core.plugins.plugin_utils.plan_summary import human

    lines = []
    for disk in disks:
        if disk.get("error"):
            lines.append(f"disk {disk.get('name')}: {disk['error']}")
            continue
        warning = "  almost full" if float(disk.get("percent") or 0) >= FULL_PERCENT else ""
        free, total = human(float(disk.get("free") or 0)), human(float(disk.get("total") or 0))
        lines.append(f"disk {disk.get('name')} ({disk.get('path')}): {free} of {total} free{warning}")
    return ["", *lines] if lines else []


def certificate_lines(certificates: dict[str, dict[str, Any]], proxy: str) -> list[str]:
    """Certificates: those with a problem by name, the others as one line that says when the first expires.

    The proxy renews them when a third of their lifetime is left: late is not few days, but less than a fifth.
    """
    bad: dict[str, list[str]] = {}
    for name, entry in certificates.items():
        if entry.get("error"):
            bad.setdefault(str(entry["error"]).removeprefix(f"{name} at "), []).append(name)
    good = {name: entry for name, entry in certificates.items() if not entry.get("error")}
    lines = [
        f"certificate {names[0]}: {error}" if len(names) == 1 else f"{len(names)} certificates not read: {error}"
        for error, names in bad.items()
    ]
    if good:
        first = min(good.values(), key=lambda entry: float(entry.get("hours") or 0))
        lines.append(
            f"certificates: {len(good)} valid; the first expires in {remaining(float(first.get('hours') or 0))}, "
            f"{proxy} renews it"
        )
    for name, entry in good.items():
        left = float(entry.get("hours") or 0)
        if left < float(entry.get("lifetime") or 0) / OVERDUE:
            lines.append(
                f"certificate {name}: {proxy} should have renewed it; {remaining(left)} left. Look: logs {proxy}"
            )
    return lines


def remaining(hours: float) -> str:
    """`71 days`; hours when fewer than two days are left."""
    return plural(int(hours), "hour") if hours < TWO_DAYS else plural(int(hours // 24), "day")
