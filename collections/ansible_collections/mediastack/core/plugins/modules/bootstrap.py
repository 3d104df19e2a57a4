"""Documentation of the action of the same name; it needs no Python on the server, so nothing runs there."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bootstrap
short_description: Python and sudo on a bare server
description:
  - Reports in one round trip over the raw connection whether python3 is there, and installs it where it is
    not, with
    C(apt-get), C(dnf) or C(pacman). Waits for a busy package manager. The task's C(environment), such as a
    proxy, is honoured.
  - Installs sudo too where it is missing, the login is root's, and C(become_method) is sudo.
author: [mediastack maintainers]
options:
  lock_timeout:
    description: Seconds to wait for a package manager that someone else uses.
    type: int
    default: 300
attributes:
  check_mode:
    support: full
    description: Installs nothing; RV(bare) tells that modules cannot run there yet.
  diff_mode:
    support: none
"""

EXAMPLES = r"""
- name: Make Ansible's modules work
  mediastack.core.bootstrap:
    lock_timeout: 300
  environment: "{{ mediastack_proxy_environment | default({}) }}"
  register: bootstrap

- name: Leave a bare server alone in a plan
  ansible.builtin.meta: end_host
  when: bootstrap.bare
"""

RETURN = r"""
bare:
  description: Whether there is no python3 now.
  returned: always
  type: bool
python:
  description: Path of python3.
  returned: always
  type: str
installed:
  description: What was installed.
  returned: always
  type: list
  elements: str
missing:
  description: What was, or in check mode is, missing.
  returned: always
  type: list
  elements: str
"""
