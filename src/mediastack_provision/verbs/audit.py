"""`audit`: what outside auditors think of the server, before and after."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from mediastack_provision.execute import Verb, run_verb
from mediastack_provision.exits import Exit
from mediastack_provision.progress import write_json
from mediastack_provision.words import plural

if TYPE_CHECKING:
    from mediastack_provision.events import Story
    from mediastack_provision.execute import Run
    from mediastack_provision.options import Options

WIDTH = 80
COLUMNS = (11, 19, 19, 11)  # tool, before, after, required
STATES = {True: "ok", False: "LOW", None: "-"}
STYLES = {True: "green", False: "bold red", None: "dim"}


def run(options: Options, *, install: bool) -> Exit:
    """Run the auditors, and print their figures and what they still find."""
    extra = {"audit_fail": False, "audit_install": install}
    done = run_verb(Verb(name="audit", playbook="audit", quiet=True, extra_vars=extra), options, judge)
    if options.as_json:
        _json(done)
    elif done.code in {Exit.OK, Exit.VERIFY_FAILED, Exit.FAILED}:
        show(done)
    return done.code


def audits_of(story: Story) -> list[tuple[str, dict[str, Any]]]:
    """All audits with their hosts; the call that keeps the figures has those of the other one, too."""
    return [
        (result.host, audit)
        for result in story.ours("audit")
        for audit in result.res.get("audits") or []
        if isinstance(audit, dict) and "before" in audit
    ]


def judge(story: Story) -> Exit:
    """Whether every figure is what is required; no figure at all proves nothing."""
    found = [audit.get("good") for _host, audit in audits_of(story)]
    if False in found:
        return Exit.VERIFY_FAILED
    return Exit.OK if True in found or not story.hosts else Exit.FAILED


def show(run: Run) -> None:
    """The table of each server, then what is left, by tool."""
    from rich.text import Text

    audits = audits_of(run.story)
    for host in dict.fromkeys(host for host, _audit in audits):
        mine = [audit for owner, audit in audits if owner == host]
        run.console.print(f"{host}", style="bold", markup=False)
        run.console.print(row("TOOL", "BEFORE", "AFTER", "REQUIRED", ""), markup=False)
        for audit in mine:
            line = run.redactor.text(audit_row(audit))
            run.console.print(Text(line, style=STYLES[audit.get("good")]), soft_wrap=True)
        for line in (line for audit in mine for line in left_lines(audit)):
            run.console.print(run.redactor.text(line), markup=False, soft_wrap=True)


def row(tool: str, before: str, after: str, required: str, state: str) -> str:
    """One line of the table."""
    cells = zip((tool, before, after, required), COLUMNS, strict=True)
    return ("  " + "".join(f"{cell:<{width}}" for cell, width in cells) + state).rstrip()


def audit_row(audit: dict[str, Any]) -> str:
    """A tool's line."""
    before, after = (str(audit.get(key) or "-") for key in ("before", "after"))
    return row(str(audit.get("tool")), before, after, str(audit.get("required")), STATES[audit.get("good")])


def left_lines(audit: dict[str, Any]) -> list[str]:
    """Why it could not run, or what it still finds; what cannot be mended here says why."""
    tool = str(audit.get("tool"))
    if audit.get("note"):
        return _wrapped(f"{tool}: {audit['note']}", "  ")
    findings = [item for item in audit.get("findings") or [] if isinstance(item, dict)]
    if not findings:
        return []
    lines = ["", f"  {tool} finds {plural(len(findings), 'thing')}:"]
    for item in findings:
        reason = f" [{item['reason']}]" if item.get("reason") else ""
        lines += _wrapped(f"{item.get('id')}  {item.get('text')}{reason}", "    ")
    return lines


def _wrapped(text: str, lead: str) -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()),
        WIDTH,
        initial_indent=lead,
        subsequent_indent=f"{lead}  ",
        break_on_hyphens=False,
    )


def _json(run: Run) -> None:
    """Each audit on a line of its own, then how it ended."""
    audits = audits_of(run.story)
    for host, audit in audits:
        write_json({"event": "audit", "host": host, **audit}, run.redactor)
    low = sum(1 for _host, audit in audits if audit.get("good") is False)
    body = {"event": "done", "verb": "audit", "exit": int(run.code), "audits": len(audits), "low": low}
    write_json(body, run.redactor)
