"""fail2ban's configuration, taken as a whole or not at all."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fail2ban
short_description: Give fail2ban its configuration, and see that it runs with it
description:
  - Tries the new configuration on a copy (C(fail2ban-client -t)) before anything is written, writes what differs, and
    lets fail2ban take it. Whether it has to is seen from what runs, so that a run that was killed loses nothing.
  - Puts back bans that the firewall has lost.
author: [mediastack maintainers]
options:
  state:
    description: V(absent) removes the files in O(absent) and stops the service; nobody is banned by it any more.
    type: str
    choices: [present, absent]
    default: present
  files:
    description: Files that have to exist, as in M(mediastack.core.files).
    type: list
    elements: dict
    default: []
  absent:
    description: Files that must not exist.
    type: list
    elements: path
    default: []
  roots:
    description: Directories below which something may be removed.
    type: list
    elements: path
    default: []
  jails:
    description: Names of the jails that have to run.
    type: list
    elements: str
    default: []
  revision:
    description: What the action of every running jail has to say of its configuration.
    type: str
    default: ""
  prefix6:
    description: Length of the networks that are banned for an IPv6 address.
    type: int
    default: 128
extends_documentation_fragment: [mediastack.core.lease_options]
attributes:
  check_mode:
    support: full
    description: Predicts the same changes. The configuration is tried where fail2ban is installed.
  diff_mode:
    support: full
"""

EXAMPLES = r"""
- name: Ban who guesses passwords
  mediastack.core.fail2ban:
    files: "{{ plan.files }}"
    jails: [sshd]
    revision: "{{ plan.revision }}"
"""

RETURN = r"""
changes:
  description: What was changed, in order.
  returned: success
  type: list
  elements: dict
  sample: [{name: fail2ban.service, action: reloaded}, {name: "sshd: 192.0.2.7/32 put back", action: repaired}]
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils import fail2ban_host as host
from ansible_collections.mediastack.core.plugins.module_utils import fail2ban_watch as watch
from ansible_collections.mediastack.core.plugins.module_utils import systemd
from ansible_collections.mediastack.core.plugins.module_utils.arguments import LEASE_ARGUMENTS, wants_diff, writing
from ansible_collections.mediastack.core.plugins.module_utils.files_apply import apply
from ansible_collections.mediastack.core.plugins.module_utils.files_plan import (
    FilesError,
    Ids,
    Plan,
    diff_of,
    make_plan,
)
from ansible_collections.mediastack.core.plugins.module_utils.safe_path import Directories

ARGUMENTS = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "files": {"type": "list", "elements": "dict", "default": []},
    "absent": {"type": "list", "elements": "path", "default": []},
    "roots": {"type": "list", "elements": "path", "default": []},
    "jails": {"type": "list", "elements": "str", "default": []},
    "revision": {"type": "str", "default": ""},
    "prefix6": {"type": "int", "default": 128},
    **LEASE_ARGUMENTS,
}
UNIT_DIRECTORY = "/etc/systemd/system/"


def turn(*, on: bool, write: bool) -> list[dict[str, Any]]:
    """The units as wanted; the service itself is started by `load`."""
    changes = []
    for unit, state in host.units().items():
        if state["enabled"] != on:
            changes.append({"name": unit, "action": "enabled" if on else "disabled"})
            if write:
                systemd.call("enable" if on else "disable", unit)
        if state["active"] != on and (unit == host.TIMER or not on):
            changes.append({"name": unit, "action": "started" if on else "stopped"})
            if write:
                systemd.call("start" if on else "stop", unit)
    return changes


def taken(params: dict[str, Any], *, write: bool) -> list[dict[str, Any]]:
    """Let fail2ban take what is written, if it has not; then look after the firewall."""
    if not host.in_force(params["jails"], params["revision"]):
        active = host.units()[host.SERVICE]["active"]
        how = host.load(params["jails"], params["revision"]) if write else "reloaded" if active else "started"
        changes = [{"name": host.SERVICE, "action": how}]
        return changes + (repaired(params["prefix6"]) if write else [])
    if write:
        return repaired(params["prefix6"])
    found = watch.survey(params["prefix6"]).items()
    return [
        {"name": f"{name}: {what}", "action": "repaired"}
        for name, jail in found
        for what in (["rules"] if jail["broken"] else [*jail["lost"], *jail["stray"]])
    ]


def repaired(prefix6: int) -> list[dict[str, Any]]:
    """Put back what the firewall has lost."""
    return [{"name": line, "action": "repaired"} for line in watch.repair(prefix6)]


def write_files(module: AnsibleModule, plan: Plan, directories: Directories) -> list[dict[str, Any]]:
    """Try the configuration, then write it."""
    params = module.params
    changes = plan.changes
    if changes and params["state"] == "present" and Path(host.DIRECTORY, "jail.conf").exists():
        host.try_out(params["files"], params["absent"])
    if changes and not module.check_mode:
        changes = apply(plan, directories)
        if any(change["path"].startswith(UNIT_DIRECTORY) for change in changes):
            systemd.daemon_reload()
    return changes


def reconcile(module: AnsibleModule) -> None:
    """Compare, then change unless in check mode."""
    params, write = module.params, not module.check_mode
    wanted = {"directories": [], "secret_contents": {}, **params}
    changes: list[dict[str, Any]] = []
    with Directories() as directories:
        plan = make_plan(wanted, Ids(may_be_missing=module.check_mode), directories)
        diff = diff_of(plan) if wants_diff(module) else []
        if params["state"] == "absent":  # stopped while its files are there, so that it takes its rules along
            changes += turn(on=False, write=write)
            changes += write_files(module, plan, directories)
        else:
            changes += write_files(module, plan, directories)
            changes += taken(params, write=write)
            changes += turn(on=True, write=write)
    module.exit_json(changed=bool(changes), changes=changes, diff=diff)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        with writing(module):
            reconcile(module)
    except (FilesError, watch.BansError, systemd.SystemdError, OSError) as error:
        module.fail_json(msg=str(error), changes=[])


if __name__ == "__main__":
    main()
