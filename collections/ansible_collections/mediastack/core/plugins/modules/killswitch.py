"""Bring the kernel's kill-switch to what is wanted."""

from __future__ import annotations

DOCUMENTATION = r"""
module: killswitch
short_description: Bring the kernel to a kill-switch's table and rules
description:
  - The table is replaced in one transaction, so that there is no moment without it; of the policy routing's rules,
    black holes are added first and taken away last.
  - What the kernel has is compared with what it makes of the same text in a network namespace of its own.
author: [mediastack maintainers]
options:
  table:
    description: The table's text for C(nft -f). Empty removes it.
    type: str
    default: ''
  rules:
    description: Words of C(ip rule add) for each family, C(4) and C(6), in order of priority, 700 to 799.
    type: dict
    default: {"4": [], "6": []}
  disabled:
    description: Units that are not to start at boot any more, changed in the same step.
    type: list
    elements: str
    default: []
  stopped:
    description: Units that are stopped first, in the same step, because they would put back what is taken away.
    type: list
    elements: str
    default: []
  state:
    description:
      - V(applied) brings them in.
      - V(tried) does so in a namespace that ends with the module, and fails with what this kernel does not take.
    type: str
    choices: [applied, tried]
    default: applied
extends_documentation_fragment: [mediastack.core.lease_options]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
"""

EXAMPLES = r"""
- name: Keep the VPN zone in
  mediastack.core.killswitch:
    table: "{{ plan.table }}"
    rules: "{{ plan.rules }}"

- name: Let it go
  mediastack.core.killswitch:
    stopped: [watch.service]
    disabled: [watch.service, boot.service]
"""

RETURN = r"""
faults:
  description: What was not as wanted before, units that ran or were enabled included.
  returned: success
  type: list
  elements: str
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils import killswitch_kernel as kernel
from ansible_collections.mediastack.core.plugins.module_utils import systemd
from ansible_collections.mediastack.core.plugins.module_utils.arguments import LEASE_ARGUMENTS, writing

if TYPE_CHECKING:
    from collections.abc import Iterable


def described(table: str, rules: dict[str, list[str]]) -> str:
    """One side of the diff."""
    lines = [f"ip -{family} rule: {line}\n" for family, found in sorted(rules.items()) for line in found]
    return table + "".join(lines)


def retire(stopped: Iterable[str], disabled: Iterable[str], *, check: bool) -> list[str]:
    """Stop and disable units; returns what was to be done. Raises SystemdError."""
    said = systemd.show([*stopped, *disabled], systemd.CONDITION)
    active = [name for name in stopped if systemd.condition(said[name])["active"]]
    enabled = [name for name in disabled if systemd.condition(said[name])["enabled"]]
    for verb, names in (("stop", active), ("disable", enabled)):
        if names and not check:
            systemd.call(verb, "--", *names)
    return [*(f"{name} runs" for name in active), *(f"{name} is enabled" for name in enabled)]


def run(module: AnsibleModule) -> dict[str, Any]:
    """Do what is asked for. Raises KernelError."""
    table, rules = module.params["table"], module.params["rules"]
    wanted = kernel.rehearse(table, rules)
    if module.params["state"] == "tried":
        return {"changed": False, "faults": []}
    with writing(module):
        retired = retire(module.params["stopped"], module.params["disabled"], check=module.check_mode)
        return apply(module, wanted, retired)


def apply(module: AnsibleModule, wanted: dict[str, Any], retired: list[str]) -> dict[str, Any]:
    """Bring the kernel to it. Raises KernelError."""
    table, rules = module.params["table"], module.params["rules"]
    with kernel.alone():
        faults = kernel.faults(wanted)
        before = described(kernel.listed(), {family: kernel.rules_now(family) for family in wanted["rules"]})
        problems = [] if module.check_mode else kernel.bring(table, rules, wanted)
    if problems:
        raise kernel.KernelError("; ".join(problems))
    diff = {"before": before, "after": described(wanted["table"], wanted["rules"])}
    return {"changed": bool(faults or retired), "faults": [*retired, *faults], "diff": diff}


def main() -> None:
    """Run the module."""
    arguments = {
        "table": {"type": "str", "default": ""},
        "rules": {"type": "dict", "default": kernel.EMPTY},
        "disabled": {"type": "list", "elements": "str", "default": []},
        "stopped": {"type": "list", "elements": "str", "default": []},
        "state": {"type": "str", "choices": ["applied", "tried"], "default": "applied"},
        **LEASE_ARGUMENTS,
    }
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    try:
        module.exit_json(**run(module))
    except (kernel.KernelError, OSError) as error:
        module.fail_json(msg=f"kill-switch: this kernel does not take it: {error}")
    except systemd.SystemdError as error:
        module.fail_json(msg=f"kill-switch: {error}")


if __name__ == "__main__":
    main()
