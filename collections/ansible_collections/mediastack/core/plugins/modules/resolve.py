"""Documentation of the action plugin of the same name, which runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: resolve
short_description: Turn the owner's choices into the resolved stack
description:
  - Reads the C(mediastack_*) variables of every server of the group C(mediastack) and merges
    C(mediastack_services) and C(mediastack_services_<layer>) by instance name, across groups and hosts.
  - Validates all of it and the service catalogue, and sets the fact C(mediastack_stack).
  - When something is wrong it fails with everything that is, each with file, line, column, key and remedy.
  - Runs on the controller alone. The server is neither asked nor touched.
options:
  roles:
    description: Further folders of roles whose C(services/*.yml) belong to the catalogue.
    type: list
    elements: path
    default: []
  services:
    description: Further folders of the owner's own services, besides C(services/) in the inventory.
    type: list
    elements: path
    default: []
extends_documentation_fragment: [mediastack.core.reads_only]
author:
  - mediastack
"""

EXAMPLES = r"""
- name: Resolve the owner's choices
  mediastack.core.resolve:
"""

RETURN = r"""
ansible_facts:
  description: The fact C(mediastack_stack), see docs/architecture.md.
  returned: success
  type: dict
  contains:
    mediastack_stack:
      description: Everything about this server, as plain JSON.
      type: dict
notices:
  description: What is not wrong, but worth knowing.
  returned: success
  type: list
  elements: str
"""
