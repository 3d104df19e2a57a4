"""What is to be done on a server so that it has the items that are wanted. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils import kernel
from ansible_collections.mediastack.core.plugins.plugin_utils.hardening import originals, texts
from ansible_collections.mediastack.core.plugins.plugin_utils.hardening.items import (
    MODULES_FILE,
    MOUNTS_FILE,
    MOUNTS_UNIT,
    SYSCTL_FILE,
    pam_path,
    settings_of,
    unit_files,
)
from ansible_collections.mediastack.core.plugins.plugin_utils.states import in_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ansible_collections.mediastack.core.plugins.plugin_utils.hardening.items import Item

MISSING = {"kind": "missing"}
LACKS = {
    "audit": "this kernel has no audit here",
    "apparmor": "this kernel has no AppArmor here",
    "one_way": "two interfaces lead to one network, and answers may leave by the other",
}
RUNS = ("active", "activating", "reloading")
# The greater, the stricter; a distribution or an owner may have gone further than we do.
STRICTER = ("kernel.kptr_restrict", "kernel.perf_event_paranoid", "kernel.yama.ptrace_scope")


def plan(choice: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Compare.

    Args:
        choice: what `choose` returned.
        facts: what the module `hardening_facts` found.

    Returns:
        ``{notes, install, files, absent, settings, host}``: what is passed over and why, packages to install, `files`
        and `absent` for the module `files` as far as they differ, kernel settings if one is to be set (else {}), and
        the arguments of the module `hardening` (empty lists where nothing is to be done).

    """
    chosen, notes = applicable(choice["chosen"], facts)
    settings = {**tightening(settings_of(chosen, {}), facts["kernel_settings"]), **settings_of([], choice["sysctl"])}
    drift = kernel.drift(settings, facts["kernel_settings"])
    notes += [f"{one['name']}: {one['reason']}" for one in drift["refused"]]
    modules, busy = modules_of(chosen, facts)
    pam, pam_notes = pam_of(chosen, choice["dropped"], facts)
    files = wanted_files(chosen, choice["dropped"], facts, settings=settings, modules=modules)
    back, gone = put_back(choice["dropped"], facts)
    differing = [item for item in (*files, *back) if not in_place(item, facts["states"].get(item["path"], MISSING))]
    changed = {item["path"] for item in differing}
    kept, lost = keep(chosen, changed, facts)
    units, unit_notes = units_of(chosen, facts, changed)
    return {
        "notes": [*notes, *busy, *pam_notes, *unit_notes, *lost],
        "install": sorted({name for item in chosen for name in missing_packages(item, facts)}),
        # Copies of what is replaced come first: a run may end in between.
        "files": [*kept, *differing],
        "absent": [*absent(files, choice["dropped"], facts), *gone],
        "settings": settings if drift["settable"] else {},
        "host": {
            "permissions": permissions_of(chosen, facts),
            "units": units,
            "loads": loads_of(chosen, facts, changed),
            "mounts": mounts_of(chosen, facts),
            **pam,
        },
    }


def applicable(chosen: Iterable[Item], facts: Mapping[str, Any]) -> tuple[list[Item], list[str]]:
    """The items that make sense on this server, and why the others do not."""
    found: list[Item] = []
    notes = []
    for item in chosen:
        rival = next((name for name in item.get("unless_packages", []) if facts["packages"].get(name)), None)
        if item.get("needs") and not facts[item["needs"]]:
            notes.append(f"{item['name']}: {LACKS[item['needs']]}")
        elif rival:
            notes.append(f"{item['name']}: {rival} does that here")
        elif "package" not in item or facts["packages"].get(item["package"]):
            found.append(item)
    return found, notes


def tightening(settings: Mapping[str, str], found: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Settings without those that are stricter already."""

    def stricter(name: str) -> bool:
        now = found.get(name, {}).get("value", "")
        return name in STRICTER and now.isdigit() and int(now) > int(settings[name])

    return {name: value for name, value in settings.items() if not stricter(name)}


def missing_packages(item: Item, facts: Mapping[str, Any]) -> list[str]:
    """Packages of an item that are not installed."""
    return [name for name in item.get("packages", []) if not facts["packages"].get(name)]


def modules_of(chosen: Iterable[Item], facts: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Modules to keep out, and notes about those that are in use: what works today is not taken away."""
    found, notes = [], []
    for item in chosen:
        for name in item.get("modules", []):
            if name.replace("-", "_") in facts["modules"]:
                notes.append(f"{item['name']}: the module {name} is in use")
            else:
                found.append(name)
    return found, notes


def root_file(path: str, content: str, mode: str = "0644") -> dict[str, Any]:
    """A file of root's, for the module `files`."""
    return {"path": path, "content": content, "owner": "root", "group": "root", "mode": mode}


def wanted_files(
    chosen: list[Item], dropped: list[Item], facts: Mapping[str, Any], *, settings: dict[str, str], modules: list[str]
) -> list[dict[str, Any]]:
    """All files, whether they differ or not."""
    found = []
    for item in chosen:
        found += [
            root_file(file["path"], file["content"], file["mode"])
            | ({"validate": file["validate"]} if "validate" in file else {})
            for file in item.get("files", [])
        ]
        if item["kind"] == "pam":
            found.append(root_file(pam_path(item), item["content"]))
    if settings:
        found.append(root_file(SYSCTL_FILE, texts.sysctl(settings)))
    if modules:
        found.append(root_file(MODULES_FILE, texts.modprobe(modules)))
    if options := {item["path"]: item["options"] for item in chosen if item["kind"] == "mount"}:
        found.append(root_file(MOUNTS_FILE, texts.mounts(options)))
    return found + edited_files(chosen, dropped, facts)


def edited_files(chosen: list[Item], dropped: list[Item], facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Files that are edited by key; without an item that edits one, it is as it was."""
    found = []
    every = [item for item in (*chosen, *dropped) if item["kind"] == "keys"]
    for path, separator in sorted({(item["path"], item.get("separator", " ")) for item in every}):
        text = facts["texts"].get(path)
        if text is None:
            continue
        wanted = [item["keys"] for item in chosen if item["kind"] == "keys" and item["path"] == path]
        keys = {key: str(value) for one in wanted for key, value in one.items()}
        found.append(root_file(path, texts.edited(text, keys, separator), facts["states"][path]["mode"]))
    return found


def absent(files: list[dict[str, Any]], dropped: list[Item], facts: Mapping[str, Any]) -> list[str]:
    """Files of ours that no item wants any more. One that belongs to a package is never removed."""
    kept = {item["path"] for item in files}
    ours = {file["path"] for item in dropped for file in item.get("files", []) if originals.is_ours(file["path"])}
    ours |= {SYSCTL_FILE, MODULES_FILE, MOUNTS_FILE}
    for file in unit_files(dropped):
        ours |= set() if file["path"] in kept else set(originals.wants_link(file["path"], file["content"]))
    return sorted(path for path in ours - kept if facts["states"].get(path, MISSING)["kind"] != "missing")


def keep(chosen: list[Item], changed: set[str], facts: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """Records of others' files that are replaced for the first time, and notes about those that cannot be kept."""
    found, notes = [], []
    for file in originals.replaced(chosen):
        path = file["path"]
        if path not in changed or originals.known(path, facts)[0]:
            continue
        record = originals.to_keep(file, facts)
        if record is None:
            notes.append(f"{path}: what it was is no text, and cannot be put back")
        else:
            found.append(root_file(originals.copy_of(path), record, "0600"))
    return found, notes


def put_back(dropped: list[Item], facts: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """Others' files as they were before an item that is not wanted any more, and what has to go for that."""
    found, gone = [], []
    for file in originals.replaced(dropped):
        path = file["path"]
        kept, was = originals.known(path, facts)
        if not kept:
            continue
        if was is not None:
            found.append(root_file(path, was["content"], was["mode"]))
        elif facts["states"].get(path, MISSING)["kind"] != "missing":
            gone.append(path)
        gone.append(originals.copy_of(path))
    return found, gone


def pam_of(chosen: list[Item], dropped: list[Item], facts: Mapping[str, Any]) -> tuple[dict[str, list[str]], list[str]]:
    """Profiles to switch on or off. One whose module is missing would lock everybody out, so it is passed over."""
    on, marks, notes = [], [], []
    for item in list(chosen):
        if item["kind"] != "pam":
            continue
        if lacking := sorted(texts.pam_modules(item["content"]) - set(facts["pam_modules"])):
            notes.append(f"{item['name']}: there is no {', '.join(lacking)} on this server")
            chosen.remove(item)
            continue
        here = [mark in facts["texts"].get(f"/etc/pam.d/{name}", "") for name, mark in item["marks"].items()]
        state = facts["states"].get(pam_path(item), MISSING)
        if not all(here) or not in_place(root_file(pam_path(item), item["content"]), state):
            on.append(item["title"])
            marks += [f"/etc/pam.d/{name}: {mark}" for name, mark in item["marks"].items()]
    off = [
        item["title"]
        for item in dropped
        if item["kind"] == "pam" and facts["states"].get(pam_path(item), MISSING)["kind"] != "missing"
    ]
    return {"pam_on": on, "pam_off": off, "pam_marks": marks}, notes


def units_of(chosen: list[Item], facts: Mapping[str, Any], changed: set[str]) -> tuple[list[dict[str, str]], list[str]]:
    """``{name, action}`` of units that are not as wanted, action one of on, off, mask, restart."""
    found, notes = [], []
    for item in chosen:
        for name in item.get("units", []):
            unit = facts["units"][name]
            action = action_for(item, unit, facts)
            if action == "on" and unit["enabled"] == "masked":
                notes.append(f"{item['name']}: {name} is masked on this server")
            elif action:
                found.append({"name": name, "action": action})
        name = item.get("unit", "")
        unit = facts["units"].get(name, {})
        if unit.get("active") == "active" and outdated(item, facts, changed, unit["started"]):
            found.append({"name": name, "action": "restart"})
    if any(item["kind"] == "mount" for item in chosen) and facts["units"][MOUNTS_UNIT]["enabled"] != "enabled":
        found.append({"name": MOUNTS_UNIT, "action": "on"})
    return found, notes


def action_for(item: Item, unit: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """What a unit lacks: nothing is done about one that is not there, or that its own conditions keep from running."""
    if item["state"] == "masked":
        return "" if unit["enabled"] == "masked" else "mask"
    if item["state"] == "off":
        return "off" if unit["active"] in RUNS or unit["enabled"] == "enabled" else ""
    made = "creates" in item and facts["states"].get(item["creates"], MISSING)["kind"] != "missing"
    runs = unit["active"] in RUNS or unit["refused"] or made
    return "" if runs and unit["enabled"] != "disabled" else "on"


def outdated(item: Item, facts: Mapping[str, Any], changed: set[str], since: int) -> bool:
    """Whether a file of an item is newer than what was started, or made, from it."""
    paths = [file["path"] for file in item["files"]]
    return any(path in changed or facts["states"].get(path, MISSING).get("mtime", 0) > since for path in paths)


def loads_of(chosen: Iterable[Item], facts: Mapping[str, Any], changed: set[str]) -> list[list[str]]:
    """Commands that make files take effect where a service cannot be restarted."""
    return [
        item["load"]["command"]
        for item in chosen
        if "load" in item
        and outdated(item, facts, changed, facts["states"].get(item["load"]["made"], MISSING).get("mtime", 0))
    ]


def mounts_of(chosen: Iterable[Item], facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Mounts that lack options; what is no mount of its own is left alone."""
    return [
        {"path": item["path"], "options": item["options"]}
        for item in chosen
        if item["kind"] == "mount"
        and facts["mounts"].get(item["path"]) is not None
        and not set(item["options"]) <= set(facts["mounts"][item["path"]])
    ]


def permissions_of(chosen: Iterable[Item], facts: Mapping[str, Any]) -> list[dict[str, str]]:
    """``{path, mode}`` of what is open wider than wanted. Nothing is ever opened."""
    found = []
    for item in chosen:
        if item["kind"] != "permission":
            continue
        for pattern in item["paths"]:
            for path, mode in facts["patterns"].get(pattern, {}).items():
                wanted = int(mode, 8) & (int(item["mode"], 8) | 0o7000)
                if wanted != int(mode, 8):
                    found.append({"path": path, "mode": f"{wanted:04o}"})
    return found
