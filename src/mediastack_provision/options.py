"""What the verbs share on the command line, parsed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Options:
    """The options of a verb that runs a playbook; `passthrough` is what stood after `--`."""

    inventory: str | None = None
    limit: str | None = None
    tags: tuple[str, ...] = ()
    vault_password_file: Path | None = None
    ask_vault_pass: bool = False
    ask_become_pass: bool = False
    as_json: bool = False
    verbosity: int = 0
    passthrough: tuple[str, ...] = ()

    def for_record(self) -> list[str]:
        """What a run was about. What stood after `--` may hold secrets: only its names."""
        words = [f"--limit={self.limit}"] if self.limit else []
        words += [f"--tags={','.join(self.tags)}"] if self.tags else []
        return words + [word.partition("=")[0] for word in self.passthrough if word.startswith("-")]
