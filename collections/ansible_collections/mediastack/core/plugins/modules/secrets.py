# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: secrets
short_description: Make the secrets that a stack needs, once
description:
  - Runs on the controller. What the stack needs and nobody has set is generated in the application's own format
    and kept in an ansible-vault file beside the inventory, encrypted with the first vault password that Ansible
    was given.
  - A secret that is set anywhere else (O(secrets)) wins and is not copied into the file. Other keys of the file
    stay.
  - Do not set C(no_log) on the task. Results are censored anyway, and errors, which hold no secret, stay readable.
author: [mediastack maintainers]
options:
  stack:
    description: The resolved stack, C(ansible_facts.mediastack_stack).
    type: dict
    required: true
  secrets:
    description: Secrets that are set already, C(mediastack_secrets).
    type: dict
    default: {}
  vault_file:
    description:
      - The vault file.
      - The default is C(group_vars/mediastack/vault.yml) beside the first inventory source that has that folder.
    type: path
attributes:
  check_mode:
    support: full
    description: Values are made up for the rest of the run, the file is left alone, the result is C(changed).
  diff_mode:
    support: none
    description: Secrets are never shown.
"""

EXAMPLES = r"""
- name: Make the secrets that are missing
  mediastack.core.secrets:
    stack: "{{ ansible_facts.mediastack_stack }}"
    secrets: "{{ mediastack_secrets | default({}) }}"
"""

RETURN = r"""
ansible_facts:
  description: Facts. The task's result is censored because of them.
  returned: success
  type: dict
  contains:
    mediastack_secrets:
      description: All secrets by instance and name, with those of this inventory itself below C(mediastack).
      type: dict
generated:
  description: Names of the secrets that were made, as C(instance.name).
  returned: success
  type: list
  elements: str
vault_file:
  description: The vault file.
  returned: success
  type: str
"""
