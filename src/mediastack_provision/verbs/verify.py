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
MARKS = {"pass": "ok  ", "fail": "FAIL", "warn": "warn", "skip": "skip"}
STYLES = {"pass": "green", "fail": "bold red", "warn": "yellow", "skip": "dim"}
GROUP_WIDTH = 10
WIDTH = 80
SHORTEST_EVIDENCE = 24  # with less room, it goes on a line of its own


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
    """The table: one or two lines per check, failures with their remedy."""
    from rich.text import Text

    checks = checks_of(run.story)
    several = len({host for host, _check in checks}) > 1
    width = max(WIDTH, min(run.console.width, 120)) if run.console.is_terminal else WIDTH
    for host, check in checks:
        status = str(check.get("status"))
        for number, line in enumerate(check_lines(check, width, host if several else "")):
            text = Text(run.redactor.text(line))
            if number == 0:
                text.stylize(STYLES.get(status, ""), 0, len(MARKS["pass"]))
            run.console.print(text, soft_wrap=True)
    run.console.print(counts_line([check for _host, check in checks], run.code))


def check_lines(check: dict[str, Any], width: int, host: str = "") -> list[str]:
    """One check: mark, group, title and evidence on a line if they fit, else the evidence below."""
    status = str(check.get("status"))
    group = clip(f"{host} {check.get('group', '')}".strip(), GROUP_WIDTH + len(host))
    head = f"{MARKS.get(status, status)} {group:<{GROUP_WIDTH}} {check.get('title', check.get('id', ''))}"
    evidence = " ".join(str(check.get("evidence") or "").split())
    indent = " " * (len(MARKS["pass"]) + GROUP_WIDTH + 2)
    room = width - len(head) - 2
    if len(evidence) <= room:
        lines = [f"{head}  {evidence}".rstrip()]
    elif status == "pass" and room >= SHORTEST_EVIDENCE:
        lines = [f"{head}  {clip(evidence, room)}"]
    elif status == "pass":
        lines = [head, indent + clip(evidence, width - len(indent))]
    else:
        lines = [head, *_wrapped(evidence, width, indent)]
    if status in {"fail", "warn"} and check.get("remedy"):
        lines += _wrapped(f"Remedy: {check['remedy']}", width, indent)
    return lines


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
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
