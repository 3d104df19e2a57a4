"""One read of all that is needed to know of a server's sshd."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssh_facts
short_description: Read what a server's sshd is and who may come in
description:
  - One read-only round trip; the filter C(ssh_plan) says what is to be done about it.
author: [mediastack maintainers]
options:
  users:
    description: Names of users whose keys are looked at, besides the one who is connected.
    type: list
    elements: str
    default: []
  files:
    description: Paths whose kind, owner, mode and content are told.
    type: list
    elements: path
    default: []
  moduli:
    description: The copy of the moduli file that M(mediastack.core.ssh_moduli) keeps.
    type: path
    default: /etc/ssh/moduli.mediastack
  bits:
    description: The least size of its groups.
    type: int
    default: 3072
extends_documentation_fragment: [mediastack.core.reads_only]
"""

EXAMPLES = r"""
- name: Learn how this server is reached
  mediastack.core.ssh_facts:
    users: [admin]
"""

RETURN = r"""
ansible_facts:
  description: C(mediastack_ssh), read as C(ansible_facts.mediastack_ssh). No key is told, only its type and size.
  returned: always
  type: dict
  sample:
    mediastack_ssh:
      version: "10.0"
      supported: {kex: [mlkem768x25519-sha256], cipher: [aes256-ctr], mac: [hmac-sha2-256], sig: [ssh-ed25519]}
      effective: {permitrootlogin: ["no"]}
      statements: [{file: /etc/ssh/sshd_config, line: 12, keyword: port, value: "22"}]
      host_keys: [{path: /etc/ssh/ssh_host_ed25519_key, type: ssh-ed25519, bits: 0}]
      login: admin
      keys_command: false
      accounts:
        admin: {exists: true, groups: [admin], shell: true, keys: [{type: ssh-ed25519, bits: 0}], problems: [],
                totp: false, methods: [publickey]}
      groups: [root, admin]
      socket: false
      listening: [{port: 22, process: sshd}]
      states: {/etc/ssh/sshd_config.d/01-mediastack.conf: {kind: missing}}
      pam: "@include common-auth\n"
      totp_program: false
      moduli: true
      guarded: false
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils import host_system, moduli, ssh_host


def main() -> None:
    """Run the module."""
    arguments = {
        "users": {"type": "list", "elements": "str", "default": []},
        "files": {"type": "list", "elements": "path", "default": []},
        "moduli": {"type": "path", "default": "/etc/ssh/moduli.mediastack"},
        "bits": {"type": "int", "default": 3072},
    }
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    params = module.params
    wanted = moduli.strong(host_system.read("/etc/ssh/moduli"), params["bits"])
    current = wanted == host_system.read(params["moduli"])
    facts = ssh_host.gather(params["users"], params["files"], moduli=current)
    module.exit_json(changed=False, ansible_facts={"mediastack_ssh": facts})


if __name__ == "__main__":
    main()
