"""Files of the kill-switch on the server. Pure."""

from __future__ import annotations

import inspect
import json
from typing import Any

from ansible_collections.mediastack.core.plugins.module_utils import killswitch_kernel, systemd

FOLDER = killswitch_kernel.FOLDER
PROGRAM = "/usr/local/lib/mediastack/killswitch.py"
TABLE = f"{FOLDER}/{killswitch_kernel.TABLE}"
RULES = f"{FOLDER}/{killswitch_kernel.RULES}"
BOOT, WATCH = "mediastack-killswitch.service", "mediastack-killswitch-watch.service"
UNITS = "/etc/systemd/system"
PYTHON = "/usr/bin/python3"

# Before the network and the engine, as firewalls are (systemd.special(7), network-pre.target). The engine requires it:
# where the rules cannot be loaded, the VPN zone does not start. After the guard, which may have put back older files.
BOOT_TEXT = f"""# Made by mediastack (role killswitch).
[Unit]
Description=mediastack: nothing of the VPN zone leaves but through its tunnel
DefaultDependencies=no
RequiresMountsFor={FOLDER} {PROGRAM}
After=local-fs.target systemd-modules-load.service mediastack-guard-killswitch.service
Before=network-pre.target docker.service shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={PYTHON} -I {PROGRAM} apply

[Install]
WantedBy=sysinit.target
RequiredBy=docker.service
"""

WATCH_TEXT = f"""# Made by mediastack (role killswitch).
[Unit]
Description=mediastack: puts the kill-switch back when something takes it away
After={BOOT}

[Service]
ExecStart={PYTHON} -I {PROGRAM} watch
Restart=always
RestartSec=2
{systemd.WATCHER}

[Install]
WantedBy=multi-user.target
"""


def files(table: str, rules: dict[str, Any]) -> list[dict[str, Any]]:
    """What is written, for the module `files`."""
    contents = {
        PROGRAM: inspect.getsource(killswitch_kernel),
        TABLE: table,
        RULES: json.dumps(rules, indent=1) + "\n",
        f"{UNITS}/{BOOT}": BOOT_TEXT,
        f"{UNITS}/{WATCH}": WATCH_TEXT,
    }
    return [
        {"path": path, "content": content, "owner": "root", "group": "root", "mode": "0644"}
        for path, content in contents.items()
    ]


def links() -> list[str]:
    """The links by which systemd starts them."""
    wanted = {"sysinit.target.wants": BOOT, "docker.service.requires": BOOT, "multi-user.target.wants": WATCH}
    return [f"{UNITS}/{folder}/{unit}" for folder, unit in wanted.items()]


def paths() -> list[str]:
    """Every file that may be there."""
    return [PROGRAM, TABLE, RULES, f"{UNITS}/{BOOT}", f"{UNITS}/{WATCH}"]
