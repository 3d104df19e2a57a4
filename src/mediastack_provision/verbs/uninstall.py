"""`uninstall`: remove the stack, keep the data, and name what was kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediastack_provision import inventories
from mediastack_provision.execute import Verb, can_ask, run_verb
from mediastack_provision.exits import Exit, UserError
from mediastack_provision.project import find_project
from mediastack_provision.verbs.apply import finish

if TYPE_CHECKING:
    from mediastack_provision.options import Options

UNINSTALL = Verb(name="uninstall", playbook="uninstall", extra_vars={"stack_uninstall_confirmed": True})


def run(options: Options, *, yes: bool) -> Exit:
    """Ask, then remove."""
    inventory = inventories.select(find_project(), options.inventory)
    if not yes and not confirmed(inventories.name_of(inventory)):
        return Exit.OK
    done = run_verb(UNINSTALL, options)
    if not options.as_json:
        for line in done.story.said:
            done.console.print(done.redactor.text(line), markup=False, soft_wrap=True)
    finish(done, options, next_step="Put it back: mediastack-provision apply")
    return done.code


def confirmed(name: str) -> bool:
    """Whether the owner types yes.

    Raises:
        UserError: when there is nobody to ask.

    """
    import typer

    if not can_ask():
        raise UserError("uninstall asks before it removes the stack; without a terminal, say --yes.")
    text = f"Remove the stack of inventory {name!r}? Media, settings and keys stay"
    return bool(typer.confirm(text, default=False))
