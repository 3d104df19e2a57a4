"""Exit codes: the contract with scripts. `docs/cli.md` and every `--help` list the same table."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a verb's exit code means."""

    OK = 0
    FAILED = 1
    CHANGES = 2
    VERIFY_FAILED = 3
    INVALID = 4
    BUSY = 5
    INTERRUPTED = 130


MEANINGS: dict[Exit, str] = {
    Exit.OK: "done, nothing left to do",
    Exit.FAILED: "something failed; the output says what and how to mend it",
    Exit.CHANGES: "plan, harden --check: changes are pending",
    Exit.VERIFY_FAILED: "verify: a check failed; audit: a figure is too low",
    Exit.INVALID: "invalid input: options, inventory or choices; nothing was touched",
    Exit.BUSY: "somebody else is changing this server",
    Exit.INTERRUPTED: "interrupted with Ctrl-C",
}


class UserError(Exception):
    """A mistake that the owner can mend: printed as it is, without a traceback."""

    def __init__(self, message: str, code: Exit = Exit.INVALID) -> None:
        """Say what is wrong and the remedy; `code` is the exit code."""
        super().__init__(message)
        self.code = code
