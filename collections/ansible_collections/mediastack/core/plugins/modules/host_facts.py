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
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
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
    - C(engine), C(generation) and C(lease) are null where there is none. C(users) and C(groups) hold those
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
      uid: 0
      sudo: true
      kernel: 6.12.48
      lease: null
      timezone: Etc/UTC
      apt_busy: false
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils import (
    engine_socket,
    generations,
    host_docker,
    host_net,
    host_system,
    kernel,
    lease_file,
)
from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import (
    Docker,
    DockerError,
    parallel,
    plain_container,
    plain_network,
)
from ansible_collections.mediastack.core.plugins.module_utils.image_pull import architecture


def engine_facts(docker: Docker) -> dict[str, Any]:
    """Engine, containers and networks; all asked at once, empty where there is no engine or it sleeps."""

    def quietly(read: Any) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = read()
        except DockerError:
            return []
        return found

    if host_docker.asleep():
        return {"engine": None, "raw_containers": [], "raw_networks": []}
    engine, containers, networks = parallel(
        docker.engine, lambda: quietly(docker.containers), lambda: quietly(docker.networks)
    )
    return {"engine": engine, "raw_containers": containers, "raw_networks": networks}


def addresses_of(raw: dict[str, Any]) -> list[str]:
    """The addresses of one container on its networks."""
    attached = ((raw.get("NetworkSettings") or {}).get("Networks") or {}).values()
    pairs = [(item.get("IPAddress"), item.get("GlobalIPv6Address")) for item in attached]
    return [address for pair in pairs for address in pair if address]


def shown(item: dict[str, Any], prefix: str) -> dict[str, Any]:
    """A container or network with Compose's labels and ours only: others' may hold passwords."""
    readable = (f"{prefix}.", "com.docker.compose.")
    return {**item, "labels": {name: value for name, value in item["labels"].items() if name.startswith(readable)}}


def kernel_setting(name: str) -> dict[str, str]:
    """The present value of a setting, and why it cannot be set (empty when it can)."""
    value, reason = kernel.look(Path("/proc/sys"), name)
    return {"value": value, "reason": reason}


def gather(params: dict[str, Any], docker: Docker) -> dict[str, Any]:
    """Everything, in the shape of the documentation's sample."""
    asked = engine_facts(docker)
    raws, mark = asked["raw_containers"], f"{params['label_prefix']}.managed"
    ours = [raw for raw in raws if ((raw.get("Config") or {}).get("Labels") or {}).get(mark) == "true"]
    our_addresses = {address for raw in ours for address in addresses_of(raw)}
    containers = [{**plain_container(raw), "stale": engine_socket.stale(raw)} for raw in raws]
    networks = [plain_network(raw) for raw in asked["raw_networks"]]
    return {
        **host_system.basics(),
        "arch": architecture(),
        "engine": asked["engine"],
        "containers": [shown(item, params["label_prefix"]) for item in containers],
        "networks": [shown(item, params["label_prefix"]) for item in networks],
        "listening": host_net.listening(our_addresses, [raw["Id"] for raw in ours]),
        "addresses": host_net.addresses(),
        "filesystems": host_system.filesystems(params["paths"]),
        "paths": {path: host_system.describe_path(path) for path in params["paths"]},
        "states": {path: host_system.describe_state(path) for path in params["states"]},
        "kernel_settings": {name: kernel_setting(name) for name in params["kernel_settings"]},
        "users": host_system.users(params["users"]),
        "groups": host_system.groups(params["groups"]),
        "packages": host_docker.installed(params["packages"]),
        "docker": host_docker.engine_setup(),
        "generation": generations.current(params["state_directory"]),
        "lease": lease_file.read(),
    }


def main() -> None:
    """Run the module."""
    arguments = {
        "paths": {"type": "list", "elements": "path", "default": []},
        "states": {"type": "list", "elements": "path", "default": []},
        "kernel_settings": {"type": "list", "elements": "str", "default": []},
        "users": {"type": "list", "elements": "str", "default": []},
        "groups": {"type": "list", "elements": "str", "default": []},
        "packages": {"type": "list", "elements": "str", "default": []},
        "state_directory": {"type": "path", "default": "/var/lib/mediastack"},
        "label_prefix": {"type": "str", "default": "mediastack"},
    }
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    module.exit_json(changed=False, ansible_facts={"mediastack_host": gather(module.params, Docker())})


if __name__ == "__main__":
    main()
