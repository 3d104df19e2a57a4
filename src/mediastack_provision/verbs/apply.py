"""`apply`: make the server what the inventory says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mediastack_provision import plan_view
from mediastack_provision.execute import Verb, run_verb, summary_line
from mediastack_provision.exits import Exit
from mediastack_provision.progress import write_json
from mediastack_provision.verbs import validate

if TYPE_CHECKING:
    from mediastack_provision.execute import Run
    from mediastack_provision.options import Options

WIDTH = 80
APPLY = Verb(name="apply", playbook="apply")


def run(options: Options) -> Exit:
    """Validate here first, then run the playbook, then say what changed and what to do next."""
    validate.require(options)
    done = run_verb(APPLY, options)
    if not options.as_json:
        show_services(done)
    finish(done, options, next_step="Prove it: mediastack-provision verify")
    return done.code


def show_services(run: Run) -> None:
    """What became of each service that changed."""
    for plan in plan_view.plans(run.story):
        services = [change for change in plan.changes if change.kind == "service"]
        for line in plan_view.lines(replace(plan, changes=tuple(services)), WIDTH):
            run.console.print(run.redactor.text(line), markup=False, soft_wrap=True)


def finish(run: Run, options: Options, next_step: str) -> None:
    """The last lines of a run that changes something."""
    if options.as_json:
        body = {
            "event": "done",
            "verb": run.verb,
            "exit": int(run.code),
            "changed": run.story.changed,
            "failed": len(run.story.failures),
            "seconds": round(run.story.seconds, 1),
            "record": run.record,
        }
        write_json(body, run.redactor)
        return
    if run.code in {Exit.INVALID, Exit.BUSY, Exit.INTERRUPTED}:
        return
    run.console.print(summary_line(run), style="bold" if run.code is Exit.OK else "bold red")
    run.console.print(f"Record: mediastack-provision history show {run.record}" if run.record else "")
    if run.code is Exit.OK:
        run.console.print(next_step)
