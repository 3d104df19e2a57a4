"""`status`: what runs, where it answers, and what the applications say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mediastack_provision.execute import Verb, run_verb
from mediastack_provision.exits import Exit
from mediastack_provision.progress import write_json
from mediastack_provision.words import age, clip, plural, size

if TYPE_CHECKING:
    from mediastack_provision.execute import Run
    from mediastack_provision.options import Options

STATUS = Verb(name="status", playbook="status", recorded=False, quiet=True)
HEADS = ("SERVICE", "STATE", "ZONE", "UP", "ADDRESS", "NOTE")
STYLES = {"healthy": "green", "running": "green", "starting": "yellow"}
WIDTH = 80
SHORTEST_NOTE = 24  # with less room, a note goes on a line of its own
FULL_PERCENT = 90


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
    for line in [*disk_lines(res.get("disks") or []), *certificate_lines(res.get("certificate") or {})]:
        run.console.print(run.redactor.text(line), markup=False, soft_wrap=True)


def state_of(instance: dict[str, Any]) -> str:
    """One word: the health where there is one, else Docker's state."""
    state = str(instance.get("state") or "missing")
    return str(instance.get("health") or state) if state == "running" else state


def table(instances: dict[str, dict[str, Any]], width: int) -> list[str]:
    """The instances as lines of at most `width` columns."""
    rows = [
        (
            name,
            state_of(entry),
            str(entry.get("zone") or "-"),
            age(float(entry["uptime"])) if entry.get("uptime") is not None else "-",
            str(entry.get("url") or "-"),
            " ".join(str(entry.get("note") or "").split()),
        )
        for name, entry in instances.items()
    ]
    if not rows:
        return ["No instance is chosen for this server."]
    columns = [max(len(row[number]) for row in [HEADS, *rows]) for number in range(5)]
    lead = sum(columns) + 2 * len(columns)
    beside = width - lead >= SHORTEST_NOTE
    lines = [_line(HEADS[:5], columns) + ("  NOTE" if beside else "")]
    for row in rows:
        head = _line(row[:5], columns)
        if not row[5]:
            lines.append(head.rstrip())
        elif beside:
            lines.append(f"{head}  {clip(row[5], width - lead)}")
        else:
            lines += [head.rstrip(), "    " + clip(row[5], width - 4)]
    return lines


def _line(cells: tuple[str, ...], columns: list[int]) -> str:
    return "  ".join(f"{cell:<{columns[number]}}" for number, cell in enumerate(cells))


def disk_lines(disks: list[dict[str, Any]]) -> list[str]:
    """How full the filesystems are."""
    lines = []
    for disk in disks:
        if disk.get("error"):
            lines.append(f"disk {disk.get('name')}: {disk['error']}")
            continue
        warning = "  almost full" if float(disk.get("percent") or 0) >= FULL_PERCENT else ""
        free, total = size(float(disk.get("free") or 0)), size(float(disk.get("total") or 0))
        lines.append(f"disk {disk.get('name')} ({disk.get('path')}): {free} of {total} free{warning}")
    return ["", *lines] if lines else []


def certificate_lines(certificates: dict[str, dict[str, Any]]) -> list[str]:
    """Certificates: those with a problem by name, the others as one line that says when the first expires."""
    bad = {name: entry for name, entry in certificates.items() if entry.get("error")}
    good = {name: entry for name, entry in certificates.items() if not entry.get("error")}
    lines = [f"certificate {name}: {entry['error']}" for name, entry in bad.items()]
    if good:
        first = min(good.values(), key=lambda entry: float(entry.get("days") or 0))
        lines.append(
            f"certificates: {len(good)} valid; the first expires {first.get('expires')}"
            f" ({plural(int(first.get('days') or 0), 'day')})"
        )
    return lines
