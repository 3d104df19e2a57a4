# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Refuse a server that cannot carry the stack, before anything is changed
description:
  - Runs on the controller and compares the resolved stack with the server's facts.
  - Fails with one message that names everything that is in the way, each with its remedy.
  - Looks at operating system, privileges, processor, disk space, names, subnets and ports that something
    foreign holds, the media root and the tunnel device.
author: [mediastack maintainers]
options:
  stack:
    description: The resolved stack, C(ansible_facts.mediastack_stack).
    type: dict
    required: true
  host:
    description:
      - The server's facts, C(ansible_facts.mediastack_host).
      - M(mediastack.core.host_facts) has to be asked about the media root, C(downloads) and C(library)
        below it, and the stack's own root and state folders.
    type: dict
    required: true
extends_documentation_fragment: [mediastack.core.reads_only]
"""

EXAMPLES = r"""
- name: Refuse what cannot work
  mediastack.core.preflight:
    stack: "{{ ansible_facts.mediastack_stack }}"
    host: "{{ ansible_facts.mediastack_host }}"
"""

RETURN = r"""
refusals:
  description: What is in the way.
  returned: always
  type: list
  elements: dict
  contains:
    text:
      description: What is wrong, naming what holds it.
      type: str
    remedy:
      description: What to do.
      type: str
notices:
  description: What the owner should know and need not act on.
  returned: always
  type: list
  elements: str
"""
