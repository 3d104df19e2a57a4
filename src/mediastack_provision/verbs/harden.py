"""`harden`: make the server hard to get into; with `check` only say what that would change."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from mediastack_provision import plan_view
from mediastack_provision.execute import Verb, run_verb
from mediastack_provision.exits import Exit
from mediastack_provision.verbs import plan, validate
from mediastack_provision.verbs.apply import WIDTH, finish

if TYPE_CHECKING:
    from mediastack_provision.execute import Run
    from mediastack_provision.options import Options

HARDEN = Verb(name="harden", playbook="harden")
CHECK = plan.Prediction(
    Verb(name="harden", playbook="harden", check=True, diff=True, recorded=False, quiet=True),
    plan_view.hardening,
    see="harden --diff",
    do="harden",
)


def run(options: Options, *, check: bool, diff: bool) -> Exit:
    """Harden, and say what the roles want the owner to know; `check` and `diff` only predict."""
    if check or diff:
        return plan.predict(CHECK, options, diff=diff)
    validate.require(options)
    done = run_verb(HARDEN, options)
    if not options.as_json:
        show_notices(done)
    finish(done, options, next_step="Prove it: mediastack-provision verify")
    return done.code


def show_notices(run: Run) -> None:
    """What was passed over, and why."""
    found = plan_view.hardening(run.story)
    for host in found:
        lead = f"  ! {host.host}: " if len(found) > 1 else "  ! "
        for notice in host.notices:
            for line in textwrap.wrap(notice, WIDTH, initial_indent=lead, subsequent_indent="    "):
                run.console.print(run.redactor.text(line), markup=False, soft_wrap=True)
