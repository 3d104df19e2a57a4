"""The service that keeps a table as its file says: what it consists of, and whether it runs as it should."""

from __future__ import annotations

import inspect
from pathlib import Path

from ansible_collections.mediastack.core.plugins.module_utils import (
    guard_rollback,
    killswitch_kernel,
    nft_host,
    nft_table,
    nft_watch,
    systemd,
)

PROGRAM = "/usr/local/lib/mediastack/nft"  # a folder, which Python runs; the modules lie in it as they lie here
PYTHON = "/usr/bin/python3"
PARTS = (guard_rollback, killswitch_kernel, nft_host, nft_table, nft_watch)
MAIN = f"import sys\n\nfrom {nft_watch.__name__} import main\n\nmain(sys.argv[1:])\n"


def program_files(program: str = PROGRAM) -> dict[str, str]:
    """Text of each file of the program, by path."""
    parts = {f"{program}/{part.__name__.replace('.', '/')}.py": inspect.getsource(part) for part in PARTS}
    return {f"{program}/__main__.py": MAIN, **parts}


def unit_name(name: str) -> str:
    """The unit that keeps a table: ``mediastack-firewall-watch.service``."""
    return nft_table.unit_name(name).replace(".service", "-watch.service")


def unit_files(name: str, units: str = nft_table.UNITS) -> tuple[str, str]:
    """The unit's file, and the link that starts it at boot."""
    return f"{units}/{unit_name(name)}", f"{units}/multi-user.target.wants/{unit_name(name)}"


def unit_text(name: str, program: str = PROGRAM) -> str:
    """The unit. It is not started again when it has ended well: then there is no table to keep."""
    return f"""# Made by mediastack.
[Unit]
Description=mediastack: puts the nftables table {name} back when something takes it away
After={nft_table.unit_name(name)}

[Service]
ExecStart={PYTHON} -I {program} {name}
Restart=on-failure
RestartSec=2
{systemd.WATCHER}

[Install]
WantedBy=multi-user.target
"""


def runs(name: str) -> bool:
    """Whether the service runs, and is what its files say."""
    said = systemd.show([unit_name(name)], systemd.CONDITION)[unit_name(name)]
    about = systemd.condition(said, [*program_files(), unit_files(name)[0]])
    return about["active"] and not about["stale"]


def written(name: str, units: str, program: str = PROGRAM) -> bool:
    """Whether all its files are as they should be."""
    unit, link = unit_files(name, units)
    texts = {unit: unit_text(name, program), **program_files(program)}
    return nft_host.linked(link, unit) and all(
        nft_host.held(path, text, nft_host.UNIT_MODE) for path, text in texts.items()
    )


def write(name: str, units: str, program: str = PROGRAM) -> None:
    """Write them."""
    unit, link = unit_files(name, units)
    for path, text in {**program_files(program), unit: unit_text(name, program)}.items():
        if not nft_host.held(path, text, nft_host.UNIT_MODE):
            nft_host.write(path, text, nft_host.UNIT_MODE)
    nft_host.make_link(link, unit)


def leftovers(name: str, units: str) -> list[str]:
    """Files of it that are there. The program may be another table's as well, and does nothing by itself."""
    return [path for path in unit_files(name, units) if Path(path).is_symlink() or Path(path).exists()]
