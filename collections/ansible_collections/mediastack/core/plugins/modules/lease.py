"""One writer per server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lease
short_description: One run at a time changes a server
description:
  - The first task of every changing playbook takes the lease; a second run fails at once and says who holds
    it.
  - A holder on the same controller that has died is replaced at once. Any other lease runs out by itself.
  - Changing modules of this collection renew it while they work, and so does the holder's own next
    C(acquired).
  - An action of the same name adds what only the controller knows. Never reports a change.
author: [mediastack maintainers]
options:
  state:
    description: V(read) only tells who holds it.
    type: str
    choices: [acquired, released, read]
    default: acquired
  ttl:
    description: Seconds until a lease that nobody renews runs out.
    type: float
    default: 900
  lease_directory:
    description: Where the lease is.
    type: path
    default: /run/mediastack
  learn:
    description: Options of M(mediastack.core.host_facts). With them, the run that has the lease learns what is there in
      the same round trip.
    type: dict
  claim:
    description: Who asks. Set by the action.
    type: dict
    default: {}
  replace:
    description: Run known to be dead. Set by the action.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
    description: Takes nothing, and warns of a holder.
  diff_mode:
    support: none
"""

EXAMPLES = r"""
- name: Be the only one who changes this server
  mediastack.core.lease:
    ttl: 900
  tags: always

- name: Be the only one who changes this server, and learn what is there
  mediastack.core.lease:
    learn: {paths: [/srv/media], users: [media]}
  tags: always

- name: Let others
  mediastack.core.lease:
    state: released
  tags: always
"""

RETURN = r"""
state:
  description: V(acquired), V(released), V(free) or V(held) by another run.
  returned: always
  type: str
holder:
  description: The lease in force, null where there is none.
  returned: always
  type: dict
ansible_facts:
  description: C(mediastack_lease) with C(run), empty in check mode, and C(who). With O(learn) also C(mediastack_host).
  returned: when state is acquired
  type: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils import host_survey, lease_file
from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import Docker

ARGUMENTS = {
    "state": {"type": "str", "choices": ["acquired", "released", "read"], "default": "acquired"},
    "ttl": {"type": "float", "default": 900.0},
    "lease_directory": {"type": "path", "default": lease_file.DIRECTORY},
    "learn": {"type": "dict", "options": host_survey.ARGUMENTS},
    "claim": {"type": "dict", "default": {}},
    "replace": {"type": "str", "default": ""},
}


def run(params: dict[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Take, give back or read; returns the module's result."""
    claim, directory = params["claim"], params["lease_directory"]
    holder = lease_file.read(directory)
    others = holder is not None and holder.get("run") != claim.get("run")
    facts = {"mediastack_lease": {"run": "", "who": claim.get("who", "")}}
    if params["state"] == "read" or check_mode:
        state = "held" if others else ("acquired" if holder else "free")
        result: dict[str, Any] = {"state": state, "holder": holder}
        return {**result, "ansible_facts": facts} if params["state"] == "acquired" else result
    if params["state"] == "released":
        released = lease_file.release(claim.get("run", ""), directory)
        return {
            "state": "released" if released or holder is None else "free",
            "holder": lease_file.read(directory),
        }
    if not claim.get("run"):
        raise lease_file.LeaseError("the lease has to be taken through the action of the same name, not by hand")
    taken, lease = lease_file.acquire(claim, params["ttl"], replace=params["replace"], directory=directory)
    facts["mediastack_lease"]["run"] = claim["run"] if taken else ""
    return {"state": "acquired" if taken else "held", "holder": lease, "ansible_facts": facts}


def learn(result: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """Add what there is on the server, unless another run holds it and this one will stop."""
    if params["learn"] is None or "ansible_facts" not in result:
        return result
    found = {"mediastack_host": host_survey.gather(params["learn"], Docker())}
    return {**result, "ansible_facts": {**result["ansible_facts"], **found}}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        result = run(module.params, check_mode=module.check_mode)
        result = learn(result, module.params)
        asked = (result.get("ansible_facts", {}).get("mediastack_host") or {}).get("asked") or {}
        for notice in asked.get("notices", []):
            module.warn(notice)
        module.exit_json(changed=False, **result)
    except (lease_file.LeaseError, OSError) as error:
        module.fail_json(msg=f"the server's lease: {error}")


if __name__ == "__main__":
    main()
