"""The role's own items, and servers that have some of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment
from tests.unit.written import state_of

from ansible_collections.mediastack.core.plugins.plugin_utils.hardening import items as chooser
from ansible_collections.mediastack.core.plugins.plugin_utils.hardening import plan as planner
from ansible_collections.mediastack.core.plugins.plugin_utils.hardening.items import Item

ROLE = Path(__file__).parents[3] / "roles/hardening"
DEFAULTS = yaml.safe_load((ROLE / "defaults/main.yml").read_text())


def rendered(value: Any) -> Any:
    """The role's own values as Ansible would give them."""
    if isinstance(value, dict):
        return {key: rendered(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rendered(one) for one in value]
    if not isinstance(value, str) or "{" not in value:
        return value
    environment = Environment(trim_blocks=True, keep_trailing_newline=True)  # noqa: S701  text, no page
    environment.filters |= {"bool": bool, "unique": lambda found: found}
    text = environment.from_string(value).render(
        DEFAULTS | {"hardening_aide_ignore": ["/srv/media"], "ansible_facts": {}}
    )
    return text == "True" if text in ("True", "False") else text


def every_item() -> list[Item]:
    found = []
    for name in ("kernel", "logins", "files", "services"):
        found += yaml.safe_load((ROLE / f"vars/main/{name}.yml").read_text())[f"__hardening_{name}"]
    return [rendered(item) for item in found]


ITEMS = every_item()


def wanted(**changes: Any) -> dict[str, Any]:
    names = ("profile", "exclude", "sysctl", *chooser.SHAPES)
    return {name: DEFAULTS[f"hardening_{name}"] for name in names} | changes


def choice(**changes: Any) -> dict[str, Any]:
    return chooser.choose(ITEMS, wanted(**changes))


def facts(chosen: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A server with nothing of it, but all packages."""
    asked = chosen["questions"]
    unit = {"active": "inactive", "enabled": "disabled", "started": 0, "refused": False}
    return {
        "states": {path: {"kind": "missing"} for path in asked["paths"]}
        | {path: state("", mode="0644") for path in asked["texts"]},
        "texts": dict.fromkeys(asked["texts"], ""),
        "patterns": {pattern: {} for pattern in asked["patterns"]},
        "kernel_settings": {name: {"value": "?", "reason": ""} for name in asked["kernel_settings"]},
        "packages": {name: name not in ("chrony", "ntpsec", "ntp", "openntpd") for name in asked["packages"]},
        "units": {name: dict(unit) for name in asked["units"]},
        "mounts": {path: ["rw"] for path in asked["mounts"]},
        "modules": [],
        "pam_modules": ["pam_faillock.so", "pam_pwhistory.so"],
        "audit": True,
        "apparmor": True,
        "one_way": True,
    } | changes


def state(content: str, *, mode: str = "0644", mtime: int = 100) -> dict[str, Any]:
    return state_of(content, mode=mode, mtime=mtime)


def settled(chosen: dict[str, Any]) -> dict[str, Any]:
    """The server after all of it was done."""
    found = facts(chosen)
    for _ in range(2):  # the second time for files that are edited
        planned = planner.plan(chosen, found)
        for file in planned["files"]:
            found["states"][file["path"]] = state(file["content"], mode=file["mode"])
            if file["path"] in found["texts"]:
                found["texts"][file["path"]] = file["content"]
        for entry in planned["host"]["pam_marks"]:
            path, _, mark = entry.partition(": ")
            found["texts"][path] = found["texts"].get(path, "") + mark + "\n"
    found["kernel_settings"] |= {
        name: {"value": str(value), "reason": ""} for name, value in planned["settings"].items()
    }
    run(chosen, planned, found)
    return found


def run(chosen: dict[str, Any], planned: dict[str, Any], found: dict[str, Any]) -> None:
    """What the module `hardening` would leave behind."""
    for one in planned["host"]["units"]:
        enabled = "masked" if one["action"] == "mask" else "enabled"
        found["units"][one["name"]] |= {"active": "active", "enabled": enabled, "started": 200}
    for item in chosen["chosen"]:
        if item.get("state") == "off":
            for name in item["units"]:
                found["units"][name] = {"active": "inactive", "enabled": "", "started": 0, "refused": False}
        if "load" in item:
            found["states"][item["load"]["made"]] = state("", mtime=200)
        if item["kind"] == "mount":
            found["mounts"][item["path"]] = ["rw", *item["options"]]
