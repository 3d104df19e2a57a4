"""One read of all that is needed to know of a server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_facts
short_description: Read all that the stack needs to know of a server
description:
  - One read-only round trip instead of facts, package facts, docker info, listening ports and a stat per
    path.
  - Works without Docker, without Compose, and with an engine that is down.
author: [mediastack maintainers]
options:
  paths:
    description: Paths to describe. For one that does not exist the device of the nearest directory above it
      is told.
    type: list
    elements: path
    default: []
  states:
    description: Paths whose kind, owner, mode and content are told, for the filter C(in_place). No secrets.
    type: list
    elements: path
    default: []
  kernel_settings:
    description: Names of settings below C(/proc/sys) to read.
    type: list
    elements: str
    default: []
  users:
    description: User names to look up.
    type: list
    elements: str
    default: []
  groups:
    description: Group names to look up.
    type: list
    elements: str
    default: []
  packages:
    description: Names of packages to ask for.
    type: list
    elements: str
    default: []
  state_directory:
    description: Where the generations are.
    type: path
    default: /var/lib/mediastack
  label_prefix:
    description: Prefix of our labels.
    type: str
    default: mediastack
  hash_key:
    description: Key of the record's hashes. With it C(displaced) tells which recorded directories and files have
      changed.
    type: str
    default: ""
  applications:
    description: Applications as M(mediastack.core.applications) takes them, to be asked in C(asked) what is left to set
      up. They are asked when all their containers run.
    type: list
    elements: dict
    default: []
  sign_ins:
    description: Their secrets, as O(mediastack.core.applications#module:secrets).
    type: dict
    default: {}
extends_documentation_fragment: [mediastack.core.reads_only]
"""

EXAMPLES = r"""
- name: Learn what is there
  mediastack.core.host_facts:
    paths: [/opt/mediastack, /srv/media]
    users: [media]
    groups: [media]

- name: Show the engine
  ansible.builtin.debug:
    var: ansible_facts.mediastack_host.engine
"""

RETURN = r"""
ansible_facts:
  description:
    - C(mediastack_host), read as C(ansible_facts.mediastack_host).
    - C(engine), C(generation) and C(lease) are null where there is none, C(displaced) without a record, C(asked) when
      nobody was asked.
      C(users) and C(groups) hold those
      that exist.
      Of labels only ours and Compose's are told.
  returned: always
  type: dict
  sample:
    mediastack_host:
      os: {id: debian, version_id: "13", codename: trixie, pretty: Debian GNU/Linux 13 (trixie), family:
        debian}
      arch: amd64
      python: 3.13.5
      engine: {version: 26.1.5, api: "1.45", compose: 2.26.1, root_dir: /var/lib/docker, live_restore: true}
      containers: []
      networks: []
      listening: [{protocol: tcp, address: 0.0.0.0, port: 22, pid: 312, process: sshd, ours: false}]
      addresses: [{interface: eth0, address: 192.0.2.10, prefix: 24}]
      filesystems: [{path: /, device: /dev/sda1, total: 64000000000, free: 32000000000}]
      paths: {/srv/media: {exists: true, is_dir: true, device: 2049, owner: media, group: media, mode:
        "2775"}}
      states: {/etc/timezone: {kind: file, uid: 0, gid: 0, owner: root, group: root, mode: "0644", sha256: 3e1b0f...}}
      kernel_settings: {fs.inotify.max_user_watches: {value: "524288", reason: ""}}
      tun: true
      users: {media: {uid: 1900, gid: 1900, group: media, home: /nonexistent, shell: /usr/sbin/nologin, comment: ""}}
      groups: {media: 1900}
      packages: {tzdata: true, docker-ce: false}
      docker:
        installed: true
        running: true
        enabled: true
        stale: false
        daemon: {live-restore: true}
        daemon_error: null
        environment: {MEDIASTACK_CONFIG: 5f70bf18a0860070}
        configured: {MEDIASTACK_CONFIG: 5f70bf18a0860070}
      generation: null
      displaced: null
      asked: null
      uid: 0
      sudo: true
      kernel: 6.12.48
      lease: null
      timezone: Etc/UTC
      apt_busy: false
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils import host_survey
from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import Docker


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=host_survey.ARGUMENTS, supports_check_mode=True)
    module.exit_json(changed=False, ansible_facts={"mediastack_host": host_survey.gather(module.params, Docker())})


if __name__ == "__main__":
    main()
