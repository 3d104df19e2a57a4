"""Options that several verbs take; each is declared once."""

import inspect
from pathlib import Path
from typing import Annotated, Any

import typer


def _known_inventories() -> list[str]:
    from mediastack_provision import inventories
    from mediastack_provision.project import find_project

    return list(inventories.known(find_project()))


_SERVER = "Which servers, which parts"
_ACCESS = "Passwords"

Inventory = Annotated[
    str | None,
    typer.Option(
        "--inventory",
        "-i",
        help="Inventory: a path, or a name in inventories/. Not needed when there is only one of yours.",
        envvar="MEDIASTACK_INVENTORY",
        show_envvar=False,
        autocompletion=_known_inventories,
        rich_help_panel=_SERVER,
    ),
]
Limit = Annotated[
    str | None,
    typer.Option("--limit", "-l", help="Only these hosts (Ansible pattern).", rich_help_panel=_SERVER),
]
Tags = Annotated[
    list[str] | None,
    typer.Option("--tags", "-t", help="Only these roles or phases; repeat or use commas.", rich_help_panel=_SERVER),
]
VaultFile = Annotated[
    Path | None,
    typer.Option("--vault-password-file", help="File that holds the vault password.", rich_help_panel=_ACCESS),
]
AskVault = Annotated[
    bool, typer.Option("--ask-vault-pass", "-J", help="Ask for the vault password.", rich_help_panel=_ACCESS)
]
AskBecome = Annotated[
    bool, typer.Option("--ask-become-pass", "-K", help="Ask for the sudo password.", rich_help_panel=_ACCESS)
]
Json = Annotated[bool, typer.Option("--json", help="For machines: one JSON object per line on stdout.")]
Verbose = Annotated[int, typer.Option("--verbose", "-v", count=True, help="Show tasks and what Ansible says; repeat.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Number = Annotated[int, typer.Option("--number", "-n", help="How many runs to list.", min=1)]
Instances = Annotated[
    list[str] | None, typer.Argument(help="Instances, for instance radarr; all of them if none is named.")
]


def _parameter(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


COMMON = (
    _parameter("inventory", Inventory),
    _parameter("limit", Limit),
    _parameter("tags", Tags),
    _parameter("vault_password_file", VaultFile),
    _parameter("ask_vault_pass", AskVault, default=False),
    _parameter("ask_become_pass", AskBecome, default=False),
    _parameter("as_json", Json, default=False),
    _parameter("verbosity", Verbose, default=0),
)
