"""`validate`: judge the inventory on this machine, with what every run uses; no server is contacted."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from mediastack_provision import inventories, plan_view
from mediastack_provision.execute import Verb, run_verb
from mediastack_provision.exits import Exit, UserError
from mediastack_provision.progress import write_json
from mediastack_provision.project import display, find_project, import_collection
from mediastack_provision.words import clip, plural

if TYPE_CHECKING:
    from pathlib import Path

    from mediastack_provision.execute import Run
    from mediastack_provision.options import Options

# Check mode: missing secrets are noticed, none is made.
VALIDATE = Verb(name="validate", playbook="validate", check=True, recorded=False, quiet=True)
YAML = (".yml", ".yaml")


def run(options: Options) -> Exit:
    """Read every file, then resolve the choices of every server."""
    require(options)
    done = run_verb(VALIDATE, options)
    if options.as_json:
        _json(done)
    elif done.code is Exit.OK:
        show(done)
    return done.code


def require(options: Options) -> None:
    """Refuse files that cannot be read, before Ansible stumbles over them in its own words.

    Raises:
        UserError: with every problem: place, what is wrong, remedy.

    """
    project = find_project()
    inventory = inventories.select(project, options.inventory)
    import_collection(project)
    from ansible_collections.mediastack.core.plugins.plugin_utils.errors import report
    from ansible_collections.mediastack.core.plugins.plugin_utils.positions import read_positions

    problems = [problem for path in yaml_files(inventory) for problem in read_positions(display(path)).problems]
    if problems:
        raise UserError(report(problems))


def yaml_files(inventory: Path) -> list[Path]:
    """Every YAML file that Ansible would read as part of the inventory."""
    if inventory.is_file():
        return [inventory] if inventory.suffix in YAML else []
    top = [path for path in inventory.iterdir() if path.is_file()]
    below = [path for name in ("group_vars", "host_vars", "services") for path in (inventory / name).rglob("*")]
    hidden = [path for path in [*top, *below] if path.suffix in YAML and path.is_file()]
    return sorted(path for path in hidden if not path.name.startswith("."))


def show(run: Run) -> None:
    """One line per server, and what its owner should know."""
    for host in sorted(run.story.hosts):
        results = [result for result in run.story.results if result.host == host]
        stack = plan_view.fact(results, "resolve", "mediastack_stack")
        run.console.print(f"{host} · {plural(len(stack.get('instances') or {}), 'service')}", markup=False)
        for notice in stack.get("notices") or []:
            run.console.print(f"  ! {clip(str(notice), 76)}", markup=False)
    run.console.print("No problem found.")


def _json(run: Run) -> None:
    """Each problem as data, then the verdict."""
    problems = {problem: None for failure in run.story.failures for problem in problems_of(failure.message)}
    for place, text in problems:
        fields = {"event": "problem", "place": place, "text": run.redactor.message(text)}
        sys.stdout.write(json.dumps(fields, ensure_ascii=False) + "\n")
    body = {"event": "done", "verb": "validate", "exit": int(run.code), "problems": len(problems)}
    write_json(body, run.redactor)


def problems_of(message: str) -> list[tuple[str, str]]:
    """(place, text) of each problem in a report: a place at the margin, what is wrong indented below it."""
    found: list[tuple[str, str]] = []
    for line in message.splitlines():
        if not line.startswith(" "):
            found.append((line, ""))
        elif found:
            place, text = found[-1]
            found[-1] = (place, f"{text} {line.strip()}".strip())
        else:
            found.append(("", line.strip()))
    return [(place, text) for place, text in found if text] or [("", message)]
