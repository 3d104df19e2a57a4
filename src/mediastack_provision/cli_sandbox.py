"""`sandbox …`: a thin layer over mediastack_provision.sandbox."""

from typing import Annotated

import typer

sandbox_app = typer.Typer(no_args_is_help=True, help="A server to try things on: a fresh Debian in a container.")
SandboxName = Annotated[str | None, typer.Argument(metavar="[NAME]", help="The sandbox's name. Default: demo.")]


def _sandbox(*words: str | None) -> None:
    from mediastack_provision.sandbox.__main__ import main as sandbox

    raise typer.Exit(sandbox([word for word in words if word is not None]))


@sandbox_app.command("up")
def sandbox_up(
    name: SandboxName = None,
    release: Annotated[str | None, typer.Option("--os", help="debian12 or debian13.")] = None,
    kind: Annotated[str | None, typer.Option(help="bare, minimal (no python3, no sudo) or engine.")] = None,
) -> None:
    """Make a sandbox, or find the one that runs; prints how to reach it."""
    chosen = [f"--os={release}"] if release else []
    chosen += [f"--kind={kind}"] if kind else []
    _sandbox("up", name, *chosen)


@sandbox_app.command("down")
def sandbox_down(name: SandboxName = None) -> None:
    """Remove a sandbox and all that it made."""
    _sandbox("down", name)


@sandbox_app.command("list")
def sandbox_list() -> None:
    """List the sandboxes."""
    _sandbox("list")


@sandbox_app.command("shell")
def sandbox_shell(name: SandboxName = None) -> None:
    """Open a shell on a sandbox's server."""
    _sandbox("shell", name)
