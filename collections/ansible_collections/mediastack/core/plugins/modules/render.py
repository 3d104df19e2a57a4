# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: render
short_description: Turn a resolved stack into compose projects and files
description:
  - Runs on the controller and changes nothing. What it returns is what M(mediastack.core.files) and
    M(mediastack.core.compose) take.
author: [mediastack maintainers]
options:
  stack:
    description: The resolved stack, C(ansible_facts.mediastack_stack).
    type: dict
    required: true
  secrets:
    description: All secrets, C(ansible_facts.mediastack_secrets).
    type: dict
    required: true
  digests:
    description: Digest by image reference, as of the first pull. An image without one has its tag alone.
    type: dict
    default: {}
  engine_version:
    description:
      - Version of the target's Docker Engine. Engines from 28 on are told which network is the way out.
      - Older ones take the first network by name, which is the right one too.
    type: str
  compose_version:
    description: Version of the target's Compose. Those before 2.33.1 do not know how to tell the engine.
      From 2.20.2 on, with engines from 25 on, a starting container's health is asked every two seconds.
    type: str
  roles:
    description: Folders of roles whose templates are used before those of the roles path.
    type: list
    elements: path
    default: []
extends_documentation_fragment: [mediastack.core.reads_only]
attributes:
  diff_mode:
    support: none
    description: M(mediastack.core.files) shows differences.
"""

EXAMPLES = r"""
- name: Render the stack
  mediastack.core.render:
    stack: "{{ ansible_facts.mediastack_stack }}"
    secrets: "{{ ansible_facts.mediastack_secrets }}"
    digests: "{{ (ansible_facts.mediastack_host.generation | default({}, true)).digests | default({}) }}"
    engine_version: "{{ (ansible_facts.mediastack_host.engine | default({}, true)).version | default('') }}"
    compose_version: "{{ (ansible_facts.mediastack_host.engine | default({}, true)).compose | default('', true) }}"

- name: Write directories and files
  mediastack.core.files:
    directories: "{{ ansible_facts.mediastack_render.directories }}"
    files: "{{ ansible_facts.mediastack_render.files }}"
    secret_contents: "{{ ansible_facts.mediastack_render.secret_contents }}"
"""

RETURN = r"""
ansible_facts:
  description: Facts. The task's result is censored because of them.
  returned: success
  type: dict
  contains:
    mediastack_render:
      description: What the stack becomes on the server.
      type: dict
      contains:
        projects:
          description: >-
            Each with C(name), C(directory), C(files) and, by instance, C(services) with C(container),
            C(image), C(reference), C(digest), C(spec), C(gateway), C(workload), C(depends_on), C(networks)
            and C(file).
          type: list
          elements: dict
        directories:
          description: Directories with numeric owner and group, and mode.
          type: list
          elements: dict
        files:
          description: Files with C(content) or C(secret), owner, group, mode and policy.
          type: list
          elements: dict
        secret_contents:
          description: Texts of the secret files by key.
          type: dict
"""
