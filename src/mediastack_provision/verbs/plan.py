"""`plan`: what apply would do. Check mode on the server, summarised."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from mediastack_provision import plan_view
from mediastack_provision.execute import Verb, run_verb
from mediastack_provision.exits import Exit
from mediastack_provision.progress import write_json
from mediastack_provision.verbs import validate
from mediastack_provision.words import seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from mediastack_provision.events import Story
    from mediastack_provision.execute import Run
    from mediastack_provision.options import Options

WIDTH = 80


@dataclass(frozen=True)
class Prediction:
    """What is predicted: the verb, how its story is read, and the words that see more and that do it."""

    verb: Verb
    read: Callable[[Story], list[plan_view.HostPlan]]
    see: str
    do: str


STYLES = {"+": "green", "~": "yellow", "-": "red", "!": "cyan"}
DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}
PLAN = Prediction(
    Verb(name="plan", playbook="apply", check=True, diff=True, recorded=False, quiet=True),
    plan_view.plans,
    see="plan --diff",
    do="apply",
)


def run(options: Options, *, diff: bool) -> Exit:
    """Predict, and say what and why; with `diff` every line."""
    return predict(PLAN, options, diff=diff)


def predict(prediction: Prediction, options: Options, *, diff: bool) -> Exit:
    """Run check mode and print what it found."""
    validate.require(options)
    done = run_verb(prediction.verb, options, lambda story: judge(prediction.read(story)))
    found = prediction.read(done.story)
    if options.as_json:
        _json(done, found, diff=diff)
    elif done.code in {Exit.OK, Exit.CHANGES} and found:
        show(done, found, prediction, diff=diff)
    return done.code


def judge(found: list[plan_view.HostPlan]) -> Exit:
    """Whether anything would change."""
    return Exit.CHANGES if any(plan.changes for plan in found) else Exit.OK


def show(run: Run, found: list[plan_view.HostPlan], prediction: Prediction, *, diff: bool) -> None:
    """The plan of each server, then what to do next."""
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
        see = "" if diff else f"See every line: {prediction.see}      "
        run.console.print(f"{see}Do it: {prediction.do}")


def _json(run: Run, found: list[plan_view.HostPlan], *, diff: bool) -> None:
    for plan in found:
        changes = [asdict(change) for change in plan.changes]
        body = {"event": "plan", "host": plan.host, "changes": changes, "notices": list(plan.notices)}
        write_json(body, run.redactor)
    if diff:
        write_json({"event": "diff", "text": "\n".join(plan_view.diff_lines(run.story.results))}, run.redactor)
    count = sum(len(plan.changes) for plan in found)
    write_json({"event": "done", "verb": run.verb, "exit": int(run.code), "changes": count}, run.redactor)
