"""The command line. Only what `--help` needs is imported here; each verb imports its own when it runs."""

import inspect
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from mediastack_provision import __version__
from mediastack_provision.cli_options import (
    COMMON,
    Instances,
    Inventory,
    Json,
    Number,
    VaultFile,
    Yes,
)
from mediastack_provision.cli_sandbox import sandbox_app
from mediastack_provision.exits import MEANINGS, Exit, UserError
from mediastack_provision.options import Options

UsageError: Any = typer.BadParameter.__mro__[1]
PASSTHROUGH = "mediastack.passthrough"
EXIT_CODES = "\n".join(
    [
        " Exit codes",
        *(f" {int(code):>4}  {meaning}" for code, meaning in MEANINGS.items()),
        "",
        " Options of ansible-playbook can follow after --, as in: apply -- --forks 5",
    ]
)


class Root(typer.core.TyperGroup):
    """Keeps what follows `--` for Ansible, and gives usage errors the code for invalid input."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Split the arguments before anything parses them."""
        own, passthrough = split_arguments(args)
        extra["obj"] = {PASSTHROUGH: tuple(passthrough)}
        return self._as_invalid(lambda: super(Root, self).make_context(info_name, own, parent, **extra))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Add the exit codes: a table, which an epilog would reflow."""
        super().format_help(ctx, formatter)
        typer.echo(EXIT_CODES)

    def invoke(self, ctx: Any) -> Any:
        """Run the verb; a mistake of the owner is a message and not a traceback."""
        try:
            return self._as_invalid(lambda: super(Root, self).invoke(ctx))
        except UserError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(int(error.code)) from error
        except BrokenPipeError:
            os._exit(int(Exit.OK))  # the reader of our output has seen enough

    @staticmethod
    def _as_invalid(action: Callable[[], Any]) -> Any:
        try:
            return action()
        except UsageError as error:
            error.exit_code = int(Exit.INVALID)
            raise


def split_arguments(args: Sequence[str]) -> tuple[list[str], list[str]]:
    """What is ours, and what stands after the first `--`."""
    words = list(args)
    if "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mediastack {__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=Root,
    name="mediastack-provision",
    help="A bare Linux server becomes a hardened, VPN-safe, fully wired home media stack.\n\n"
    "Begin with [bold]init[/bold]; look before you leap with [bold]plan[/bold]; [bold]apply[/bold] does it; "
    "[bold]verify[/bold] proves it. Try it without a server: [bold]sandbox up[/bold].",
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

CHANGE, LOOK, MORE = "Set up and change", "Look", "More"


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that belong to no verb."""


def server_verb(panel: str, *without: str) -> Callable[[Callable[..., int]], Callable[..., None]]:
    """Add a verb whose function takes `options` and its own parameters; the common ones are declared once.

    Args:
        panel: the part of `--help` it is listed in
        without: common parameters that mean nothing to it

    """

    def decorate(function: Callable[..., int]) -> Callable[..., None]:
        common = [parameter for parameter in COMMON if parameter.name not in without]
        own = [
            parameter for parameter in inspect.signature(function).parameters.values() if parameter.name != "options"
        ]

        def command(ctx: typer.Context, **given: Any) -> None:
            values = {parameter.name: given.pop(parameter.name) for parameter in common}
            tags = tuple(part for word in values.pop("tags", None) or () for part in word.split(",") if part)
            passthrough = tuple(ctx.find_root().obj[PASSTHROUGH])
            _end(function(Options(tags=tags, passthrough=passthrough, **values), **given))

        context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
        parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        command.__signature__ = inspect.Signature([context, *parameters, *common])  # type: ignore[attr-defined]
        command.__doc__ = function.__doc__
        app.command(function.__name__.rstrip("_"), rich_help_panel=panel)(command)
        return command

    return decorate


@app.command(rich_help_panel=CHANGE)
def init(  # noqa: PLR0913, PLR0917  one flag per question
    inventory: Annotated[
        str | None,
        typer.Option("--inventory", "-i", help="Where to write it: a path or a name. Default: home."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address or name of the server; `local` for this one.")] = None,
    user: Annotated[str | None, typer.Option(help="User to log in as over SSH.")] = None,
    timezone: Annotated[str | None, typer.Option(help="Time zone, for instance Europe/Berlin.")] = None,
    media_root: Annotated[str | None, typer.Option(help="Folder for downloads and library.")] = None,
    domain: Annotated[str | None, typer.Option(help="Domain under which services get their names.")] = None,
    vpn: Annotated[str | None, typer.Option(help="VPN provider as gluetun calls it; `none` for no VPN.")] = None,
    vpn_type: Annotated[str | None, typer.Option(help="wireguard or openvpn.")] = None,
    vpn_country: Annotated[str | None, typer.Option(help="Country of the VPN server.")] = None,
    vpn_endpoint: Annotated[str | None, typer.Option(help="With `--vpn custom`: the server's address:port.")] = None,
    vpn_public_key: Annotated[str | None, typer.Option(help="With `--vpn custom`: the server's public key.")] = None,
    vpn_address: Annotated[
        str | None, typer.Option(help="With `--vpn custom`: your own address in the tunnel.")
    ] = None,
    vpn_key_file: Annotated[
        Path | None, typer.Option(help="File that holds the WireGuard private key; `-` reads it from stdin.")
    ] = None,
    service: Annotated[list[str] | None, typer.Option(help="Service to run; repeat. Default: the usual ones.")] = None,
    non_interactive: Annotated[
        bool, typer.Option("--non-interactive", help="Ask nothing: flags and defaults decide.")
    ] = False,
    vault_password_file: VaultFile = None,
) -> None:
    """Write an inventory: a wizard, or flags. It never overwrites a file."""
    from mediastack_provision.verbs import init as verb

    answers = {
        "host": host,
        "user": user,
        "timezone": timezone,
        "media_root": media_root,
        "domain": domain,
        "vpn": vpn,
        "vpn_type": vpn_type,
        "vpn_country": vpn_country,
        "vpn_endpoint": vpn_endpoint,
        "vpn_public_key": vpn_public_key,
        "vpn_address": vpn_address,
        "services": tuple(service) if service else None,
    }
    given = {name: value for name, value in answers.items() if value is not None}
    _end(verb.run(inventory, given, vpn_key_file, vault_password_file, interactive=not non_interactive))


@server_verb(CHANGE, "tags", "ask_become_pass")
def validate(options: Options) -> int:
    """Check the inventory on this machine; no server is contacted."""
    from mediastack_provision.verbs import validate as verb

    return verb.run(options)


@server_verb(CHANGE)
def plan(
    options: Options,
    diff: Annotated[bool, typer.Option("--diff", help="Show every line that would change.")] = False,
) -> int:
    """Show what apply would do, service by service. Nothing is touched. Exit code 2: there are changes."""
    from mediastack_provision.verbs import plan as verb

    return verb.run(options, diff=diff)


@server_verb(CHANGE)
def apply(options: Options) -> int:
    """Make the server what the inventory says. Running it again changes nothing."""
    from mediastack_provision.verbs import apply as verb

    return verb.run(options)


@server_verb(CHANGE)
def harden(
    options: Options,
    check: Annotated[bool, typer.Option("--check", help="Only show what it would do. Exit code 2: changes.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="As --check, with every line that would change.")] = False,
) -> int:
    """Make the server hard to get into, and keep traffic in the tunnel. What locks you out is undone."""
    from mediastack_provision.verbs import harden as verb

    return verb.run(options, check=check, diff=diff)


@server_verb(LOOK, "tags")
def verify(options: Options) -> int:
    """Prove on the server that the stack is what it should be. Exit code 3 when a check fails."""
    from mediastack_provision.verbs import verify as verb

    return verb.run(options)


@server_verb(LOOK, "tags")
def audit(
    options: Options,
    install: Annotated[
        bool, typer.Option("--install", help="Install auditors that are missing, for the length of the run.")
    ] = False,
) -> int:
    """Ask ssh-audit, Lynis and OpenSCAP about the server. Exit code 3 when a figure is too low."""
    from mediastack_provision.verbs import audit as verb

    return verb.run(options, install=install)


@server_verb(LOOK, "tags")
def status(options: Options) -> int:
    """Show what runs, where it answers, and what the applications say."""
    from mediastack_provision.verbs import status as verb

    return verb.run(options)


@server_verb(LOOK, "tags")
def logs(
    options: Options,
    instances: Instances = None,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many lines of each.", min=1)] = 100,
) -> int:
    """Show the last lines that instances logged."""
    from mediastack_provision.verbs import instances as verb

    return verb.logs(tuple(instances or ()), options, lines)


@server_verb(CHANGE, "tags")
def start(options: Options, instances: Instances = None) -> int:
    """Start instances, or all of them."""
    from mediastack_provision.verbs import instances as verb

    return verb.change("start", tuple(instances or ()), options)


@server_verb(CHANGE, "tags")
def stop(options: Options, instances: Instances = None) -> int:
    """Stop instances, or all of them. Nothing is removed."""
    from mediastack_provision.verbs import instances as verb

    return verb.change("stop", tuple(instances or ()), options)


@server_verb(CHANGE, "tags")
def restart(options: Options, instances: Instances = None) -> int:
    """Restart instances, or all of them."""
    from mediastack_provision.verbs import instances as verb

    return verb.change("restart", tuple(instances or ()), options)


@server_verb(CHANGE, "tags")
def uninstall(options: Options, yes: Yes = False) -> int:
    """Remove the stack from the server. Data and the applications' settings stay, and are named."""
    from mediastack_provision.verbs import uninstall as verb

    return verb.run(options, yes=yes)


history_app = typer.Typer(no_args_is_help=False, help="What was run, when, by whom, and how it ended.")
app.add_typer(history_app, name="history", rich_help_panel=LOOK)


@history_app.callback(invoke_without_command=True)
def history_main(ctx: typer.Context, inventory: Inventory = None, as_json: Json = False, number: Number = 20) -> None:
    """What was run, when, by whom, and how it ended."""
    if ctx.invoked_subcommand is None:
        history_list(inventory, as_json=as_json, number=number)


@history_app.command("list")
def history_list(inventory: Inventory = None, as_json: Json = False, number: Number = 20) -> None:
    """List runs, the newest last."""
    from mediastack_provision.verbs import history as verb

    _end(verb.listing(inventory, number, as_json=as_json))


@history_app.command("show")
def history_show(
    identity: Annotated[str, typer.Argument(metavar="ID", help="The run's id, as `history list` shows it.")],
    inventory: Inventory = None,
    as_json: Json = False,
) -> None:
    """Show one run: what changed, what failed."""
    from mediastack_provision.verbs import history as verb

    _end(verb.show(inventory, identity, as_json=as_json))


app.add_typer(sandbox_app, name="sandbox", rich_help_panel=MORE)


@app.command(rich_help_panel=MORE)
def completion(
    shell: Annotated[str, typer.Argument(help="bash, zsh, fish or powershell.")] = "bash",
) -> None:
    """Print the shell's completion script: eval "$(mediastack-provision completion bash)"."""
    from typer._completion_shared import get_completion_script

    if shell not in {"bash", "zsh", "fish", "powershell", "pwsh"}:
        raise typer.BadParameter(f"there is no completion for {shell!r}; there is for bash, zsh, fish, powershell")
    script = get_completion_script(
        prog_name="mediastack-provision", complete_var="_MEDIASTACK_PROVISION_COMPLETE", shell=shell
    )
    typer.echo(script)


def _end(code: int) -> None:
    raise typer.Exit(int(code))
