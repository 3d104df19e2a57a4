"""`verify`: the checks that ran on the server, as a table with evidence."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from mediastack_provision.execute import Verb, run_verb
from mediastack_provision.exits import Exit
from mediastack_provision.progress import write_json
from mediastack_provision.words import clip, plural

if TYPE_CHECKING:
    from mediastack_provision.events import Story
    from mediastack_provision.execute import Run
    from mediastack_provision.options import Options

VERIFY = Verb(name="verify", playbook="verify", quiet=True, extra_vars={"verify_fail": False})
MARKS = {"pass": "ok", "fail": "FAIL", "warn": "warn", "skip": "skip"}
STYLES = {"pass": "green", "fail": "bold red", "warn": "yellow", "skip": "dim"}
MARK_WIDTH = 4
GROUP_WIDTH = 10
INDENT = MARK_WIDTH + GROUP_WIDTH + 2  # where titles begin
WIDTH = 80
WIDEST = 120


def run(options: Options) -> Exit:
    """Run the checks and print them; the code says whether all passed."""
    done = run_verb(VERIFY, options, judge)
    if options.as_json:
        _json(done)
    elif checks_of(done.story):
        show(done)
    return done.code


def judge(story: Story) -> Exit:
    """Every check passed or only warned; no check at all proves nothing."""
    checks = [check for _host, check in checks_of(story)]
    if not checks and story.hosts:
        return Exit.FAILED
    return Exit.VERIFY_FAILED if any(check.get("status") == "fail" for check in checks) else Exit.OK


def checks_of(story: Story) -> list[tuple[str, dict[str, Any]]]:
    """All checks with their hosts."""
    return [
        (result.host, check)
        for result in story.ours("verify")
        for check in result.res.get("checks") or []
        if isinstance(check, dict)
    ]


def show(run: Run) -> None:
    """The table of each server, failures with their remedy; then how many passed."""
    from rich.text import Text

    checks = checks_of(run.story)
    hosts = list(dict.fromkeys(host for host, _check in checks))
    width = max(WIDTH, min(run.console.width, WIDEST)) if run.console.is_terminal else WIDTH
    for host in hosts:
        mine = [check for owner, check in checks if owner == host]
        title_width = title_column(mine, width)
        if len(hosts) > 1:
            run.console.print(f"\n{host}", style="bold", markup=False)
        for check in mine:
            style = STYLES.get(str(check.get("status")), "")
            head, *below = (run.redactor.text(line) for line in check_lines(check, width, title_width))
            run.console.print(Text.assemble((head[:MARK_WIDTH], style), head[MARK_WIDTH:]), soft_wrap=True)
            for line in below:
                run.console.print(line, style="dim" if check.get("status") == "pass" else "", soft_wrap=True)
    run.console.print(counts_line([check for _host, check in checks], run.code))


def title_column(checks: list[dict[str, Any]], width: int) -> int:
    """How wide the column of titles is: as its longest, as long as more than a third is left for evidence."""
    widest = (width - INDENT) * 5 // 9
    return max((len(_title(check)) for check in checks if len(_title(check)) <= widest), default=widest)


def check_lines(check: dict[str, Any], width: int, title_width: int) -> list[str]:
    """One check: mark, group, title and evidence in columns; evidence that does not fit stands below the title."""
    status, title = str(check.get("status")), _title(check)
    lead = f"{MARKS.get(status, status):<{MARK_WIDTH}} {clip(str(check.get('group', '')), GROUP_WIDTH):<{GROUP_WIDTH}} "
    evidence = " ".join(str(check.get("evidence") or "").split())
    lines = _wrapped(title, width, lead) or [lead.rstrip()]
    if len(title) <= title_width and len(evidence) <= width - INDENT - title_width - 2:
        lines = [f"{lead}{title:<{title_width}}  {evidence}".rstrip()]
    else:
        lines += _wrapped(evidence, width)
    if status in {"fail", "warn"} and check.get("remedy"):
        lines += _wrapped(f"Remedy: {check['remedy']}", width)
    return lines


def _title(check: dict[str, Any]) -> str:
    return " ".join(str(check.get("title") or check.get("id") or "").split())


def _wrapped(text: str, width: int, lead: str = " " * INDENT) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=lead,
        subsequent_indent=" " * INDENT,
        break_on_hyphens=False,
    )


def counts_line(checks: list[dict[str, Any]], code: Exit) -> str:
    """`41 of 42 checks pass.   exit 3`."""
    counts = {status: sum(1 for check in checks if check.get("status") == status) for status in MARKS}
    line = f"{counts['pass']} of {plural(len(checks), 'check')} pass"
    line += "".join(
        f", {counts[status]} {word}" for status, word in (("warn", "warn"), ("skip", "skipped")) if counts[status]
    )
    return f"{line}.{'' if code is Exit.OK else f'   exit {int(code)}'}"


def _json(run: Run) -> None:
    """Each check on a line of its own, then the counts."""
    checks = checks_of(run.story)
    for host, check in checks:
        write_json({"event": "check", "host": host, **check}, run.redactor)
    counts = {status: sum(1 for _host, check in checks if check.get("status") == status) for status in MARKS}
    write_json(
        {"event": "done", "verb": "verify", "exit": int(run.code), "checks": len(checks), **counts},
        run.redactor,
    )
