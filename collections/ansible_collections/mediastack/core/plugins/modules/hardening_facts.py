"""One read of all that hardening is about."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hardening_facts
short_description: Read what a server has of what hardening is about
description:
  - One read-only round trip; the filter C(hardening_plan) says what is to be done about it.
author: [mediastack maintainers]
options:
  paths:
    description: Paths whose kind, owner, mode, time and content are told.
    type: list
    elements: path
    default: []
  texts:
    description: Small text files that are told as they are. No secrets.
    type: list
    elements: path
    default: []
  patterns:
    description: Patterns of the shell; the mode of each file and folder that they name is told.
    type: list
    elements: str
    default: []
  kernel_settings:
    description: Names of settings below C(/proc/sys).
    type: list
    elements: str
    default: []
  packages:
    description: Names of packages.
    type: list
    elements: str
    default: []
  units:
    description: Names of systemd's units.
    type: list
    elements: str
    default: []
  mounts:
    description: Places where something may be mounted.
    type: list
    elements: path
    default: []
extends_documentation_fragment: [mediastack.core.reads_only]
"""

EXAMPLES = r"""
- name: Learn what is hardened
  mediastack.core.hardening_facts:
    packages: [debsums]
    units: [ssh.service]
"""

RETURN = r"""
ansible_facts:
  description: C(mediastack_hardening), read as C(ansible_facts.mediastack_hardening).
  returned: always
  type: dict
  sample:
    mediastack_hardening:
      states: {/etc/issue: {kind: file, uid: 0, gid: 0, owner: root, group: root, mode: "0644", sha256: 3e1b, mtime: 1}}
      texts: {/etc/login.defs: "UMASK 022\n"}
      patterns: {/var/log/*.log: {/var/log/dpkg.log: "0644"}}
      kernel_settings: {kernel.kptr_restrict: {value: "0", reason: it is read-only here}}
      packages: {debsums: true}
      units: {ssh.service: {active: active, enabled: enabled, started: 1795000000, refused: false}}
      mounts: {/dev/shm: [rw, nosuid, nodev]}
      modules: [overlay]
      pam_modules: [pam_unix.so]
      audit: false
      apparmor: false
      one_way: true
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils import hardening_host


def main() -> None:
    """Run the module."""
    arguments = {
        **{name: {"type": "list", "elements": "path", "default": []} for name in ("paths", "texts", "mounts")},
        **{
            name: {"type": "list", "elements": "str", "default": []}
            for name in ("patterns", "kernel_settings", "packages", "units")
        },
    }
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    facts = hardening_host.gather(module.params)
    module.exit_json(changed=False, ansible_facts={"mediastack_hardening": facts})


if __name__ == "__main__":
    main()
