"""Downloads and library are on one filesystem, so that an import can be a hardlink."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import Context, Failed

if TYPE_CHECKING:
    from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import Check


def storage(check: Check, _context: Context) -> str:
    """Both paths exist on the host and have the same device number."""
    downloads = _device(check["downloads"])
    library = _device(check["library"])
    if downloads != library:
        raise Failed(f"{check['downloads']} is on device {downloads}, {check['library']} on {library}")
    return f"device {downloads} = {library}"


def _device(path: str) -> str:
    try:
        number = os.stat(path).st_dev  # noqa: PTH116 - as given, links followed
    except OSError as error:
        raise Failed(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None
    return f"{os.major(number)}:{os.minor(number)}"
