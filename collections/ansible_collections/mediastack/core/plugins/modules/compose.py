"""Containers and networks of the stack."""

from __future__ import annotations

DOCUMENTATION = r"""
module: compose
short_description: Bring containers and networks to what the stack says
description:
  - Compares every container and network that carries our label with the stack, and says what it would
    create, recreate,
    start or remove and why. The same pure comparison serves the plan and the run.
  - Applies with C(docker compose), never pulls, and waits until every service is healthy.
  - What does not carry our label is never touched. A foreign container or network with a name of ours is a
    refusal.
  - Needs no engine in check mode. Without one everything is new. With one that is installed but does not answer,
    the record of what was applied says what is there, because an engine that is started brings that back.
author: [mediastack maintainers]
options:
  state:
    description: What to reach. All but V(applied) work from the containers alone.
    type: str
    choices: [applied, stopped, started, restarted, removed]
    default: applied
  projects:
    description: Compose projects in the order in which they are brought up.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the compose project.
        type: str
        required: true
      directory:
        description: Where its files are.
        type: path
        required: true
      files:
        description: Its files, relative to the directory or absolute, later ones override.
        type: list
        elements: str
        required: true
      services:
        description:
          - What has to run, by instance name, which is the compose service's name too. Each has
            C(container), C(reference),
            C(digest) or null, C(spec), C(gateway) or null, C(workload) (service, scheduled, manual) and
            optionally
            C(networks), the names of those it has to be attached to.
        type: dict
        required: true
  networks:
    description: Networks the stack needs. Compose files name them as external.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the network.
        type: str
        required: true
      subnet:
        description: Its subnet.
        type: str
        required: true
      bridge:
        description: Name of its interface on the host. The engine's choice where it is not given.
        type: str
      internal:
        description: Whether there is no way out of it.
        type: bool
        default: false
      gateway:
        description: The bridge's own address.
        type: str
  instances:
    description: Only these, and what is in the network namespace of one of them. Not for V(applied).
    type: list
    elements: str
    default: []
  config_root:
    description: Folder that has a folder of its own for each instance. The removal of one says that it is kept.
    type: path
  state_directory:
    description: The stack's state directory, where the record of what was applied is.
    type: path
    default: /var/lib/mediastack
  wait_timeout:
    description: Seconds until every service has to be healthy.
    type: float
    default: 300
  label_prefix:
    description: Prefix of our labels.
    type: str
    default: mediastack
extends_documentation_fragment: [mediastack.core.lease_options]
attributes:
  check_mode:
    support: full
    description: Predicts the same changes, also on a server without an engine.
  diff_mode:
    support: full
    description: State, image and specification of each changed instance.
"""

EXAMPLES = r"""
- name: Bring the stack up
  mediastack.core.compose:
    projects: "{{ mediastack_rendered.projects }}"
    networks: "{{ mediastack_stack.networks }}"
    wait_timeout: 300
    lease: "{{ ansible_facts.mediastack_lease.run }}"

- name: Stop a gateway and what is behind it
  mediastack.core.compose:
    state: stopped
    instances: [gluetun]
"""

RETURN = r"""
changes:
  description:
    - What was, or would be, changed. Either C(instance) or C(network) is set.
    - The removal of an instance has C(kept), the folder below O(config_root) that stays, and C(kept_bytes), its size.
      Both are null where there is nothing, C(kept_bytes) also where measuring takes too long.
  returned: always
  type: list
  elements: dict
  sample:
    - {instance: radarr, container: radarr, network: null, action: recreate, reason: is stranded}
running:
  description: Instances of ours that run at the end.
  returned: success
  type: list
  elements: str
states:
  description: State, health, id and start of each service.
  returned: when state is applied
  type: dict
engine:
  description: Whether there was an engine to compare with.
  returned: always
  type: bool
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils import compose_verbs as verbs
from ansible_collections.mediastack.core.plugins.module_utils import generations, host_docker, recorded
from ansible_collections.mediastack.core.plugins.module_utils.arguments import (
    LEASE_ARGUMENTS,
    wants_diff,
    writing,
)
from ansible_collections.mediastack.core.plugins.module_utils.compose_apply import (
    ApplyError,
    Options,
    apply,
    observe,
    precheck,
    running_now,
    wait_healthy,
)
from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import (
    Docker,
    DockerError,
    plain_container,
    plain_network,
)
from ansible_collections.mediastack.core.plugins.module_utils.kept import with_kept
from ansible_collections.mediastack.core.plugins.module_utils.stack_diff import (
    RefusalError,
    View,
    change,
    describe,
    diff,
)

PROJECT = {
    "name": {"type": "str", "required": True},
    "directory": {"type": "path", "required": True},
    "files": {"type": "list", "elements": "str", "required": True},
    "services": {"type": "dict", "required": True},
}
NETWORK = {
    "name": {"type": "str", "required": True},
    "subnet": {"type": "str", "required": True},
    "bridge": {"type": "str"},
    "internal": {"type": "bool", "default": False},
    "gateway": {"type": "str"},
}
ARGUMENTS = {
    "state": {
        "type": "str",
        "choices": ["applied", "stopped", "started", "restarted", "removed"],
        "default": "applied",
    },
    "projects": {"type": "list", "elements": "dict", "default": [], "options": PROJECT},
    "networks": {"type": "list", "elements": "dict", "default": [], "options": NETWORK},
    "instances": {"type": "list", "elements": "str", "default": []},
    "config_root": {"type": "path"},
    "state_directory": {"type": "path", "default": "/var/lib/mediastack"},
    "wait_timeout": {"type": "float", "default": 300.0},
    "label_prefix": {"type": "str", "default": "mediastack"},
    **LEASE_ARGUMENTS,
}


def may_ask(module: AnsibleModule) -> bool:
    """Whether the engine may be asked: a plan starts none."""
    return not (module.check_mode and host_docker.asleep())


def look(module: AnsibleModule, docker: Docker, wanted: dict[str, Any], *, engine: bool) -> dict[str, Any]:
    """What is there, as far as it can be known."""
    if engine:
        return observe(docker, wanted)
    record = generations.current(module.params["state_directory"]) if host_docker.has_engine() else None
    return recorded.containers_and_networks(record, module.params["label_prefix"])


def run_applied(module: AnsibleModule, docker: Docker) -> dict[str, Any]:
    """Compare and apply; returns the module's result."""
    params, prefix = module.params, module.params["label_prefix"]
    wanted = {"projects": params["projects"], "networks": params["networks"]}
    engine = may_ask(module) and docker.answers()
    if not engine and not module.check_mode:
        docker.need_engine()
    actual = look(module, docker, wanted, engine=engine)
    view = View(wanted, actual, prefix)
    changes = with_kept(diff(wanted, actual, prefix), params["config_root"])
    result = {"changed": bool(changes), "changes": changes, "engine": engine}
    if wants_diff(module):
        result["diff"] = describe(view, changes)
    if module.check_mode:
        running = [name for name in view.services if (view.container(name) or {}).get("state") == "running"]
        return {**result, "running": sorted(running)}
    options = Options(params["wait_timeout"], prefix)
    try:
        if changes:
            precheck(docker, wanted, view)
            apply(docker, wanted, view, changes, options)
        states = wait_healthy(docker, view, options, changed=bool(changes))
    except (ApplyError, DockerError) as error:
        text = str(error)
        if "running:" not in text:
            text += "\n" + running_now(docker, prefix)
        module.fail_json(msg=text, **result)
    return {**result, "states": states, "running": sorted(states)}


def run_verb(module: AnsibleModule, docker: Docker) -> dict[str, Any]:
    """Stop, start, restart or remove; returns the module's result."""
    params, prefix = module.params, module.params["label_prefix"]
    engine = may_ask(module) and docker.answers()
    if not engine:
        if not module.check_mode and params["state"] != "removed":
            docker.need_engine()
        return {"changed": False, "changes": [], "running": [], "engine": False}
    found = verbs.ours([plain_container(raw) for raw in docker.containers()], prefix)
    changes = verbs.plan(params["state"], found, params["instances"])
    networks: list[str] = []
    if params["state"] == "removed" and not params["instances"]:
        networks = verbs.networks_to_remove([plain_network(raw) for raw in docker.networks()], prefix)
    if not module.check_mode:
        verbs.run(docker, found, changes)
        for name in networks:
            docker.must("network", "rm", name)
    changes = changes + [change("remove", "asked for", network=name) for name in networks]
    stopped = {item["instance"] for item in changes if item["action"] in ("stop", "remove")}
    started = {item["instance"] for item in changes if item["action"] in ("start", "restart")}
    running = {item["instance"] for item in found if item["state"] == "running"}
    return {
        "changed": bool(changes),
        "changes": changes,
        "running": sorted((running | started) - stopped),
        "engine": True,
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    docker = Docker()
    try:
        with writing(module):
            run = run_applied if module.params["state"] == "applied" else run_verb
            result = run(module, docker)
        module.exit_json(**result)
    except (RefusalError, DockerError, verbs.VerbError) as error:
        module.fail_json(msg=str(error), changes=[])


if __name__ == "__main__":
    main()
