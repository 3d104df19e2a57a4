"""Large groups for the key exchange."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssh_moduli
short_description: Keep a copy of the moduli file with large groups only
description:
  - Copies the lines of O(source) with at least O(bits) bits to O(path), for sshd's C(ModuliFile). The distribution's
    file stays as it is, so that its package can be upgraded.
author: [mediastack maintainers]
options:
  source:
    description: The distribution's file.
    type: path
    default: /etc/ssh/moduli
  path:
    description: The copy.
    type: path
    required: true
  bits:
    description: The least size.
    type: int
    default: 3072
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    description: The number of groups.
"""

EXAMPLES = r"""
- name: Leave out small groups
  mediastack.core.ssh_moduli:
    path: /etc/ssh/moduli.mediastack
    bits: 3072
"""

RETURN = r"""
groups:
  description: How many groups are kept.
  returned: success
  type: int
"""

import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils import guard_rollback, host_system, moduli


def main() -> None:
    """Compare, write, report."""
    arguments = {
        "source": {"type": "path", "default": "/etc/ssh/moduli"},
        "path": {"type": "path", "required": True},
        "bits": {"type": "int", "default": 3072},
    }
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    wanted = moduli.strong(host_system.read(module.params["source"]), module.params["bits"])
    if not wanted:
        module.fail_json(msg=f"{module.params['source']} has no group of {module.params['bits']} bits or more")
    path = Path(module.params["path"])
    before = host_system.read(str(path))
    if before != wanted and not module.check_mode:
        try:
            guard_rollback.replace(path, wanted.encode("ascii"), 0o644, os.geteuid(), os.getegid())
        except OSError as error:
            module.fail_json(msg=f"{path}: {error}")
    count = wanted.count("\n")
    diff = {"before": f"groups: {before.count(chr(10))}\n", "after": f"groups: {count}\n"}
    module.exit_json(changed=before != wanted, groups=count, diff=diff)


if __name__ == "__main__":
    main()
