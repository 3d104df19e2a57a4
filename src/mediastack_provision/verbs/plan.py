"""`plan`: what apply would do. Check mode on the server, summarised."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from mediastack_provision import plan_view
from mediastack_provision.execute import Verb, run_verb
from mediastack_provision.exits import Exit
from mediastack_provision.progress import write_json
from mediastack_provision.verbs import validate
from mediastack_provision.words import seconds

if TYPE_CHECKING:
    from mediastack_provision.events import Story
    from mediastack_provision.execute import Run
    from mediastack_provision.options import Options

PLAN = Verb(name="plan", playbook="apply", check=True, diff=True, recorded=False, quiet=True)
WIDTH = 80
STYLES = {"+": "green", "~": "yellow", "-": "red", "!": "cyan"}
DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def run(options: Options, *, diff: bool) -> Exit:
    """Predict, and say what and why; with `diff` every line."""
    validate.require(options)
    done = run_verb(PLAN, options, judge)
    if options.as_json:
        _json(done, diff=diff)
    elif done.code in {Exit.OK, Exit.CHANGES} and done.story.hosts:
        show(done, diff=diff)
    return done.code


def judge(story: Story) -> Exit:
    """Whether anything would change."""
    return Exit.CHANGES if any(plan.changes for plan in plan_view.plans(story)) else Exit.OK


def show(run: Run, *, diff: bool) -> None:
    """The plan of each server, then what to do next."""
    found = plan_view.plans(run.story)
    if diff:
        for line in plan_view.diff_lines(run.story.results):
            style = DIFF_STYLES.get(line[:1], "")
            run.console.print(run.redactor.text(line), style=style, markup=False, soft_wrap=True)
    for plan in found:
        took = seconds(run.story.seconds)
        run.console.print(f"{plan.heading}{took:>{max(2, WIDTH - len(plan.heading))}}", style="bold", markup=False)
        for line in plan_view.lines(plan, WIDTH):
            style = STYLES.get(line[2:3], "")
            run.console.print(run.redactor.text(line), style=style, markup=False, soft_wrap=True)
    run.console.print(plan_view.conclusion(found))
    if run.code is Exit.CHANGES:
        see = "" if diff else "See every line: plan --diff      "
        run.console.print(f"{see}Do it: apply")


def _json(run: Run, *, diff: bool) -> None:
    found = plan_view.plans(run.story)
    for plan in found:
        changes = [asdict(change) for change in plan.changes]
        body = {"event": "plan", "host": plan.host, "changes": changes, "notices": list(plan.notices)}
        write_json(body, run.redactor)
    if diff:
        write_json({"event": "diff", "text": "\n".join(plan_view.diff_lines(run.story.results))}, run.redactor)
    count = sum(len(plan.changes) for plan in found)
    write_json({"event": "done", "verb": "plan", "exit": int(run.code), "changes": count}, run.redactor)
