"""Ask outside auditors about a server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: audit
short_description: Ask outside auditors about a server
description:
  - Runs Lynis and OpenSCAP on the server, and ssh-audit against it from wherever the module runs. They only read.
  - The figures are kept in O(state_directory), so that the next audit says what they were before.
  - An auditor that is not there, or does not report, is a note in its result and never a failure of the task.
author: [mediastack maintainers]
options:
  tools:
    description: Which auditors.
    type: list
    elements: str
    choices: [lynis, oscap, ssh-audit]
    default: [lynis, oscap]
  install:
    description:
      - Whether to install what is missing for the length of the run, as Debian packages or, for ssh-audit, in an
        environment of its own. Exactly what was installed is removed afterwards. Not in check mode.
    type: bool
    default: false
  address:
    description: For ssh-audit, the name or address of the server.
    type: str
  port:
    description: For ssh-audit, the port of its sshd; without it, the one that this machine's ssh knows of the address.
    type: int
  profile:
    description: For OpenSCAP, the end of the name of the profile.
    type: str
    default: cis_level1_server
  content:
    description: For OpenSCAP, a file of rules (data stream). Empty for the one of this release that is installed.
    type: path
    default: ""
  also:
    description: Results of other calls, that are kept and returned with these.
    type: list
    elements: dict
    default: []
  record:
    description: Whether to keep the figures. Not in check mode.
    type: bool
    default: true
  state_directory:
    description: Where figures are kept, in C(audits.json).
    type: path
    default: /var/lib/mediastack
attributes:
  check_mode:
    support: full
    description: It asks, and keeps nothing.
  diff_mode:
    support: none
"""

EXAMPLES = r"""
- name: Look at sshd from outside
  mediastack.core.audit:
    tools: [ssh-audit]
    address: nas.home.example
    record: false
  delegate_to: localhost
  register: outside

- name: Audit the server
  mediastack.core.audit:
    also: "{{ outside.audits }}"
"""

RETURN = r"""
audits:
  description:
    - One for each auditor. C(after) and C(good) are null where it could not run, and C(note) says why. C(before) is
      the figure of the last audit that was kept. A finding that cannot be mended here has a C(reason).
  returned: always
  type: list
  elements: dict
  sample:
    - tool: lynis
      before: "55"
      after: "86"
      required: "85"
      good: true
      note: ""
      findings: [{id: KRNL-5830, text: Reboot of system is most likely needed}]
"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils import audit_tools

if TYPE_CHECKING:
    from collections.abc import Mapping

ARGUMENTS: dict[str, Any] = {
    "tools": {
        "type": "list",
        "elements": "str",
        "choices": ["lynis", "oscap", "ssh-audit"],
        "default": ["lynis", "oscap"],
    },
    "install": {"type": "bool", "default": False},
    "address": {"type": "str"},
    "port": {"type": "int"},
    "profile": {"type": "str", "default": "cis_level1_server"},
    "content": {"type": "path", "default": ""},
    "also": {"type": "list", "elements": "dict", "default": []},
    "record": {"type": "bool", "default": True},
    "state_directory": {"type": "path", "default": "/var/lib/mediastack"},
}
FILE = "audits.json"


def known(path: Path) -> dict[str, str]:
    """Figures of earlier audits by tool; none where the file cannot be read as ours."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(tool): str(figure) for tool, figure in found.items()} if isinstance(found, dict) else {}


def keep(path: Path, figures: Mapping[str, str]) -> None:
    """Write them, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(figures, sort_keys=True) + "\n", encoding="utf-8")
    temporary.replace(path)


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """The module's result."""
    install = params["install"] and not check_mode
    here = [audit_tools.audit(tool, dict(params), install=install) for tool in params["tools"]]
    if not params["record"]:
        return {"changed": False, "audits": here}
    path = Path(params["state_directory"], FILE)
    before = known(path)
    audits = [{**one, "before": before.get(one["tool"])} for one in [*params["also"], *here]]
    figures = {one["tool"]: one["after"] for one in audits if one["after"] is not None}
    if figures and not check_mode:
        keep(path, {**before, **figures})
    return {"changed": False, "audits": audits}


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    if "ssh-audit" in module.params["tools"] and not module.params["address"]:
        module.fail_json(msg="ssh-audit needs an address. Remedy: set address to the server's name")
    try:
        module.exit_json(**run(module.params, check_mode=module.check_mode))
    except OSError as error:
        module.fail_json(msg=f"the figures cannot be kept: {error}")


if __name__ == "__main__":
    main()
