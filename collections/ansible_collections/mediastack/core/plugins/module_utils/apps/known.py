"""What a plan may say of an application that does not answer."""

from __future__ import annotations

import os


def was_set_up(known_config: str | None) -> bool:
    """Whether an application that was applied here before still has what it knew then.

    The role names the folder only for an instance of the record in force. With nothing in it the
    application starts anew and has to be set up again.
    """
    try:
        return bool(known_config) and bool(os.listdir(str(known_config)))  # noqa: PTH208 - reads as what it asks
    except OSError:
        return False
