"""One read of all that is needed to know of a server's fail2ban."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fail2ban_facts
short_description: Read what fail2ban runs with, and whether the firewall holds its bans
description:
  - One read-only round trip; the filter C(fail2ban_plan) says what is to be done about it.
author: [mediastack maintainers]
options:
  files:
    description: Paths whose kind, owner, mode and content are told.
    type: list
    elements: path
    default: []
  prefix6:
    description: Length of the networks that are banned for an IPv6 address.
    type: int
    default: 128
extends_documentation_fragment: [mediastack.core.reads_only]
"""

EXAMPLES = r"""
- name: Learn what fail2ban does
  mediastack.core.fail2ban_facts:
    files: [/etc/fail2ban/jail.d/mediastack.local]
"""

RETURN = r"""
ansible_facts:
  description: C(mediastack_fail2ban) in C(ansible_facts). C(jails) is null when it does not run.
  returned: always
  type: dict
  sample:
    mediastack_fail2ban:
      packages: {fail2ban: true, python3-systemd: true, nftables: true}
      units: {fail2ban.service: {active: true, enabled: true}, mediastack-fail2ban.timer: {active: true, enabled: true}}
      jails: {sshd: {revision: 4f0c, logs: [], broken: false, lost: [192.0.2.7/32], stray: []}}
      states: {/etc/fail2ban/jail.d/mediastack.local: {kind: missing}}
      controller: 192.0.2.10
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils import fail2ban_host


def main() -> None:
    """Run the module."""
    arguments = {
        "files": {"type": "list", "elements": "path", "default": []},
        "prefix6": {"type": "int", "default": 128},
    }
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    facts = fail2ban_host.gather(module.params["files"], module.params["prefix6"])
    module.exit_json(changed=False, ansible_facts={"mediastack_fail2ban": facts})


if __name__ == "__main__":
    main()
