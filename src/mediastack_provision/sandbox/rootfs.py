"""Debian root file systems, made by mmdebstrap and imported into the engine."""

from __future__ import annotations

import subprocess
import tempfile
from typing import TYPE_CHECKING

from mediastack_provision.exits import Exit, UserError
from mediastack_provision.sandbox import names
from mediastack_provision.sandbox.docker import LONG
from mediastack_provision.sandbox.machine import KEYRING

if TYPE_CHECKING:
    from mediastack_provision.sandbox.docker import Docker

# Nobody reads manuals in a test server, and images stay small.
WITHOUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*")


def debootstrap_argv(suite: str, packages: list[str], mirror: str) -> list[str]:
    """The command that writes the root file system's tar archive to standard output."""
    return [
        "mmdebstrap",
        "--quiet",
        "--format=tar",
        "--variant=minbase",
        f"--include={','.join(packages)}",
        f"--keyring={KEYRING}",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in WITHOUT),
        suite,
        "-",
        mirror,
    ]


def import_argv(tag: str) -> list[str]:
    """The engine's command that makes an image of an archive on standard input."""
    return ["docker", "import", "--change", f"LABEL {names.label(names.CACHE)}", "-", tag]


def build(docker: Docker, tag: str, suite: str, packages: list[str], mirror: str) -> None:
    """Make a root file system and import it as `tag`.

    Raises:
        UserError: when either command fails, with the end of what it said.

    """
    with tempfile.TemporaryFile() as errors:
        made = subprocess.Popen(debootstrap_argv(suite, packages, mirror), stdout=subprocess.PIPE, stderr=errors)
        imported = subprocess.run(
            import_argv(tag),
            stdin=made.stdout,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=docker.environment,
            timeout=LONG,
            check=False,
        )
        if made.stdout is not None:
            made.stdout.close()
        status = made.wait(timeout=60)
        if status == 0 and imported.returncode == 0:
            return
        errors.seek(0)
        said = errors.read().decode("utf-8", "replace").strip()[-3000:]
    if status != 0 and imported.returncode == 0:
        docker.run("image", "rm", "--force", tag)  # an archive that ends early imports as well
    raise UserError(f"The root file system of Debian {suite} cannot be built from {mirror}:\n{said}", Exit.FAILED)
