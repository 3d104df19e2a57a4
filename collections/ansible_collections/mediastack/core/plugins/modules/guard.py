"""A change that could lock its owner out undoes itself unless it is confirmed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: guard
short_description: Let the server undo a change by itself unless it is confirmed
description:
  - V(armed) saves files as they are and starts a countdown on the server, a systemd timer. Then make the change, see
    from outside that the server is still reachable, and call the module with V(confirmed).
  - If that does not come, the server puts the files back and runs the commands of O(restore), without the controller
    and without Ansible. After a reboot it puts the files back at once, before services start.
author: [mediastack maintainers]
options:
  name:
    description: Name of the guard. One name, one change at a time.
    type: str
    required: true
  state:
    description:
      - V(armed) keeps the first saved state when it is armed already, adds what is new, and starts the countdown anew.
      - V(confirmed) keeps the new state and forgets the old one; it fails when the server has gone back already.
        It comes over a connection of its own, never one that is open, and is tried for half of O(seconds), but not
        longer than 30 seconds, as long as the server does not answer; 5 seconds where it refuses to be connected to.
        That nobody came in is a failure, not an unreachable host.
      - V(rolled_back) goes back now; nothing happens when it is not armed, or when another run has armed it since.
    type: str
    choices: [armed, confirmed, rolled_back]
    required: true
  arming:
    description:
      - What RV(arming) was when this run armed the guard. Required with V(state=confirmed), so that what is left of a
        run that was killed cannot confirm the next run's change.
      - Without it, V(state=rolled_back) goes back whoever has armed it.
    type: str
  paths:
    description: Files and links to save, or their absence.
    type: list
    elements: path
    default: []
  restore:
    description:
      - Commands, each a list of words, that make the old files take effect. A failing one does not stop the others.
      - They are not run at boot, when services start with the old files anyway, unless a first attempt has failed.
    type: list
    elements: list
    default: []
  seconds:
    description: Length of the countdown, 5 to 3600. Give the same when confirming.
    type: int
    default: 120
  directory:
    description: Where guards keep what they saved.
    type: path
    default: /var/lib/mediastack/guard
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    description: The state of the guard, and the paths it would save or put back.
"""

EXAMPLES = r"""
- name: Go back by yourself unless I confirm
  mediastack.core.guard:
    name: ssh
    state: armed
    paths: [/etc/ssh/sshd_config.d/01-mediastack.conf]
    restore: [[systemctl, restart, ssh.service]]
    seconds: 120
  register: armed

- name: Change it
  mediastack.core.files:
    files: [{path: /etc/ssh/sshd_config.d/01-mediastack.conf, content: "PasswordAuthentication no\n"}]

- name: Say that all is well, over a new connection
  mediastack.core.guard:
    name: ssh
    state: confirmed
    arming: "{{ armed.arming }}"
    seconds: 120
"""

RETURN = r"""
armed:
  description: Whether the guard was armed before.
  returned: success
  type: bool
arming:
  description: The name of the arming that is in force; empty when there is none, and in check mode.
  returned: success
  type: str
paths:
  description: What is or was saved.
  returned: success
  type: list
  elements: str
"""

import sys
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils import guard, guard_rollback, systemd

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["armed", "confirmed", "rolled_back"], "required": True},
    "arming": {"type": "str"},
    "paths": {"type": "list", "elements": "path", "default": []},
    "restore": {"type": "list", "elements": "list", "default": []},
    "seconds": {"type": "int", "default": 120},
    "directory": {"type": "path", "default": guard.DIRECTORY},
}
AFTER = {"armed": "armed", "confirmed": "not armed", "rolled_back": "not armed"}


def systemctl(*words: str) -> None:
    """Call it; raises GuardError. A rollback takes the time that its commands take."""
    if not systemd.runs_here():
        raise guard.GuardError("this server is not run by systemd, so nothing could undo the change")
    try:
        systemd.call(*words, seconds=None)
    except systemd.SystemdError as error:
        raise guard.GuardError(str(error)) from error


def described(state: str, paths: list[str]) -> str:
    """One side of the diff."""
    return "".join(f"{line}\n" for line in (state, *paths))


def run(module: AnsibleModule) -> dict[str, Any]:
    """Do what is asked for; returns the module's result."""
    params = module.params
    guard.refuse(params["name"], params["seconds"], params["paths"], params["restore"])
    one = guard.Guard(params["name"], Path(params["directory"]), guard_rollback.UNITS, guard_rollback.RUN, systemctl)
    before = one.state()
    saved = [entry["path"] for entry in before["paths"]] if before else []
    wanted = params["state"]
    after = list(dict.fromkeys([*saved, *params["paths"]])) if wanted == "armed" else []
    diff = {
        "before": described("armed" if before else "not armed", saved),
        "after": described(AFTER[wanted], after),
    }
    result = {"armed": before is not None, "arming": "", "paths": after or saved, "diff": diff}
    if wanted == "armed":
        if not module.check_mode:
            result["arming"] = guard.arm(one, params["paths"], params["restore"], params["seconds"], sys.executable)
        return {**result, "changed": True}
    if wanted == "rolled_back" and before and params["arming"] not in {None, before.get("arming")}:
        return {**result, "arming": before.get("arming", ""), "changed": False, "diff": {}}
    if not module.check_mode and wanted == "confirmed":
        guard.confirm(one, params["arming"])
    if not module.check_mode and wanted == "rolled_back" and before:
        guard.roll_back(one)
    return {**result, "changed": before is not None}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS, supports_check_mode=True, required_if=[("state", "confirmed", ["arming"])]
    )
    try:
        module.exit_json(**run(module))
    except (guard.GuardError, OSError) as error:
        module.fail_json(msg=f"guard {module.params['name']}: {error}")


if __name__ == "__main__":
    main()
