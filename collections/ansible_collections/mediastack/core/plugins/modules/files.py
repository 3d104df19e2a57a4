"""Directories and files of a host in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: files
short_description: Reconcile directories and files in bulk
description:
  - Compares any number of directories and files with what is on the server and puts right what differs, in
    one round trip.
  - Files are replaced atomically. Nothing is written through a symbolic link that another user made.
  - All refusals and all validators come before the first change.
author: [mediastack maintainers]
options:
  directories:
    description: Directories that have to exist.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: path
        required: true
      owner:
        description: User name or number. What is there is kept where it is not given.
        type: str
      group:
        description: Group name or number.
        type: str
      mode:
        description: Octal mode, quoted.
        type: str
      recurse_owner:
        description: When the directory's own owner is wrong, everything below it gets the owner too.
        type: bool
        default: false
  files:
    description: Files that have to exist. Directories that are missing above them are made, like the
      nearest listed one.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: path
        required: true
      content:
        description: The text. One of C(content) and C(secret) is needed.
        type: str
      secret:
        description: Key of O(secret_contents) that holds the text.
        type: str
        no_log: false
      owner:
        description: User name or number.
        type: str
      group:
        description: Group name or number.
        type: str
      mode:
        description: Octal mode, quoted.
        type: str
      policy:
        description: V(seed) writes content and mode only when there is no file, for then it is the application's; the
          owner is kept right in any case.
        type: str
        choices: [managed, seed]
        default: managed
      validate:
        description: Command, as a list, that accepts the new content; C(%s) is replaced by a copy's name.
        type: list
        elements: str
        default: []
  absent:
    description: Files, links or directories with all they hold that must not exist. Only below O(roots).
    type: list
    elements: path
    default: []
  roots:
    description: Directories below which something may be removed.
    type: list
    elements: path
    default: []
  secret_contents:
    description: Texts of the secret files by key. Never shown.
    type: dict
    default: {}
extends_documentation_fragment: [mediastack.core.lease_options]
attributes:
  check_mode:
    support: full
    description: Predicts the same changes. A user that does not exist yet is fine.
  diff_mode:
    support: full
    description: Content and attributes; of a secret file only that it changed.
"""

EXAMPLES = r"""
- name: Write what the stack needs
  mediastack.core.files:
    directories:
      - {path: /opt/mediastack/config/radarr, owner: media, group: media, mode: "0750"}
    files:
      - {path: /opt/mediastack/compose/mediastack/compose.yml, content: "services: {}", mode: "0640"}
      - {path: /opt/mediastack/secrets/radarr/api_key, secret: radarr/api_key, owner: root, mode: "0400"}
    secret_contents: "{{ mediastack_secret_contents }}"
    absent: [/opt/mediastack/compose/old]
    roots: [/opt/mediastack/compose, /opt/mediastack/secrets]
    lease: "{{ ansible_facts.mediastack_lease.run }}"
"""

RETURN = r"""
changes:
  description: What was changed, in order.
  returned: always
  type: list
  elements: dict
  sample: [{path: /opt/mediastack/compose/x/compose.yml, action: mode, before: "0644", after: "0640"}]
compared:
  description: How many paths were compared.
  returned: success
  type: int
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils.arguments import (
    LEASE_ARGUMENTS,
    wants_diff,
    writing,
)
from ansible_collections.mediastack.core.plugins.module_utils.files_apply import apply, validate_all
from ansible_collections.mediastack.core.plugins.module_utils.files_plan import (
    FilesError,
    Ids,
    diff_of,
    make_plan,
)
from ansible_collections.mediastack.core.plugins.module_utils.safe_path import Directories

OWNERSHIP = {"owner": {"type": "str"}, "group": {"type": "str"}, "mode": {"type": "str"}}
DIRECTORY = {
    "path": {"type": "path", "required": True},
    **OWNERSHIP,
    "recurse_owner": {"type": "bool", "default": False},
}
FILE = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str"},
    "secret": {"type": "str", "no_log": False},
    **OWNERSHIP,
    "policy": {"type": "str", "choices": ["managed", "seed"], "default": "managed"},
    "validate": {"type": "list", "elements": "str", "default": []},
}
ARGUMENTS = {
    "directories": {"type": "list", "elements": "dict", "default": [], "options": DIRECTORY},
    "files": {"type": "list", "elements": "dict", "default": [], "options": FILE},
    "absent": {"type": "list", "elements": "path", "default": []},
    "roots": {"type": "list", "elements": "path", "default": []},
    "secret_contents": {"type": "dict", "default": {}, "no_log": True},
    **LEASE_ARGUMENTS,
}


def reconcile(module: AnsibleModule) -> None:
    """Compare, then change unless in check mode."""
    params = module.params
    with Directories() as directories:
        plan = make_plan(params, Ids(may_be_missing=module.check_mode), directories)
        changes = plan.changes
        if changes and not module.check_mode:
            validate_all(plan, module.tmpdir)
            changes = apply(plan, directories)
        diff = diff_of(plan) if wants_diff(module) else []
    compared = sum(len(params[key]) for key in ("directories", "files", "absent"))
    module.exit_json(changed=bool(changes), changes=changes, compared=compared, diff=diff)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        with writing(module):
            reconcile(module)
    except FilesError as error:
        module.fail_json(msg=str(error), changes=[])


if __name__ == "__main__":
    main()
