"""Set running kernel settings, and pass over those that the kernel refuses."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kernel_settings
short_description: Set kernel settings of the running system
description:
  - Compares settings below C(/proc/sys) with what is wanted and writes those that differ, in one round trip.
  - A setting that this kernel does not have, or that may not be written (in a container, say), is reported,
    and no failure.
  - Nothing is kept over a restart; a file in C(/etc/sysctl.d) does that.
author: [mediastack maintainers]
options:
  settings:
    description: Values by name, as in C(sysctl.conf).
    type: dict
    required: true
  root:
    description: Where the settings are. Tests use another folder.
    type: path
    default: /proc/sys
attributes:
  check_mode:
    support: full
    description: A setting that may not be written is known without writing it.
  diff_mode:
    support: full
    description: One line for each setting.
"""

EXAMPLES = r"""
- name: Let applications watch many folders
  mediastack.core.kernel_settings:
    settings: {fs.inotify.max_user_watches: 524288}
"""

RETURN = r"""
refused:
  description: What could not be set, with the reason.
  returned: always
  type: list
  elements: dict
  sample: [{name: net.core.rmem_max, reason: this kernel does not have it}]
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils.kernel import look, normal, path_of


def write(root: Path, name: str, value: str) -> str:
    """Set one value; return why that failed, or nothing."""
    try:
        path_of(root, name).write_text(value + "\n", encoding="ascii")
    except (OSError, ValueError) as error:
        return str(error)
    return ""


def main() -> None:
    """Compare, write, report."""
    module = AnsibleModule(
        argument_spec={
            "settings": {"type": "dict", "required": True},
            "root": {"type": "path", "default": "/proc/sys"},
        },
        supports_check_mode=True,
    )
    root = Path(module.params["root"])
    refused, before, after = [], "", ""
    for name, wanted in sorted((str(key), normal(value)) for key, value in module.params["settings"].items()):
        value, reason = look(root, name)
        if not reason and value != wanted:
            reason = "" if module.check_mode else write(root, name, wanted)
            if not reason:
                before += f"{name} = {value}\n"
                after += f"{name} = {wanted}\n"
        if reason and value != wanted:
            refused.append({"name": name, "reason": reason})
    module.exit_json(changed=bool(after), refused=refused, diff={"before": before, "after": after})


if __name__ == "__main__":
    main()
