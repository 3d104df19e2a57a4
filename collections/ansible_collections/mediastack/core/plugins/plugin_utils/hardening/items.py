"""Which items of the role `hardening` are wanted, and what a server has to be asked about them. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.nearest import suggestion
from ansible_collections.mediastack.core.plugins.plugin_utils.hardening import originals, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Item = dict[str, Any]

SYSCTL_FILE = "/etc/sysctl.d/60-mediastack-hardening.conf"
MODULES_FILE = "/etc/modprobe.d/60-mediastack-hardening.conf"
MOUNTS_FILE = "/etc/systemd/system/mediastack-mounts.service"
MOUNTS_UNIT = "mediastack-mounts.service"
PAM_PROFILES = "/usr/share/pam-configs"
KINDS = ("sysctl", "modules", "file", "keys", "pam", "package", "unit", "permission", "mount")
PROFILES = ("baseline", "strict")
# What containers cannot be without; a setting that takes it away is a mistake.
NEEDED = {
    "net.ipv4.ip_forward": "1",
    "net.ipv4.conf.all.forwarding": "1",
    "net.ipv4.conf.default.forwarding": "1",
    "kernel.unprivileged_userns_clone": "1",
}
NAMESPACES = re.compile(r"user\.max_[a-z]+_namespaces")
SHAPES = {
    "reboot_time": (re.compile(r"(([01][0-9]|2[0-3]):[0-5][0-9])?"), "a time like 04:30, in quotes, or '' for never"),
    "journal_size": (re.compile(r"[1-9][0-9]*[KMGT]?"), "a size like 500M or 1G"),
    "journal_age": (re.compile(r"0|[1-9][0-9]*(day|week|month|year)s?"), "a time like 90day, or 0 for no limit"),
    "umask": (re.compile(r"0?[0-7]{3}"), "three octal digits, in quotes"),
    "shell_timeout": (re.compile(r"[0-9]+"), "seconds, or 0 for never"),
    "lock_after": (re.compile(r"[3-9]|[1-9][0-9]+"), "at least 3: who mistypes is no attacker"),
    "lock_seconds": (re.compile(r"[1-9][0-9]{0,4}"), "1 to 99999 seconds: a lock that never opens is no defence"),
    "password_length": (re.compile(r"[89]|[1-9][0-9]"), "8 to 99"),
}


def choose(items: Iterable[Item], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Split the items.

    Args:
        items: as in roles/hardening/vars/main.
        wanted: ``{profile, exclude, sysctl}`` and the values whose shape is checked.

    Returns:
        ``{problems, chosen, dropped, sysctl, questions}``: why not to begin, the items that are wanted and the others,
        the owner's own kernel settings, and the arguments of the module `hardening_facts`.

    """
    every = list(items)
    names = [item["name"] for item in every]
    out = {name for name in wanted["exclude"] if name in names}
    chosen: list[Item] = []
    for item in every:
        taken = {one["name"] for one in chosen}
        profile = item["profile"] == "baseline" or wanted["profile"] == "strict"
        met = all(name in taken for name in item.get("requires", []))
        if profile and met and item.get("when", True) and item["name"] not in out:
            chosen.append(item)
    dropped = [item for item in every if item not in chosen]
    return {
        "problems": problems(names, wanted),
        "chosen": chosen,
        "dropped": dropped,
        "sysctl": {str(name): value for name, value in wanted["sysctl"].items()},
        "questions": questions(chosen, dropped, wanted["sysctl"]),
    }


def problems(names: Iterable[str], wanted: Mapping[str, Any]) -> list[str]:
    """Why it must not be done: each a sentence with its remedy."""
    known = list(names)
    found = [
        f"hardening_exclude: there is no item {name!r}.{suggestion(name, known)} Remedy: see docs/hardening.md"
        for name in wanted["exclude"]
        if name not in known
    ]
    for name, (shape, remedy) in SHAPES.items():
        if not shape.fullmatch(str(wanted[name])):
            found.append(f"hardening_{name}: {str(wanted[name])!r} cannot be. Remedy: {remedy}")
    for name, value in wanted["sysctl"].items():
        if isinstance(value, (dict, list)) or not re.fullmatch(r"[a-z0-9_]+([./][A-Za-z0-9_.*/-]+)+", str(name)):
            found.append(f"hardening_sysctl: {name}={value} is no kernel setting. Remedy: like vm.swappiness: 10")
        elif str(value) != NEEDED.get(str(name), str(value)) or (NAMESPACES.fullmatch(str(name)) and str(value) == "0"):
            found.append(f"hardening_sysctl: {name}={value} would leave containers without what they need. "
                         "Remedy: remove it")  # fmt: skip
    return found


def settings_of(chosen: Iterable[Item], own: Mapping[str, Any]) -> dict[str, str]:
    """All kernel settings; the owner's win."""
    found = {name: str(value) for item in chosen for name, value in item.get("settings", {}).items()}
    return {**found, **{str(name): str(value) for name, value in own.items()}}


def pam_path(item: Item) -> str:
    """Where a profile of pam-auth-update lies."""
    return f"{PAM_PROFILES}/{item['title']}"


def packages_of(item: Item) -> list[str]:
    """All packages whose presence matters for an item."""
    one = [item["package"]] if "package" in item else []
    return [*item.get("packages", []), *item.get("unless_packages", []), *one]


def units_of(item: Item) -> list[str]:
    """All units whose state matters for an item."""
    return [*item.get("units", []), *([item["unit"]] if "unit" in item else [])]


def unit_files(items: Iterable[Item]) -> list[dict[str, Any]]:
    """Units of systemd that items bring, and the one of mounts."""
    found = [file for item in items for file in item.get("files", []) if file["path"].startswith(originals.UNITS)]
    return [*found, {"path": MOUNTS_FILE, "content": texts.mounts({})}]


def questions(chosen: list[Item], dropped: list[Item], own: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `hardening_facts`. Of what is not wanted, only whether files of ours are left."""
    every = [*chosen, *dropped]
    paths = {file["path"] for item in every for file in item.get("files", [])}
    paths |= {SYSCTL_FILE, MODULES_FILE, MOUNTS_FILE}
    paths |= {pam_path(item) for item in every if item["kind"] == "pam"}
    paths |= {item["path"] for item in every if item["kind"] == "keys"}
    paths |= {item["creates"] for item in chosen if "creates" in item}
    paths |= {item["load"]["made"] for item in chosen if "load" in item}
    paths |= {link for file in unit_files(every) for link in originals.wants_link(file["path"], file["content"])}
    read = {item["path"] for item in every if item["kind"] == "keys"}
    read |= {f"/etc/pam.d/{name}" for item in chosen for name in item.get("marks", {})}
    read |= {path for file in originals.replaced(every) for path in (file["path"], originals.copy_of(file["path"]))}
    return {
        "paths": sorted(paths),
        "texts": sorted(read),
        "patterns": sorted({path for item in chosen if item["kind"] == "permission" for path in item["paths"]}),
        "kernel_settings": sorted(settings_of(chosen, own)),
        "packages": sorted({name for item in chosen for name in packages_of(item)}),
        "units": sorted({name for item in chosen for name in units_of(item)} | {MOUNTS_UNIT}),
        "mounts": sorted({item["path"] for item in chosen if item["kind"] == "mount"}),
    }
