"""Images of the stack."""

from __future__ import annotations

DOCUMENTATION = r"""
module: images
short_description: Pull the images that are missing and learn their digests
description:
  - An image whose digest is known is wanted by digest; any other by tag, once. What is here is never pulled
    again.
  - Pulls several at once. Whatever cannot be had is named with its services and the reason, before anything
    that runs
    is touched.
author: [mediastack maintainers]
options:
  images:
    description: What is needed.
    type: list
    elements: dict
    required: true
    suboptions:
      reference:
        description: Image with registry and tag.
        type: str
        required: true
      digest:
        description: C(sha256:…) of the generation in force, if any.
        type: str
      instances:
        description: Who needs it, for error messages.
        type: list
        elements: str
        default: []
  tries:
    description: How often a pull is tried when trying again can help.
    type: int
    default: 3
  timeout:
    description: Seconds that one pull may take.
    type: float
    default: 1800
  state_directory:
    description: The stack's state directory, where the record of what was applied is.
    type: path
    default: /var/lib/mediastack
extends_documentation_fragment: [mediastack.core.lease_options]
attributes:
  check_mode:
    support: full
    description: Lists what would be pulled, also without an engine.
  diff_mode:
    support: full
"""

EXAMPLES = r"""
- name: Pull what is missing
  mediastack.core.images:
    images:
      - reference: lscr.io/linuxserver/radarr:6.3.0
        digest: null
        instances: [radarr, radarr-4k]
    lease: "{{ ansible_facts.mediastack_lease.run }}"
"""

RETURN = r"""
digests:
  description: Digest of each reference; null for an image that never was in a registry, or is not here yet.
  returned: success
  type: dict
  sample: {"lscr.io/linuxserver/radarr:6.3.0": "sha256:…"}
pulled:
  description: References that were, or would be, pulled.
  returned: success
  type: list
  elements: str
engine:
  description: Whether there was an engine to ask.
  returned: success
  type: bool
engine_version:
  description: Version of the engine, also of one that is installed but does not answer; null without one.
  returned: success
  type: str
compose_version:
  description: Version of Compose, null without one.
  returned: success
  type: str
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils import generations, host_docker, recorded
from ansible_collections.mediastack.core.plugins.module_utils.arguments import (
    LEASE_ARGUMENTS,
    wants_diff,
    writing,
)
from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import Docker, DockerError, parallel
from ansible_collections.mediastack.core.plugins.module_utils.image_pull import (
    PullError,
    check_architecture,
    local,
    pull_all,
    wanted_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.mediastack.core.plugins.module_utils.image_pull import Wanted

IMAGE = {
    "reference": {"type": "str", "required": True},
    "digest": {"type": "str"},
    "instances": {"type": "list", "elements": "str", "default": []},
}
ARGUMENTS = {
    "images": {"type": "list", "elements": "dict", "required": True, "options": IMAGE},
    "tries": {"type": "int", "default": 3},
    "timeout": {"type": "float", "default": 1800.0},
    "state_directory": {"type": "path", "default": "/var/lib/mediastack"},
    **LEASE_ARGUMENTS,
}


def known(wanted: Sequence[Wanted], state: str) -> dict[str, dict[str, Any]]:
    """What an engine that is installed, but does not answer, has according to the record of what was applied."""
    there = recorded.images(generations.current(state)) if host_docker.has_engine() else set()
    return {
        item.reference: {"digest": item.digest, "arch": ""} for item in wanted if (item.reference, item.digest) in there
    }


def run(module: AnsibleModule, docker: Docker) -> dict[str, Any]:
    """Find what is missing and pull it; returns the module's result."""
    wanted = wanted_of(module.params["images"])
    version, compose = parallel(docker.version, docker.compose_version)
    engine = version is not None
    if not engine and not module.check_mode:
        docker.need_engine()
    found = local(docker, wanted) if engine else known(wanted, module.params["state_directory"])
    missing = [item for item in wanted if item.reference not in found]
    if missing and not module.check_mode:
        with writing(module):
            pull_all(docker, missing, module.params["tries"], module.params["timeout"])
            found = local(docker, wanted)
    check_architecture(wanted, found)
    result = {
        "changed": bool(missing),
        "digests": {item.reference: (found.get(item.reference) or {}).get("digest", item.digest) for item in wanted},
        "pulled": sorted(item.reference for item in missing),
        "engine": engine,
        "engine_version": version or host_docker.installed_version(),
        "compose_version": compose,
    }
    if wants_diff(module):
        result["diff"] = [
            {
                "before_header": item.asked,
                "after_header": item.asked,
                "before": "absent\n",
                "after": "pulled\n",
            }
            for item in missing
        ]
    return result


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        module.exit_json(**run(module, Docker()))
    except (PullError, DockerError) as error:
        module.fail_json(msg=str(error), pulled=[])


if __name__ == "__main__":
    main()
