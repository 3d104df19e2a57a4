# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the stack's containers have logged."""

from __future__ import annotations

DOCUMENTATION = r"""
module: logs
short_description: Read what the instances of the stack have logged
description:
  - Reads the end of each container's log, side by side, in one call. Only containers with our label are read.
  - Changes nothing.
author: [mediastack maintainers]
options:
  instances:
    description: Only these. All by default.
    type: list
    elements: str
    default: []
  lines:
    description: How many lines of each.
    type: int
    default: 100
  label_prefix:
    description: Prefix of our labels.
    type: str
    default: mediastack
extends_documentation_fragment: [mediastack.core.reads_only]
"""

EXAMPLES = r"""
- name: Read the last lines of Radarr
  mediastack.core.logs:
    instances: [radarr]
    lines: 20
"""

RETURN = r"""
logs:
  description: The text of each instance, by name, with Docker's time stamps.
  returned: success
  type: dict
  sample: {radarr: "2026-11-21T09:12:40Z [Info] Bootstrap: Starting Radarr"}
"""

from functools import partial

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils.compose_verbs import VerbError, ours, select
from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import (
    Docker,
    DockerError,
    parallel,
    plain_container,
)


def read(docker: Docker, container: str, lines: int) -> str:
    """Return the end of one container's log, both streams, or why there is none."""
    done = docker.run("logs", "--timestamps", "--tail", str(lines), container)
    # Docker keeps the two streams apart; the time stamps put them in order again.
    return "\n".join(sorted((done.out + done.err).splitlines()))


def gather(docker: Docker, instances: list[str], lines: int, prefix: str) -> dict[str, str]:
    """Return the logs by instance; raises VerbError for an instance that is not deployed, and DockerError."""
    docker.need_engine()
    found = select(ours([plain_container(raw) for raw in docker.containers()], prefix), instances)
    chosen = sorted((item["instance"], item["name"]) for item in found)
    texts = parallel(*(partial(read, docker, container, lines) for _, container in chosen))
    return dict(zip([name for name, _ in chosen], texts))  # noqa: B905 - Python 3.9


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "instances": {"type": "list", "elements": "str", "default": []},
            "lines": {"type": "int", "default": 100},
            "label_prefix": {"type": "str", "default": "mediastack"},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        logs = gather(Docker(), params["instances"], params["lines"], params["label_prefix"])
    except (VerbError, DockerError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, logs=logs)


if __name__ == "__main__":
    main()
