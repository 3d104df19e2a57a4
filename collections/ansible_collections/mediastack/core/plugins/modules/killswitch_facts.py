"""One read of all that the kill-switch depends on."""

from __future__ import annotations

DOCUMENTATION = r"""
module: killswitch_facts
short_description: Read what a server has of the kill-switch, and what its rules depend on
description:
  - One read-only round trip; the filter C(killswitch_plan) says what is to be done about it.
author: [mediastack maintainers]
options:
  names:
    description: Host names whose addresses are asked for.
    type: list
    elements: str
    default: []
  servers:
    description: Where gateways keep the list of their providers' servers.
    type: list
    elements: dict
    default: []
    suboptions:
      gateway:
        description: Name of the gateway.
        type: str
        required: true
      path:
        description: Its servers.json.
        type: path
        required: true
      provider:
        description: Name of its provider there.
        type: str
        required: true
      only:
        description: Wanted values of C(vpn), C(country), C(city) and C(hostname); others are left out.
        type: dict
        default: {}
  files:
    description: Paths whose kind, owner, mode and content are told.
    type: list
    elements: path
    default: []
  units:
    description: Units of systemd that are told.
    type: list
    elements: str
    default: []
extends_documentation_fragment: [mediastack.core.reads_only]
"""

EXAMPLES = r"""
- name: Learn what keeps the VPN zone in
  mediastack.core.killswitch_facts:
    names: [vpn.example.org]
    units: [mediastack-killswitch.service]
"""

RETURN = r"""
ansible_facts:
  description: C(mediastack_killswitch), read as C(ansible_facts.mediastack_killswitch).
  returned: always
  type: dict
  sample:
    mediastack_killswitch:
      tools: {nft: true, ip: true, unshare: true}
      names: {vpn.example.org: [203.0.113.10]}
      servers: {gluetun: [{vpn: wireguard, country: Vanuatu, hostname: vu1, ips: [203.0.113.10]}]}
      states: {/etc/mediastack/killswitch/table.nft: {kind: missing}}
      faults: [table mediastack_killswitch is gone]
      units: {mediastack-killswitch.service: {enabled: true, active: true, stale: false}}
      controller: 192.0.2.5
      interfaces: [eth0, lo]
      systemd: true
      guarded: false
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils import killswitch_host


def main() -> None:
    """Run the module."""
    asked = {
        "gateway": {"type": "str", "required": True},
        "path": {"type": "path", "required": True},
        "provider": {"type": "str", "required": True},
        "only": {"type": "dict", "default": {}},
    }
    arguments = {
        "names": {"type": "list", "elements": "str", "default": []},
        "servers": {"type": "list", "elements": "dict", "options": asked, "default": []},
        "files": {"type": "list", "elements": "path", "default": []},
        "units": {"type": "list", "elements": "str", "default": []},
    }
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    facts = killswitch_host.gather(module.params)
    module.exit_json(changed=False, ansible_facts={"mediastack_killswitch": facts})


if __name__ == "__main__":
    main()
