"""What an executor of a check says, and what it may look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ansible_collections.mediastack.core.plugins.module_utils.checks.engine import Snapshot

    Check = Mapping[str, Any]
    Executor = Callable[[Check, "Context"], str]


class Failed(Exception):  # noqa: N818 - it is an outcome, not an error
    """The check does not hold; the message is the evidence."""


class Accepted(Failed):
    """It does not hold, and the owner has said that this is fine: a warning."""


class NotYet(Failed):
    """It does not hold, and may a moment later: nobody answers yet. Asking again does no harm."""


class Skipped(Exception):  # noqa: N818 - likewise
    """The check was not made; the message says why."""


class Silent(Exception):  # noqa: N818 - likewise
    """There is nothing on this server that the check is about, and nothing to say."""


@dataclass(frozen=True)
class Context:
    """What all checks of a run share. `engine` is one look at Docker, or the reason why there is none."""

    engine: Snapshot | str
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 15
    check_mode: bool = False
    wait: float = 0

    @property
    def docker(self) -> Snapshot:
        """The look at Docker. Raises Failed when Docker did not answer."""
        if isinstance(self.engine, str):
            raise Failed(self.engine)
        return self.engine
