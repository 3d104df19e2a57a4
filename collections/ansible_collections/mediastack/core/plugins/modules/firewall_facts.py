"""One read of all that the firewall depends on."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_facts
short_description: Read what a server's firewall depends on
description:
  - One read-only round trip; the filter C(firewall_plan) says what is to be done about it.
author: [mediastack maintainers]
options: {}
extends_documentation_fragment: [mediastack.core.reads_only]
"""

EXAMPLES = r"""
- name: Learn what the firewall depends on
  mediastack.core.firewall_facts:
"""

RETURN = r"""
ansible_facts:
  description: C(mediastack_firewall), read as C(ansible_facts.mediastack_firewall).
  returned: always
  type: dict
  sample:
    mediastack_firewall:
      nft: true
      systemd: true
      others: {ufw: "off", firewalld: "off"}
      nftables_service: false
      ssh_ports: [22]
      client: 192.0.2.5
      guarded: false
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils import firewall_host


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.exit_json(changed=False, ansible_facts={"mediastack_firewall": firewall_host.gather()})


if __name__ == "__main__":
    main()
