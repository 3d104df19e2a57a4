"""The hardened host: what its own programs say is what a role left there. Silent where the role has not run."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import Accepted, Context, Failed, Silent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import Check

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def hardened(check: Check, context: Context) -> str:
    """Every command of the check ends well and shows what it has to."""
    if not any(os.path.lexists(path) for path in check["traces"]):
        raise Silent
    evidence = [said for command in check["commands"] for said in _shown(command, context.timeout)]
    return ", ".join(evidence)


def items(check: Check, _context: Context) -> str:
    """Nothing is left for the role `hardening` to do, by what the controller has compared."""
    if check["problems"]:
        raise Failed("; ".join([*check["problems"], *check["warnings"]]))
    if check["warnings"]:
        raise Accepted("; ".join(check["warnings"]))
    return str(check["evidence"])


def _shown(command: Mapping[str, Any], timeout: float) -> list[str]:
    """What a command was to show, in words. Raises Failed."""
    argv = [str(word) for word in command["argv"]]
    try:
        done = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env={"PATH": PATH, "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Failed(f"{argv[0]} cannot be asked: {getattr(error, 'strerror', None) or type(error).__name__}") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or f"ended with {done.returncode}").splitlines()[-1]
        raise Failed(f"{' '.join(argv)}: {said}")
    lacking = [said for said, pattern in command["shows"].items() if not re.search(pattern, done.stdout, re.MULTILINE)]
    if lacking:
        raise Failed(f"{' '.join(argv)} does not show: {', '.join(lacking)}")
    return list(command["shows"])
