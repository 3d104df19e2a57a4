"""One table of nftables: in the kernel, in its file, and at boot."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nft_table
short_description: Bring one nftables table of ours to what a text says
description:
  - The table (family inet) is replaced as a whole, in one transaction. Other tables are never touched.
  - It is compared with the kernel, not only with its file. A rule that was added or deleted by hand is drift.
    For that, the wanted table is loaded into a network namespace of its own, and both are compared as nft prints them.
    Counters, handles, and elements of sets that are dynamic or have timeouts do not count.
  - A unit loads the file at boot, before networking and Docker. For O(name=mediastack_firewall) it is
    C(mediastack-firewall.service). It is ordered after the guard (M(mediastack.core.guard)) that is called the same,
    here C(firewall).
  - For a guard, save RV(paths) and restore with RV(restore).
  - To only look, call it with C(check_mode=true) and read RV(drift).
author: [mediastack maintainers]
options:
  name:
    description: Name of the table.
    type: str
    required: true
  state:
    description: Whether the table, its file and its unit are there.
    type: str
    choices: [present, absent]
    default: present
  content:
    description: Sets, maps and chains, without the line C(table … {) around them. Interfaces by name (C(iifname)).
    type: str
    default: ""
  path:
    description: The file. By default C(/etc/mediastack/nftables/NAME.nft).
    type: path
  keep:
    description: Names of sets whose elements are not compared, and survive when the table is replaced.
    type: list
    elements: str
    default: []
  boot:
    description: Whether a unit loads the table at boot.
    type: bool
    default: true
  watch:
    description:
      - Whether a service puts the table back, within a second, when something else removes or changes it. For
        O(name=mediastack_firewall) it is C(mediastack-firewall-watch.service). It says so in the journal.
      - It ends by itself when the file is gone. Only with the default O(path).
    type: bool
    default: false
  units:
    description: Where systemd's units are.
    type: path
    default: /etc/systemd/system
extends_documentation_fragment: [mediastack.core.lease_options]
attributes:
  check_mode:
    support: full
    description: Compares as a real run does. Without nft, when it is still to be installed, the table counts as absent.
  diff_mode:
    support: full
    description: The table as C(nft -s -t list table) prints it, with the elements of its sets; the file; the units.
"""

EXAMPLES = r"""
- name: Load our table
  mediastack.core.nft_table:
    name: mediastack_firewall
    content: |
      chain input {
        type filter hook input priority -10; policy accept;
        ct state invalid drop
      }
    lease: "{{ ansible_facts.mediastack_lease.run }}"

- name: See whether it is as it should be
  mediastack.core.nft_table:
    name: mediastack_firewall
    content: "{{ text }}"
  check_mode: true
  diff: false
  changed_when: false
  register: compared
"""

RETURN = r"""
drift:
  description: What differs or differed.
  returned: success
  type: dict
  sample: {table: true, file: false, boot: false, watch: false}
available:
  description: Whether nft is installed.
  returned: success
  type: bool
kept:
  description: Commands by which elements of kept sets survived.
  returned: success
  type: str
paths:
  description: Files and links that belong to the table.
  returned: success
  type: list
  elements: str
restore:
  description: A command that makes the kernel what the file says; without the file, it removes the table.
  returned: success
  type: list
  elements: str
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils import (
    guard_rollback,
    nft_host,
    nft_keep,
    nft_table,
    systemd,
)
from ansible_collections.mediastack.core.plugins.module_utils.arguments import LEASE_ARGUMENTS, writing
from ansible_collections.mediastack.core.plugins.module_utils.nft_host import Nft, Printed
from ansible_collections.mediastack.core.plugins.module_utils.nft_table import NftError
from ansible_collections.mediastack.core.plugins.module_utils.systemd import SystemdError

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "content": {"type": "str", "default": ""},
    "path": {"type": "path"},
    "keep": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "boot": {"type": "bool", "default": True},
    "watch": {"type": "bool", "default": False},
    "units": {"type": "path", "default": nft_table.UNITS},
    **LEASE_ARGUMENTS,
}


def systemctl(*words: str) -> None:
    """Call it, where systemd runs. Raises SystemdError."""
    if systemd.runs_here():
        systemd.call(*words)


@contextlib.contextmanager
def alone(module: AnsibleModule) -> Iterator[None]:
    """What keeps the table has to wait, or it would see the kernel's without its file: who goes back waits anyway."""
    name = nft_table.guard_name(module.params["name"])
    with contextlib.nullcontext() if module.params["guard"] == name else guard_rollback.alone(name):
        yield


class Table:
    """The table that is asked for."""

    def __init__(self, module: AnsibleModule) -> None:
        """Read everything there is to know. Raises NftError."""
        params = module.params
        self.module = module
        self.name, self.content, self.keep = params["name"], params["content"], params["keep"]
        nft_table.refuse(self.name, self.content, self.keep)
        self.present = params["state"] == "present"
        self.path = params["path"] or nft_table.default_path(self.name)
        self.unit, self.link = nft_table.unit_files(self.name, params["units"])
        self.boot = self.present and params["boot"]
        self.units = params["units"]
        self.watch_unit, self.watch_link = nft_keep.unit_files(self.name, self.units)
        self.watch = self.present and params["watch"]
        if self.watch and self.path != nft_table.default_path(self.name):
            raise NftError(f"path: {self.path} cannot be watched, only {nft_table.default_path(self.name)}")
        program = nft_host.find_program()
        self.nft = Nft(program, self.call) if program else None
        self.file_text = nft_table.transaction(self.name, self.content) if self.present else ""
        self.unit_text = nft_table.unit_text(self.name, self.path, program or nft_host.PROGRAM) if self.boot else ""
        if self.nft:
            self.now = self.nft.printed(self.name)
            self.after = self.nft.wanted(self.name, self.content) if self.present else Printed()
        elif self.present and not module.check_mode:
            raise NftError("nft is not installed. Remedy: install the package nftables")
        else:
            self.now, self.after = Printed(), Printed(self.file_text if self.present else "")

    def call(self, argv: list[str], data: str) -> tuple[int, str, str]:
        """Run a program; English errors, a bounded time."""
        return self.module.run_command(argv, data=data, environ_update={"LC_ALL": "C"})  # type: ignore[no-any-return]

    def texts(self) -> tuple[str, str]:
        """The table now and then."""
        if not self.nft:
            return "", self.file_text
        return self.now.canonical(self.keep), self.after.canonical(self.keep)

    def drift(self) -> dict[str, bool]:
        """What differs."""
        before, after = self.texts()
        there = [Path(item).is_symlink() or Path(item).exists() for item in (self.path, self.unit, self.link)]
        at_boot = nft_host.held(self.unit, self.unit_text, nft_host.UNIT_MODE) and nft_host.linked(self.link, self.unit)
        held = nft_host.held(self.path, self.file_text, nft_table.MODE)
        return {
            "table": before != after,
            "file": not held if self.present else there[0],
            "boot": not at_boot if self.boot else any(there[1:]),
            "watch": not self.watched() if self.watch else bool(nft_keep.leftovers(self.name, self.units)),
        }

    def watched(self) -> bool:
        """Whether the service that keeps the table runs as it should."""
        return nft_keep.written(self.name, self.units) and nft_keep.runs(self.name)

    def diff(self, drift: dict[str, bool]) -> list[dict[str, str]]:
        """What differs, for people."""
        table = (f"table {nft_table.FAMILY} {self.name}", *self.texts())
        sides = {
            "table": table,
            "file": (self.path, nft_host.shown(self.path), self.file_text),
            "boot": (self.unit, nft_host.shown(self.unit), self.unit_text),
            "watch": (
                self.watch_unit,
                nft_host.shown(self.watch_unit),
                nft_keep.unit_text(self.name) if self.watch else "",
            ),
        }
        return [
            {
                "before_header": sides[key][0],
                "after_header": sides[key][0],
                "before": sides[key][1],
                "after": sides[key][2],
            }
            for key, differs in drift.items()
            if differs
        ]

    def survivors(self) -> str:
        """Commands that keep elements."""
        if not (self.present and self.nft):
            return ""
        return nft_table.surviving(self.name, self.now.listing, self.after.listing, self.keep)

    def change(self, drift: dict[str, bool], kept: str) -> None:
        """First the kernel, which can refuse; then what comes with the next boot; who keeps it last."""
        if drift["table"] and self.nft:
            commands = self.file_text + kept if self.present else nft_table.removal(self.name)
            self.nft.load(commands, self.content)
        if drift["file"]:
            if self.present:
                nft_host.write(self.path, self.file_text, nft_table.MODE)
            else:
                nft_host.remove([self.path])
        if drift["boot"]:
            if self.boot:
                nft_host.write(self.unit, self.unit_text, nft_host.UNIT_MODE)
                nft_host.make_link(self.link, self.unit)
            else:
                nft_host.remove([self.link, self.unit])
            systemctl("daemon-reload")
        if drift["watch"]:
            self.change_watch()

    def change_watch(self) -> None:
        """Have the table kept, or no longer."""
        if self.watch:
            nft_keep.write(self.name, self.units)
        elif self.present:
            systemctl("stop", nft_keep.unit_name(self.name))
        if not self.watch:
            nft_host.remove([self.watch_link, self.watch_unit])
        systemctl("daemon-reload")
        if self.watch:
            systemctl("restart", nft_keep.unit_name(self.name))


def run(module: AnsibleModule) -> dict[str, Any]:
    """Compare, then change unless in check mode; returns the module's result."""
    table = Table(module)
    drift = table.drift()
    kept = table.survivors()
    diff = table.diff(drift)
    changed = any(drift.values())
    watched = bool(module.params["watch"])
    if changed and not module.check_mode:
        with writing(module), alone(module):
            table.change(drift, kept)
    return {
        "changed": changed,
        "drift": drift,
        "available": table.nft is not None,
        "kept": kept,
        "paths": [table.path, table.unit, table.link, *([table.watch_unit, table.watch_link] if watched else [])],
        "restore": nft_table.restore_command(
            table.name, table.path, nft_host.PROGRAM, nft_keep.unit_name(table.name) if watched else ""
        ),
        "diff": diff,
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        module.exit_json(**run(module))
    except (NftError, SystemdError, OSError) as error:
        module.fail_json(msg=f"table inet {module.params['name']}: {error}")


if __name__ == "__main__":
    main()
