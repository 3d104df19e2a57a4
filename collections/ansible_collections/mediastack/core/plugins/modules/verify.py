"""Prove on the server that it runs the resolved stack."""

from __future__ import annotations

DOCUMENTATION = r"""
module: verify
short_description: Prove that a server runs the resolved stack
description:
  - Executes checks that the controller planned, side by side, and says for each one what was seen.
  - Changes nothing. The hardlink check writes a file, links it and removes both; check mode skips it.
author: [mediastack contributors]
version_added: 0.1.0
options:
  checks:
    description:
      - What to check, as C(plugin_utils/verify_plan.py) describes it.
      - The kinds are C(container), C(api), C(namespace), C(hardlink), C(ports), C(stack_equal), C(https),
        C(storage), C(confined), C(limits) and C(hardened). A kind that this module does not know fails.
    type: list
    elements: dict
    required: true
  secrets:
    description: The values of the secrets that checks name, as C(<instance>/<name>).
    type: dict
    default: {}
  timeout:
    description: Seconds that one request or command may take. A whole check may take three times as long.
    type: int
    default: 15
  wait:
    description:
      - Seconds for which a check is repeated while nobody answers, for use right after a start.
      - An answer that is wrong is never asked for again, because applications ban who fails to sign in.
    type: int
    default: 0
  parallel:
    description: How many checks run at a time.
    type: int
    default: 16
  fail_on_failure:
    description: Whether the task fails when a check does. A check of severity C(warn) never makes it fail.
    type: bool
    default: false
extends_documentation_fragment: [mediastack.core.reads_only]
"""

EXAMPLES = r"""
- name: Prove the stack
  mediastack.core.verify:
    checks:
      - id: container.radarr
        kind: container
        group: containers
        title: radarr is healthy
        remedy: mediastack-provision logs radarr
        severity: fail
        instance: radarr
        container: radarr
        health: true
    secrets: {}
  register: proof
"""

RETURN = r"""
checks:
  description: One result for each check, in the order given. A part of the host that is not hardened has none.
  returned: always
  type: list
  elements: dict
  sample:
    - id: container.radarr
      group: containers
      title: radarr is healthy
      instance: radarr
      status: pass
      evidence: running, healthy
      remedy: mediastack-provision logs radarr
      seconds: 0.001
counts:
  description: How many checks ended as C(pass), C(fail), C(warn) and C(skip), and their C(total).
  returned: always
  type: dict
  sample: {pass: 41, fail: 1, warn: 0, skip: 0, total: 42}
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils.checks import run

if TYPE_CHECKING:
    from collections.abc import Mapping

ARGUMENTS: dict[str, Any] = {
    "checks": {"type": "list", "elements": "dict", "required": True},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "timeout": {"type": "int", "default": 15},
    "wait": {"type": "int", "default": 0},
    "parallel": {"type": "int", "default": 16},
    "fail_on_failure": {"type": "bool", "default": False},
}


def verify(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """The module's result: checks, counts, changed and, when that was asked for, failed with a message."""
    results = run.run(
        params["checks"],
        params["secrets"],
        timeout=params["timeout"],
        wait=params["wait"],
        parallel=params["parallel"],
        check_mode=check_mode,
    )
    counts = run.counts(results)
    result = {"changed": False, "checks": results, "counts": counts}
    if params["fail_on_failure"] and counts["fail"]:
        failed = [f"{r['title']}: {r['evidence']} ({r['remedy']})" for r in results if r["status"] == "fail"]
        summary = f"{counts['fail']} of {counts['total']} checks fail. "
        return {**result, "failed": True, "msg": summary + " · ".join(failed)}
    return result


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    result = verify(module.params, check_mode=module.check_mode)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
