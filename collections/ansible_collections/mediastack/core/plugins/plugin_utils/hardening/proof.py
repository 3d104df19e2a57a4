"""What speaks against a server that is to have the items of the role `hardening`, in words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils import kernel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

UNITS = {
    "on": "does not run, or not at boot",
    "off": "runs, or would at boot",
    "mask": "is not masked",
    "restart": "runs with older settings than its file has",
}


def of(choice: Mapping[str, Any], planned: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Put into words what a run would change.

    Args:
        choice: what `choose` returned.
        planned: what `plan` returned for it.
        facts: what the module `hardening_facts` found.

    Returns:
        ``{problems, warnings, evidence}``: what is not as wanted; what is open wider than wanted, which programs that
        make files anew bring about; and how much there is, with what this server refuses.

    """
    passed_over = sorted({note.partition(":")[0] for note in planned["notes"]})
    refused = f"; passed over on this server: {', '.join(passed_over)}" if passed_over else ""
    return {
        "problems": [*files(planned), *settings(planned, facts), *running(planned["host"])],
        "warnings": [f"{item['path']} is open wider than {item['mode']}" for item in planned["host"]["permissions"]],
        "evidence": f"{len(choice['chosen'])} items as wanted{refused}",
    }


def files(planned: Mapping[str, Any]) -> Iterator[str]:
    """Packages and files."""
    yield from (f"the package {name} is missing" for name in planned["install"])
    yield from (f"{item['path']} is not as written" for item in planned["files"])
    yield from (f"{path} is still there" for path in planned["absent"])


def settings(planned: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[str]:
    """Kernel settings that are not in force, and could be."""
    wanted, found = planned["settings"], facts["kernel_settings"]
    for name in kernel.drift(wanted, found)["settable"]:
        yield f"{name} is {found[name]['value']} instead of {wanted[name]}"


def running(host: Mapping[str, Any]) -> Iterator[str]:
    """Units, mounts and PAM."""
    yield from (f"{unit['name']} {UNITS[unit['action']]}" for unit in host["units"])
    yield from (f"{item['path']} is mounted without {','.join(item['options'])}" for item in host["mounts"])
    yield from (f"`{' '.join(argv)}` is to be run" for argv in host["loads"])
    yield from (f"the PAM profile {title} is off" for title in host["pam_on"])
    yield from (f"the PAM profile {title} is still on" for title in host["pam_off"])
