# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: role_variables
short_description: Refuse variables of roles that cannot be, before anything is changed
description:
  - Runs on the controller and compares the variables of several roles with their argument specifications, in one go.
    By itself, Ansible judges each role when it comes to it, which is after the roles before it have changed the server.
  - Fails with one message that names every role and variable.
author: [mediastack maintainers]
options:
  roles:
    description: Names of the roles.
    type: list
    elements: str
    required: true
extends_documentation_fragment: [mediastack.core.reads_only]
"""

EXAMPLES = r"""
- name: Refuse role variables that cannot be
  mediastack.core.role_variables:
    roles: [base, docker]
"""

RETURN = r"""
compared:
  description: How many variables were compared.
  returned: success
  type: int
"""
