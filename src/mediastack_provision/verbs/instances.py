"""`start`, `stop`, `restart` and `logs`: for all instances, or for those that are named."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from mediastack_provision.events import OURS
from mediastack_provision.execute import Verb, run_verb
from mediastack_provision.exits import Exit
from mediastack_provision.progress import write_json
from mediastack_provision.verbs.apply import finish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mediastack_provision.events import Result
    from mediastack_provision.options import Options

WIDTH = 80
PAST = {"start": "started", "stop": "stopped", "restart": "restarted"}


def change(name: str, instances: tuple[str, ...], options: Options) -> Exit:
    """Start, stop or restart."""
    done = run_verb(Verb(name=name, playbook=name, extra_vars=selection(instances)), options)
    if not options.as_json:
        for line in told(done.story.results):
            done.console.print(line, markup=False, soft_wrap=True)
    finish(done, options, next_step="See what runs: mediastack-provision status")
    return done.code


def told(results: Sequence[Result]) -> list[str]:
    """What became of which instances: `stopped: radarr, sonarr`, at most 80 columns wide."""
    found: dict[str, list[str]] = {}
    for result in results:
        for item in result.res.get("changes") or [] if result.action == OURS + "compose" else []:
            found.setdefault(PAST.get(str(item.get("action")), str(item.get("action"))), []).append(item["instance"])
    return [
        line
        for word, names in found.items()
        for line in textwrap.wrap(f"{word}: {', '.join(names)}", WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    ]


def logs(instances: tuple[str, ...], options: Options, lines: int) -> Exit:
    """Print what the instances logged, each under its name."""
    variables = {**selection(instances), "stack_log_lines": lines}
    done = run_verb(Verb(name="logs", playbook="logs", recorded=False, quiet=True, extra_vars=variables), options)
    for host, name, text in entries(done.story.results):
        if options.as_json:
            write_json({"event": "log", "host": host, "instance": name, "text": text}, done.redactor)
        else:
            done.console.print(f"=== {name} ({host})", markup=False)
            done.console.print(done.redactor.text(text), markup=False, soft_wrap=True)
    return done.code


def selection(instances: tuple[str, ...]) -> dict[str, Any]:
    """The variable by which the playbooks know the named instances."""
    return {"stack_only": list(instances)} if instances else {}


def entries(results: Any) -> list[tuple[str, str, str]]:
    """(host, instance, text) of every log that a playbook returned."""
    found = []
    for result in results:
        logged = result.res.get("logs")
        if isinstance(logged, dict):
            found += [(result.host, str(name), str(text)) for name, text in logged.items()]
    return found
