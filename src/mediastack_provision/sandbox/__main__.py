"""`python -m mediastack_provision.sandbox`: the sandbox without the rest of the wrapper."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mediastack_provision.exits import Exit, UserError
from mediastack_provision.project import display
from mediastack_provision.runner import scripts_dir
from mediastack_provision.sandbox import lifecycle, machine, state
from mediastack_provision.sandbox.docker import find_engine
from mediastack_provision.sandbox.images import KINDS
from mediastack_provision.sandbox.inventory import DEFAULT
from mediastack_provision.sandbox.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence


COMMAND = "mediastack-provision"
VENV = ".venv/bin"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m mediastack_provision.sandbox", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, summary: str, *, named: bool = True) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=summary, description=summary)
        if named:
            added.add_argument("name", nargs="?", default=DEFAULT, help=f"the sandbox's name (default: {DEFAULT})")
        return added

    making = verb("up", "make a sandbox, or find the one that runs")
    making.add_argument("--os", dest="release", choices=sorted(machine.RELEASES), default=machine.DEFAULT_RELEASE)
    making.add_argument(
        "--kind", choices=KINDS, default="bare", help="minimal: no python3, no sudo; engine: Docker baked in"
    )
    making.add_argument("--port", dest="ports", type=int, action="append", default=[], help="publish one more port")
    verb("down", "remove a sandbox")
    verb("shell", "open a shell on a sandbox's server")
    verb("inventory", "print where a sandbox's inventory is")
    verb("next", "say how to reach a sandbox")
    listing = verb("list", "list the sandboxes", named=False)
    listing.add_argument("--names", action="store_true", help="only their names")
    building = verb("build", "build the images", named=False)
    building.add_argument("what", nargs="*", help="servers such as debian13-engine, or `internet` (default: all)")
    verb("prune", "remove the images that sandboxes are made from", named=False)
    return top


def program() -> str:
    """The command as it can be typed here: bin/demo's environment is on nobody's PATH."""
    return f"{VENV}/{COMMAND}" if scripts_dir() == Path.cwd() / VENV else COMMAND


def next_steps(sandbox: state.Sandbox) -> str:
    """What somebody who just made a sandbox may want to do."""
    inventory = display(sandbox.inventory.resolve())  # demo's is a link to the checkout's own
    run = program()
    return (
        f"The server answers on this machine only:\n"
        f"  web    https://<service>.home.localhost:{sandbox.https_port}/\n"
        f"         (the certificates are of an authority of its own)\n"
        f"  shell  {run} sandbox shell {sandbox.name}\n"
        f"  plan   {run} plan -i {inventory}\n"
        f"  away   {run} sandbox down {sandbox.name}\n"
    )


def table(rows: list[lifecycle.Row]) -> str:
    """The list of sandboxes as aligned text."""
    lines = [("NAME", "OS", "STATE", "SSH"), *((row.name, row.release, row.state, row.ssh) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n" for line in lines
    )


def build(what: list[str]) -> None:
    """Build the images named, or all."""
    images = lifecycle.builder(find_engine(), Progress())
    servers = [f"{release}-{kind}" for release in machine.RELEASES for kind in KINDS]
    for item in what or [*servers, "internet"]:
        sys.stdout.write(lifecycle.build(images, item) + "\n")


def run(options: argparse.Namespace) -> None:
    """Do what the command line asks for."""
    if options.verb == "up":
        made = lifecycle.up(options.name, options.release, options.kind, tuple(options.ports))
        sys.stdout.write(f"{made.name}: {made.user}@{made.host}:{made.port}, inventory {made.inventory}\n")
    elif options.verb == "down":
        lifecycle.down(options.name)
    elif options.verb == "shell":
        argv = state.require(options.name).ssh_argv()
        os.execvp(argv[0], argv)  # noqa: S606  ssh takes over the terminal
    elif options.verb == "inventory":
        sys.stdout.write(f"{state.require(options.name).inventory}\n")
    elif options.verb == "next":
        sys.stdout.write(next_steps(state.require(options.name)))
    elif options.verb == "list":
        rows = lifecycle.listing()
        sys.stdout.write("".join(f"{row.name}\n" for row in rows) if options.names else table(rows))
    elif options.verb == "build":
        build(options.what)
    else:
        lifecycle.prune()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code."""
    try:
        run(parser().parse_args(arguments))
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return int(error.code)
    except KeyboardInterrupt:
        return int(Exit.INTERRUPTED)
    return int(Exit.OK)


if __name__ == "__main__":
    sys.exit(main())
