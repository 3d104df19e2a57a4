"""Documentation of the arguments that every changing module shares."""

from __future__ import annotations


class ModuleDocFragment:
    """See module_utils/arguments.py."""

    DOCUMENTATION = r"""
options:
  lease:
    description:
      - The run that holds the server's lease, as the M(mediastack.core.lease) action returned it.
      - The module fails before it changes anything when the lease is another run's by now. Empty for a call
        by hand.
    type: str
    default: ""
  lease_directory:
    description: Where the lease and the writer's lock are.
    type: path
    default: /run/mediastack
  lease_wait:
    description: Seconds to wait for a module of an earlier run that still writes.
    type: float
    default: 300
  guard:
    description:
      - Name of the guard (M(mediastack.core.guard)) that undoes this change unless it is confirmed.
      - The module fails before it changes anything when that is not armed any more. A countdown that ends meanwhile
        waits.
    type: str
    default: ""
"""
