"""Documentation of what every module that only reads has in common."""

from __future__ import annotations


class ModuleDocFragment:
    """For `attributes`."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: It only reads.
  diff_mode:
    support: none
    description: It changes nothing.
"""
