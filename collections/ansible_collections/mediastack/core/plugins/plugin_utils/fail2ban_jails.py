"""Which jails there are: sshd, what the stack runs, the owner's own. What is wrong with the owner's wishes. Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.nearest import suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTHING = "/dev/null"  # as in fail2ban_watch: without any log, fail2ban would not start
ENGINES = ("fail2ban", "crowdsec")
# filter, volume and log of a service, as its program writes it.
LOGS = {
    "caddy": ("mediastack-caddy", "data", "logs/access.log"),
    "jellyfin": ("mediastack-jellyfin", "config", "log/log_*.log"),
    "seerr": ("mediastack-seerr", "config", "logs/*seerr.log"),
    "jellyseerr": ("mediastack-seerr", "config", "logs/*seerr.log"),
    "overseerr": ("mediastack-seerr", "config", "logs/*seerr.log"),
}
# Where only keys are accepted, guessing passwords shows as connections that end early: the aggressive mode counts them.
SSHD = {
    "filter": "sshd[mode=aggressive]",
    "journalmatch": "_SYSTEMD_UNIT=ssh.service + _SYSTEMD_UNIT=sshd.service",
    "logs": [],
}
LIMITS = ("bantime", "findtime", "maxretry")
OVERRIDES = ("enabled", *LIMITS)
KEYS = ("name", "filter", "logpath", "journalmatch", *OVERRIDES)
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
TIME = re.compile(r"([1-9][0-9]{0,8})([smhdw]?)")
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")
PRINTABLE = re.compile(r"[^\x00-\x1f\x7f]+")
PREFIXES = range(32, 129)


def seconds(value: Any) -> int:
    """A time in seconds; 0 for what is none."""
    found = TIME.fullmatch(str(value)) if not isinstance(value, bool) else None
    return int(found[1]) * UNITS[found[2]] if found else 0


def stack_jails(stack: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """``{instance: {filter, logs}}`` of what writes failures into a log that the host can read."""
    found = {}
    for name, instance in sorted(stack["instances"].items()):
        known = LOGS.get(instance["service"])
        folders = {volume["name"]: volume["source"] for volume in instance["volumes"]}
        if known and known[1] in folders:
            found[name] = {"filter": known[0], "logs": [f"{folders[known[1]]}/{known[2]}"]}
    return found


def own_jail(item: Mapping[str, Any]) -> dict[str, Any]:
    """One of the owner's jails in the same shape."""
    logs = item.get("logpath") or []
    return {
        "filter": str(item["filter"]),
        "logs": [logs] if isinstance(logs, str) else list(logs),
        **({"journalmatch": str(item["journalmatch"])} if item.get("journalmatch") else {}),
        **{key: item[key] for key in OVERRIDES if key in item},
    }


def wanted_jails(wanted: Mapping[str, Any], stack: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """``{name: {filter, logs, journalmatch?, enabled, bantime, findtime, maxretry}}``, times in seconds."""
    found = {"sshd": dict(SSHD), **stack_jails(stack)}
    found |= {item["name"]: own_jail(item) for item in wanted["jails"]}
    jails = {}
    for name, jail in found.items():
        shared = {"enabled": True, **{key: wanted[key] for key in LIMITS}}
        whole = {**shared, **jail, **wanted["overrides"].get(name, {})}
        jails[name] = {**whole, **{key: seconds(whole[key]) for key in ("bantime", "findtime")}}
    return jails


def settings(jail: Mapping[str, Any]) -> dict[str, Any]:
    """A jail as fail2ban's configuration has it; a % is doubled, so that nothing is filled in."""
    shared = {
        "enabled": "true" if jail["enabled"] else "false",
        "filter": jail["filter"].replace("%", "%%"),
        **{key: jail[key] for key in LIMITS},
    }
    if "journalmatch" in jail:
        return {**shared, "backend": "systemd", "journalmatch": jail["journalmatch"].replace("%", "%%")}
    logs = [path.replace("%", "%%") for path in [NOTHING, *jail["logs"]]]
    return {**shared, "backend": "polling", "logpath": "\n          ".join(logs)}


def problems(wanted: Mapping[str, Any], stack: Mapping[str, Any]) -> list[str]:
    """Why it must not be done: each a sentence with its remedy."""
    return [
        *network_problems(wanted),
        *limit_problems("fail2ban_", {key: wanted[key] for key in LIMITS}),
        *general_problems(wanted),
        *own_problems(wanted, stack),
        *override_problems(wanted, stack),
        *log_problems(stack),
    ]


def network_problems(wanted: Mapping[str, Any]) -> list[str]:
    """What is no address and no network."""
    found = []
    for variable, names in (("fail2ban_ignore", wanted["ignore"]), ("fail2ban_lan", wanted["lan"])):
        for name in names:
            try:
                ipaddress.ip_network(str(name))
            except ValueError as error:
                found.append(
                    f"{variable}: {name!r} is no address and no network ({error}). "
                    "Remedy: write it like 203.0.113.7, 203.0.113.0/24 or 2001:db8::/64"
                )
    return found


def limit_problems(prefix: str, limits: Mapping[str, Any]) -> list[str]:
    """Times and counts that are none."""
    found = []
    for key, value in limits.items():
        if key == "maxretry":
            if isinstance(value, bool) or not str(value).isdigit() or int(value) < 1:
                found.append(f"{prefix}{key}: {value!r} is no number of attempts. Remedy: 1 or more")
        elif key == "enabled":
            if not isinstance(value, bool):
                found.append(f"{prefix}{key}: {value!r} is neither true nor false")
        elif not seconds(value):
            found.append(
                f"{prefix}{key}: {value!r} is no time. Remedy: seconds, or a number with s, m, h, d or w: 10m, 1h"
            )
    return found


def general_problems(wanted: Mapping[str, Any]) -> list[str]:
    """The rest of the role's own variables."""
    found = limit_problems("fail2ban_", {"bantime_max": wanted["bantime_max"]})
    if not found and 0 < seconds(wanted["bantime_max"]) < seconds(wanted["bantime"]):
        found.append("fail2ban_bantime_max is shorter than fail2ban_bantime. Remedy: make it longer")
    if wanted["engine"] not in ENGINES:
        found.append(
            f"fail2ban_engine: {wanted['engine']!r} is none of {', '.join(ENGINES)}."
            f"{suggestion(wanted['engine'], ENGINES)}"
        )
    if wanted["prefix6"] not in PREFIXES:
        found.append(
            f"fail2ban_ipv6_prefix: {wanted['prefix6']} is not between 32 and 128. Remedy: 128, or 64 for networks"
        )
    return found


def own_problems(wanted: Mapping[str, Any], stack: Mapping[str, Any]) -> list[str]:
    """What is wrong with the owner's own jails."""
    found, taken = [], {"sshd", "DEFAULT", "INCLUDES", *stack_jails(stack)}
    for number, item in enumerate(wanted["jails"]):
        name = item.get("name", "") if isinstance(item, dict) else ""
        where = f"fail2ban_jails[{number}]"
        if not NAME.fullmatch(str(name)):
            found.append(f"{where}: needs a name of lower-case letters, digits, dashes and underscores, not {name!r}")
            continue
        if name in taken:
            found.append(f"{where}: there is a jail {name} already. Remedy: another name, or fail2ban_overrides")
        taken.add(name)
        found += [f"{where}: {problem}" for problem in _own(item)]
    return found


def _own(item: Mapping[str, Any]) -> list[str]:
    found = [f"unknown key '{key}'.{suggestion(key, KEYS)}" for key in item if key not in KEYS]
    if not item.get("filter"):
        found.append("needs a filter, such as mediastack-traefik")
    if bool(item.get("logpath")) == bool(item.get("journalmatch")):
        found.append("needs either logpath or journalmatch")
    texts = [item.get("filter"), item.get("journalmatch")]
    found += [f"{text!r} has to be one line" for text in texts if text and not PRINTABLE.fullmatch(str(text))]
    logs = item.get("logpath") or []
    for path in [logs] if isinstance(logs, str) else logs:
        if not str(path).startswith("/"):
            found.append(f"logpath {path!r} is not absolute. Remedy: begin it with /")
        elif not re.fullmatch(r"[^\s\x00-\x1f]+", str(path)):
            found.append(f"logpath {path!r} has a blank in it, which fail2ban cannot read. Remedy: a ? in its place")
    return found + limit_problems("", {key: item[key] for key in OVERRIDES if key in item})


def override_problems(wanted: Mapping[str, Any], stack: Mapping[str, Any]) -> list[str]:
    """Overrides of jails that do not exist, and of what cannot be overridden."""
    own = [str(item["name"]) for item in wanted["jails"] if isinstance(item, dict) and "name" in item]
    known = ["sshd", *LOGS, *stack_jails(stack), *own]
    found = []
    for name, limits in wanted["overrides"].items():
        if name not in known:
            found.append(
                f"fail2ban_overrides: there is no jail '{name}'.{suggestion(name, known)} "
                f"There are {', '.join(sorted(set(known)))}"
            )
        elif not isinstance(limits, dict):
            found.append(f"fail2ban_overrides.{name}: has to be a mapping, such as {{maxretry: 3}}")
        else:
            found += [
                f"fail2ban_overrides.{name}: unknown key '{key}'.{suggestion(key, OVERRIDES)}"
                for key in limits
                if key not in OVERRIDES
            ]
            found += limit_problems(
                f"fail2ban_overrides.{name}.", {key: value for key, value in limits.items() if key in OVERRIDES}
            )
    return found


def log_problems(stack: Mapping[str, Any]) -> list[str]:
    """Configuration folders that fail2ban could not name."""
    return [
        f"mediastack_paths: {path} has a blank in it, which fail2ban cannot read. Remedy: a path without"
        for jail in stack_jails(stack).values()
        for path in jail["logs"]
        if re.search(r"\s", path)
    ]
