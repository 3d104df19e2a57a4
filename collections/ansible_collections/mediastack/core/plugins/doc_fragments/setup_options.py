"""Documentation of the arguments that the modules share which set an application up."""

from __future__ import annotations


class ModuleDocFragment:
    """See module_utils/arguments.py."""

    DOCUMENTATION = r"""
options:
  url:
    description: Address, with the base URL if there is one, at which this server reaches the application.
    type: str
    required: true
  username:
    description: Name of Jellyfin's administrator.
    type: str
    required: true
  password:
    description: Password of Jellyfin's administrator.
    type: str
    required: true
  known_config:
    description:
      - Folder of its configuration, if it was applied here before.
      - Where that has something in it, a plan predicts no change while the application does not answer.
    type: path
  timeout:
    description: Seconds to wait for an application that still starts or migrates its database.
    type: int
    default: 180
attributes:
  check_mode:
    support: full
    description:
      - An application that does not answer is predicted to change, unless O(known_config) shows that it was set up
        before.
  diff_mode:
    support: full
    description: Says what is done, never a password or a key.
"""
