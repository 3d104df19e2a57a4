"""What hardening changes beside files, packages and kernel settings."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hardening
short_description: Narrow permissions and mounts, switch units and PAM profiles
description:
  - Does what the filter C(hardening_plan) found to differ, in one round trip.
  - Files that units and profiles are made of have to be there before.
author: [mediastack maintainers]
options:
  permissions:
    description: Files and folders with the mode that they get. Links are never followed.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: path
        required: true
      mode:
        description: Octal mode, quoted.
        type: str
        required: true
  units:
    description: Units of systemd and what is done with them.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name with its ending.
        type: str
        required: true
      action:
        description: V(on) and V(off) now and at boot; V(mask) for good; V(restart) now.
        type: str
        choices: ["on", "off", mask, restart]
        required: true
  mounts:
    description: Places that are mounted anew with more options.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Where it is mounted.
        type: path
        required: true
      options:
        description: Options to add.
        type: list
        elements: str
        required: true
  loads:
    description: Commands that make files take effect.
    type: list
    elements: list
    default: []
  pam_on:
    description: Profiles of C(pam-auth-update) to switch on.
    type: list
    elements: str
    default: []
  pam_off:
    description: Profiles of ours to switch off and remove.
    type: list
    elements: str
    default: []
  pam_marks:
    description: What has to stand in PAM's files afterwards, as C(path, colon, text). What does not is told.
    type: list
    elements: str
    default: []
extends_documentation_fragment: [mediastack.core.lease_options]
attributes:
  check_mode:
    support: full
    description: Predicts the same changes.
  diff_mode:
    support: full
    description: One line for each change.
"""

EXAMPLES = r"""
- name: Nobody but root reads what cron will run
  mediastack.core.hardening:
    permissions: [{path: /etc/cron.d, mode: "0700"}]
    units: [{name: debug-shell.service, action: mask}]
"""

RETURN = r"""
changes:
  description: What was changed, in order.
  returned: always
  type: list
  elements: dict
  sample: [{name: /etc/cron.d, action: "0700"}]
refused:
  description: What could not be done, with the reason. The rest was done.
  returned: always
  type: list
  elements: str
"""

import subprocess
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils import hardening_host, host_system, systemd
from ansible_collections.mediastack.core.plugins.module_utils.arguments import LEASE_ARGUMENTS, writing

SECONDS = 90
PROFILES = "/usr/share/pam-configs"
VERBS = {
    "on": ["enable", "--now", "--no-block"],
    "off": ["disable", "--now"],
    "mask": ["mask"],
    "restart": ["restart"],
}


def run(argv: list[str]) -> str:
    """Run a command; return why it failed, or nothing."""
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    said = (done.stderr or done.stdout).strip().splitlines()
    return "" if done.returncode == 0 else f"{argv[0]} {argv[1]}: {said[-1] if said else done.returncode}"


class Work:
    """Steps, done or only predicted."""

    def __init__(self, *, predict: bool) -> None:
        """Begin with none."""
        self.predict = predict
        self.changes: list[dict[str, str]] = []
        self.refused: list[str] = []

    def step(self, name: str, action: str, *commands: list[str]) -> bool:
        """One change that commands make; whether it was made."""
        reason = "" if self.predict else next((said for argv in commands if (said := run(argv))), "")
        if reason:
            self.refused.append(f"{name}: {reason}")
            return False
        self.changes.append({"name": name, "action": action})
        return True

    def permissions(self, items: list[dict[str, Any]]) -> None:
        """Narrow what is open."""
        for item in items:
            try:
                if not self.predict:
                    hardening_host.narrow(item["path"], int(item["mode"], 8))
            except OSError as error:
                self.refused.append(f"{item['path']}: {error}")
            else:
                self.changes.append({"name": item["path"], "action": item["mode"]})

    def pam(self, params: dict[str, Any]) -> None:
        """Switch profiles. `pam-auth-update` leaves files alone that somebody has edited: then it is told."""
        for title in params["pam_off"]:
            if self.step(title, "pam off", ["pam-auth-update", "--package", "--remove", title]) and not self.predict:
                Path(PROFILES, title).unlink(missing_ok=True)
        if not params["pam_on"]:
            return
        self.step(
            ", ".join(params["pam_on"]), "pam on", ["pam-auth-update", "--package", "--enable", *params["pam_on"]]
        )
        for entry in () if self.predict else params["pam_marks"]:
            path, _, mark = entry.partition(": ")
            if mark not in host_system.read(path):
                self.refused.append(f"{path}: edited by hand, so that pam-auth-update leaves it alone")

    def units(self, items: list[dict[str, Any]]) -> None:
        """Switch units, once systemd has read what files say now."""
        if items and not self.predict:
            try:
                systemd.daemon_reload()
            except systemd.SystemdError as error:
                self.refused.append(str(error))
        for item in items:
            self.step(item["name"], item["action"], ["systemctl", *VERBS[item["action"]], item["name"]])


def main() -> None:
    """Run the module."""
    item = {"type": "list", "elements": "dict", "default": []}
    path = {"type": "path", "required": True}
    name = {"type": "str", "required": True}
    words = {"type": "list", "elements": "str", "default": []}
    module = AnsibleModule(
        argument_spec={
            "permissions": {**item, "options": {"path": path, "mode": name}},
            "units": {**item, "options": {"name": name, "action": {**name, "choices": list(VERBS)}}},
            "mounts": {
                **item,
                "options": {"path": path, "options": {"type": "list", "elements": "str", "required": True}},
            },
            "loads": {"type": "list", "elements": "list", "default": []},
            "pam_on": words,
            "pam_off": words,
            "pam_marks": words,
            **LEASE_ARGUMENTS,
        },
        supports_check_mode=True,
    )
    params = module.params
    work = Work(predict=module.check_mode)
    with writing(module):
        work.permissions(params["permissions"])
        work.pam(params)
        work.units(params["units"])
        for mount in params["mounts"]:
            options = "remount," + ",".join(mount["options"])
            work.step(mount["path"], options, ["mount", "-o", options, mount["path"]])
        for argv in params["loads"]:
            work.step(argv[0], "run", argv)
    lines = "".join(f"{change['name']}: {change['action']}\n" for change in work.changes)
    module.exit_json(
        changed=bool(work.changes), changes=work.changes, refused=work.refused, diff={"before": "", "after": lines}
    )


if __name__ == "__main__":
    main()
