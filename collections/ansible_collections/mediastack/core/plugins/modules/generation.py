"""Record of what was applied."""

from __future__ import annotations

DOCUMENTATION = r"""
module: generation
short_description: Record on the server what was applied
description:
  - Writes a numbered record of the resolved stack, the images' digests and the hashes of all managed files,
    makes it the
    current one atomically, and keeps the last ones.
  - Nothing is written when the current record says the same.
author: [mediastack maintainers]
options:
  state_directory:
    description: The stack's state directory.
    type: path
    default: /var/lib/mediastack
  stack:
    description: The resolved stack, without secrets.
    type: dict
    required: true
  digests:
    description: Digest of each image reference.
    type: dict
    default: {}
  files:
    description: Hash of each managed file by path.
    type: dict
    default: {}
  places:
    description: Kind, owner, group, mode and policy of each directory and file, as C(places) returns it.
    type: dict
    default: {}
  services:
    description: What tells each applied container from another, by instance, as C(applied_services) returns it.
    type: dict
    default: {}
  by:
    description: Who applied it.
    type: str
    default: ""
  commit:
    description: Revision of the inventory and the project.
    type: str
    default: ""
  keep:
    description: How many records are kept.
    type: int
    default: 20
extends_documentation_fragment: [mediastack.core.lease_options]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    description: Instances, images and number of files.
"""

EXAMPLES = r"""
- name: Record what was applied
  mediastack.core.generation:
    stack: "{{ mediastack_stack }}"
    digests: "{{ mediastack_images.digests }}"
    files: "{{ mediastack_rendered.hashes }}"
    places: "{{ mediastack_rendered.directories | mediastack.core.places(mediastack_rendered.files) }}"
    services: "{{ mediastack_rendered | mediastack.core.applied_services }}"
    by: "{{ ansible_facts.mediastack_lease.who }}"
    lease: "{{ ansible_facts.mediastack_lease.run }}"
"""

RETURN = r"""
generation:
  description: Id and time of the record in force; null in check mode before the first one.
  returned: success
  type: dict
  sample: {id: 2026-11-21.3, created: "2026-11-21T09:30:00Z"}
removed:
  description: Ids of records that were let go.
  returned: success
  type: list
  elements: str
"""

import hashlib
import json
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils.arguments import (
    LEASE_ARGUMENTS,
    wants_diff,
    writing,
)
from ansible_collections.mediastack.core.plugins.module_utils.generations import (
    GenerationError,
    current,
    prune,
    same,
    write,
)

ARGUMENTS = {
    "state_directory": {"type": "path", "default": "/var/lib/mediastack"},
    "stack": {"type": "dict", "required": True},
    "digests": {"type": "dict", "default": {}},
    "files": {"type": "dict", "default": {}},
    "places": {"type": "dict", "default": {}},
    "services": {"type": "dict", "default": {}},
    "by": {"type": "str", "default": ""},
    "commit": {"type": "str", "default": ""},
    "keep": {"type": "int", "default": 20},
    **LEASE_ARGUMENTS,
}


def outline(record: dict[str, Any] | None) -> str:
    """What a diff shows of a record: a stack is too long to read."""
    if record is None:
        return ""
    instances = (record.get("stack") or {}).get("instances") or {}
    digest = hashlib.sha256(json.dumps(record.get("stack"), sort_keys=True).encode()).hexdigest()
    lines = [f"instances: {', '.join(sorted(instances))}", f"stack: {digest[:16]}"]
    lines += [f"image: {name} {digest}" for name, digest in sorted((record.get("digests") or {}).items())]
    lines += [f"file: {path} {digest}" for path, digest in sorted((record.get("files") or {}).items())]
    return "\n".join([*lines, f"commit: {record.get('commit', '')}", ""])


def run(module: AnsibleModule) -> dict[str, Any]:
    """Compare with the current record and write a new one; returns the module's result."""
    params = module.params
    record = {key: params[key] for key in ("by", "commit", "stack", "digests", "files", "places", "services")}
    before = current(params["state_directory"])
    changed = not same(before, record)
    after, removed = before, []
    if changed and not module.check_mode:
        with writing(module):
            after = write(params["state_directory"], record, time.time())
            removed = prune(params["state_directory"], max(1, params["keep"]))
    brief = {key: after.get(key) for key in ("id", "created")} if after else None
    result: dict[str, Any] = {"changed": changed, "generation": brief, "removed": removed}
    if wants_diff(module) and changed:
        result["diff"] = {
            "before_header": "generation",
            "after_header": "generation",
            "before": outline(before),
            "after": outline(record),
        }
    return result


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        module.exit_json(**run(module))
    except GenerationError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
