"""From a verb to an exit code: prepare the job, run it with progress, record it, and say how it ended."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mediastack_provision import history, inventories, progress, runner, vault
from mediastack_provision.events import OURS, Story
from mediastack_provision.exits import Exit, UserError
from mediastack_provision.interrupt import Interrupt
from mediastack_provision.project import find_project, import_collection, turns
from mediastack_provision.redact import Redactor
from mediastack_provision.words import plural, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from rich.console import Console

    from mediastack_provision.options import Options
    from mediastack_provision.project import Project

# A failure of one of these means that what the owner wrote cannot be done; nothing was touched.
INPUT_CHECKS = frozenset({OURS + "resolve", OURS + "secrets", OURS + "preflight"})
LEASE = OURS + "lease"
ANSIBLE_ONLY = frozenset({"--list-tasks", "--list-hosts", "--list-tags", "--syntax-check", "--version", "--help"})
PROMPTS = ("Vault password:", "BECOME password:")
OUTPUT_LINES = 30  # of Ansible's own words, when a run failed outside of any task


@dataclass(frozen=True)
class Verb:
    """What distinguishes one verb's run from another's."""

    name: str
    playbook: str
    check: bool = False
    diff: bool = False
    recorded: bool = True
    quiet: bool = False  # no progress in the output: the verb prints one table at the end
    extra_vars: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """A finished run."""

    verb: str
    story: Story
    code: Exit
    inventory: Path
    redactor: Redactor
    console: Console
    record: str | None = None


def run_verb(verb: Verb, options: Options, judge: Callable[[Story], Exit] = lambda _story: Exit.OK) -> Run:
    """Run a verb's playbook and report it.

    Args:
        verb: what to run
        options: the command line
        judge: the code of a run that Ansible itself ended well

    Raises:
        UserError: for everything the owner can mend before a server is reached.

    """
    project = find_project()
    inventory = inventories.select(project, options.inventory)
    job = make_job(verb, options, project, inventory)
    redactor = Redactor(filter(None, (job.vault.password, job.become_password)))
    import_collection(project)
    console, errors = consoles(options)
    reporter = progress.make(
        errors if verb.quiet and not options.as_json else console,
        redactor,
        check=verb.check,
        verbosity=options.verbosity,
        as_json=options.as_json,
    )
    story, interrupt = Story(turns(job.playbook)), Interrupt(lambda count: reporter.say(CTRL_C[min(count, 2)]))
    outcome = _follow(job, project, story, reporter, interrupt, hidden=verb.quiet)
    code = exit_code(story, outcome, interrupted=interrupt.count > 0, judged=judge)
    if code is Exit.OK and not story.hosts and ANSIBLE_ONLY.isdisjoint(options.passthrough):
        code = Exit.INVALID
    _say_why(story, code, errors, redactor, options, cut_off=interrupt.count > 1)
    record = None
    if verb.recorded:
        body = history.compose(
            story,
            verb=verb.name,
            inventory=inventory,
            options=options.for_record(),
            code=code,
            commit=history.commit_of(inventory),
        )
        record = history.save(body, inventory, redactor)
    return Run(verb.name, story, code, inventory, redactor, console, record)


CTRL_C = {
    1: "Stopping when the running task is done. Ctrl-C again: stop now.",
    2: "Stopping now: the running task is cut off.",
}


def _follow(  # noqa: PLR0913  it ties everything together
    job: runner.Job,
    project: Project,
    story: Story,
    reporter: progress.Reporter,
    interrupt: Interrupt,
    *,
    hidden: bool,
) -> runner.Outcome:
    live = not hidden or isinstance(reporter, progress.JsonReporter | progress.LiveReporter)

    def on_event(event: dict[str, Any]) -> None:
        for step in story.feed(event):
            if live and not (hidden and step.kind == "phase_end"):
                reporter.step(step)

    try:
        return runner.run(job, project, on_event, interrupt)
    finally:
        reporter.close()


def make_job(verb: Verb, options: Options, project: Project, inventory: Path) -> runner.Job:
    """The job of a verb, with the passwords it needs: asked for here, before anything starts."""
    ask = prompt("Vault password") if can_ask() else None
    return runner.Job(
        playbook=project.playbook(verb.playbook),
        inventory=inventory,
        limit=options.limit,
        tags=options.tags,
        check=verb.check,
        diff=verb.diff,
        verbosity=max(0, options.verbosity - 1),
        extra_vars=verb.extra_vars,
        vault=vault.find_source(inventory, options.vault_password_file, ask, forced=options.ask_vault_pass),
        become_password=become_password(options),
        passthrough=options.passthrough,
    )


def become_password(options: Options) -> str | None:
    """The sudo password, when `-K` asks for it.

    Raises:
        UserError: when there is no terminal to ask at.

    """
    if not options.ask_become_pass:
        return None
    if not can_ask():
        raise UserError(
            "-K asks for the sudo password, and there is no terminal to ask at.\n"
            "Use password-less sudo, or set ansible_become_password_file in the inventory's hosts.yml."
        )
    return prompt("Password for sudo on the server")()


def can_ask() -> bool:
    """Whether somebody sits at a terminal."""
    return sys.stdin.isatty()


def prompt(text: str) -> Callable[[], str]:
    """A function that asks for a password without showing it."""

    def ask() -> str:
        import typer

        return str(typer.prompt(text, hide_input=True, err=True))

    return ask


def consoles(options: Options) -> tuple[Console, Console]:
    """Where results go, and where progress and errors go. With --json stdout is for machines alone."""
    from rich.console import Console

    errors = Console(stderr=True, highlight=False)
    return (errors if options.as_json else Console(highlight=False)), errors


def exit_code(story: Story, outcome: runner.Outcome, *, interrupted: bool, judged: Callable[[Story], Exit]) -> Exit:
    """The exit code of a run. The cause that came first decides."""
    if interrupted:
        return Exit.INTERRUPTED
    actions = {failure.action for failure in story.failures}
    if LEASE in actions:
        return Exit.BUSY
    if actions and actions <= INPUT_CHECKS:
        return Exit.INVALID
    if outcome.rc != 0 or outcome.status != "successful":
        return Exit.FAILED if story.phases else Exit.INVALID  # ended before the first task: nothing was touched
    return judged(story)


def _say_why(  # noqa: PLR0913
    story: Story, code: Exit, errors: Console, redactor: Redactor, options: Options, *, cut_off: bool
) -> None:
    """Print what went wrong, to people and on stderr."""
    for line in dict.fromkeys(_failure_blocks(story, redactor)):
        errors.print(line, markup=False, soft_wrap=True)
    if not ANSIBLE_ONLY.isdisjoint(options.passthrough):
        sys.stdout.write("\n".join(story.output) + "\n")
    elif code in {Exit.INVALID, Exit.FAILED} and not story.failures:
        lines = [line for line in story.output if not line.startswith(PROMPTS)]
        for line in lines[-OUTPUT_LINES:]:
            errors.print(redactor.text(line), markup=False, soft_wrap=True)
        if not story.hosts and not any("ERROR" in line for line in lines):
            errors.print("No server was reached. Is one in the group `mediastack`, and does --limit leave it?")
    elif code is Exit.INTERRUPTED:
        for line in interrupted_lines(story, cut_off=cut_off):
            errors.print(line, markup=False)


def interrupted_lines(story: Story, *, cut_off: bool) -> list[str]:
    """What an interrupted run did and did not do."""
    done = [f"  {result.where}" for result in story.results if result.changed]
    lines = [f"Interrupted after {seconds(story.seconds)}."]
    lines += ["Changed so far:", *done] if done else ["Nothing was changed."]
    lines.append(undone(story, cut_off=cut_off))
    return [*lines, "Running the same again continues where this one stopped."]


def _failure_blocks(story: Story, redactor: Redactor) -> list[str]:
    """Each failure as one text; what our input checks say is complete, and the same for all hosts."""
    return [
        redactor.message(failure.message)
        if failure.action in INPUT_CHECKS
        else "\n".join(progress.failure_lines(failure, redactor))
        for failure in story.failures
    ]


def undone(story: Story, *, cut_off: bool) -> str:
    """Where an interrupted run stood."""
    if story.current is None or not story.current.task:
        return "Not done: everything; no task had begun."
    where = f"{story.current.name} · {story.current.task}"
    if cut_off:
        return f"Cut off in the middle of: {where}. Nothing after it was begun."
    return f"Not done: {where}, and all that comes after it."


def summary_line(run: Run) -> str:
    """`Done in 38 s: 4 changed, 0 failed.`."""
    story = run.story
    failed = len(story.failures)
    hosts = f" on {plural(len(story.hosts), 'server')}" if len(story.hosts) > 1 else ""
    verb = "Done" if run.code is Exit.OK else "Ended"
    return f"{verb} in {seconds(story.seconds)}{hosts}: {story.changed} changed, {failed} failed."
