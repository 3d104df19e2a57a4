"""What fail2ban is to be told, and whether it is told already. Pure."""

from __future__ import annotations

import ipaddress
import json
import posixpath
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.plugin_utils import fail2ban_jails as jails_of
from ansible_collections.mediastack.core.plugins.plugin_utils.states import in_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DIRECTORY = "/etc/fail2ban"
JAILS = f"{DIRECTORY}/jail.d/mediastack.local"
SERVER = f"{DIRECTORY}/fail2ban.d/mediastack.local"
WATCHED = f"{DIRECTORY}/mediastack.json"
WATCH = "/usr/local/lib/mediastack/fail2ban_watch.py"
SERVICE_UNIT = "/etc/systemd/system/mediastack-fail2ban.service"
TIMER_UNIT = "/etc/systemd/system/mediastack-fail2ban.timer"
ROOTS = [DIRECTORY, "/etc/systemd/system", "/usr/local/lib/mediastack"]
ALWAYS = ["127.0.0.0/8", "::1/128", "fe80::/10"]
MADE = "# Made by mediastack (role fail2ban); edits are replaced.\n"
CROWDSEC = (
    "fail2ban_engine is crowdsec: fail2ban is off. Who is banned is up to CrowdSec's firewall bouncer; "
    "until it runs, nobody is"
)
SERVICE_TEXT = (
    MADE
    + f"""[Unit]
Description=mediastack: look after fail2ban's bans and logs
ConditionPathExists=/run/fail2ban/fail2ban.sock

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -I {WATCH}
TimeoutStartSec=120
LogLevelMax=notice
NoNewPrivileges=yes
PrivateTmp=yes
ProtectHome=yes
ProtectSystem=full
"""
)
TIMER_TEXT = (
    MADE
    + """[Unit]
Description=mediastack: look after fail2ban's bans and logs every minute

[Timer]
OnBootSec=30s
OnUnitInactiveSec=60s
AccuracySec=5s

[Install]
WantedBy=timers.target
"""
)


def plan(
    facts: Mapping[str, Any], wanted: Mapping[str, Any], stack: Mapping[str, Any], texts: Mapping[str, str]
) -> dict[str, Any]:
    """Compare.

    Args:
        facts: what `fail2ban_facts` found.
        wanted: ``{engine, ignore, lan, bantime, findtime, maxretry, increment, bantime_max, prefix6,
            overrides, jails}``.
        stack: the resolved Stack; what of it runs here has jails.
        texts: the files that are the same everywhere, by path: the action, the filters, the watcher.

    Returns:
        ``{problems, notices, state, packages, files, absent, roots, jails, revision, differs}``: why not to do it, what
        to say, and what the modules `apt` and `fail2ban` take; `differs` says whether anything is to be done.

    """
    if wanted["engine"] == "crowdsec":
        return _off(facts, paths(texts))
    found = jails_of.problems(wanted, stack)
    if found:
        return {**_off(facts, []), "problems": found, "notices": [], "differs": False}
    jails = jails_of.wanted_jails(wanted, stack)
    allowed = allow_list(wanted, stack, facts["controller"])
    files = files_of(wanted, jails, allowed, texts)
    revision = sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:16]
    for file in files:
        file["content"] = file["content"].replace("@REVISION@", revision)
    enabled = sorted(name for name, jail in jails.items() if jail["enabled"])
    packages = sorted(name for name, there in facts["packages"].items() if not there)
    return {
        "problems": [],
        "notices": [],
        "state": "present",
        "packages": packages,
        "files": files,
        "absent": [],
        "roots": ROOTS,
        "jails": enabled,
        "revision": revision,
        "differs": bool(packages)
        or not all(in_place(file, facts["states"][file["path"]]) for file in files)
        or not running(facts, enabled, revision),
    }


def paths(texts: Iterable[str]) -> list[str]:
    """Every file that the role may have on a server."""
    return sorted({*texts, WATCH, JAILS, SERVER, WATCHED, SERVICE_UNIT, TIMER_UNIT})


def _off(facts: Mapping[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """The same for a server where fail2ban has to be quiet."""
    absent = [path for path in known if facts["states"][path]["kind"] != "missing"]
    busy = any(state["active"] or state["enabled"] for state in facts["units"].values())
    return {
        "problems": [],
        "notices": [CROWDSEC],
        "state": "absent",
        "packages": [],
        "files": [],
        "absent": absent,
        "roots": ROOTS,
        "jails": [],
        "revision": "",
        "differs": bool(absent) or busy,
    }


def running(facts: Mapping[str, Any], enabled: Iterable[str], revision: str) -> bool:
    """Whether fail2ban runs with this configuration, comes back after a boot, and the firewall holds its bans."""
    jails = facts["jails"]
    return (
        jails is not None
        and all(state["active"] and state["enabled"] for state in facts["units"].values())
        and set(enabled) <= set(jails)
        and all(
            jail["revision"] == revision and not (jail["broken"] or jail["lost"] or jail["stray"])
            for jail in jails.values()
        )
    )


def allow_list(wanted: Mapping[str, Any], stack: Mapping[str, Any], controller: str) -> list[str]:
    """Networks that are never banned, none within another: loopback, home, the stack's own, the controller.

    Behind a proxy that an application does not know, its log names the proxy: the stack's networks keep that from being
    banned. The controller comes last, so that a run from elsewhere changes nothing where it is covered already.
    """
    names = [*ALWAYS, *wanted["lan"], *(net["subnet"] for net in stack["networks"]), *wanted["ignore"]]
    networks = [ipaddress.ip_network(name) for name in names]
    v4 = ipaddress.collapse_addresses(one for one in networks if isinstance(one, ipaddress.IPv4Network))
    v6 = ipaddress.collapse_addresses(one for one in networks if isinstance(one, ipaddress.IPv6Network))
    found = [*map(str, v4), *map(str, v6)]
    if controller:
        here = ipaddress.ip_network(controller)
        if not any(here.version == one.version and here.subnet_of(one) for one in networks):  # type: ignore[arg-type]
            found.append(str(here))
    return found


def files_of(
    wanted: Mapping[str, Any],
    jails: Mapping[str, Mapping[str, Any]],
    allowed: list[str],
    texts: Mapping[str, str],
) -> list[dict[str, Any]]:
    """All files, for the module `fail2ban`; the revision is not in yet."""
    longest = max(jails_of.seconds(wanted["bantime_max"]), *(jail["bantime"] for jail in jails.values()))
    logs = {name: jail["logs"] for name, jail in jails.items() if jail["enabled"] and jail["logs"]}
    watched = {"logs": logs, "prefix6": wanted["prefix6"]}
    contents = {
        **texts,
        # What is forgotten cannot be restored after a restart, and does not count as an earlier offence.
        SERVER: f"{MADE}[DEFAULT]\nallowipv6 = auto\ndbpurgeage = {2 * longest}\n",
        JAILS: jails_text(wanted, jails, allowed),
        WATCHED: json.dumps(watched, indent=2, sort_keys=True) + "\n",
        SERVICE_UNIT: SERVICE_TEXT,
        TIMER_UNIT: TIMER_TEXT,
    }
    shared = {"owner": "root", "group": "root", "mode": "0644"}
    return [{"path": path, "content": contents[path], **shared} for path in sorted(contents, key=posixpath.normpath)]


def jails_text(wanted: Mapping[str, Any], jails: Mapping[str, Mapping[str, Any]], allowed: list[str]) -> str:
    """The jails. Those of the distribution and of the owner take their defaults from here, too."""
    v4 = ", ".join(one for one in allowed if ":" not in one)
    v6 = ", ".join(one for one in allowed if ":" in one)
    mask = "" if wanted["prefix6"] == 128 else f"/{wanted['prefix6']}"  # noqa: PLR2004 - a whole address
    defaults = {
        "ignoreip": " ".join(allowed),
        "ignoreself": "true",
        "usedns": "no",
        "bantime": jails_of.seconds(wanted["bantime"]),
        "findtime": jails_of.seconds(wanted["findtime"]),
        "maxretry": wanted["maxretry"],
        "bantime.increment": "true" if wanted["increment"] else "false",
        "bantime.maxtime": jails_of.seconds(wanted["bantime_max"]),
        "action": f'mediastack[name="%(__name__)s", revision="@REVISION@", mask6="{mask}",'
        f'\n         allowed4="{v4}",\n         allowed6="{v6}"]',
    }
    return "\n".join(
        [
            MADE + section("DEFAULT", defaults),
            *(section(name, jails_of.settings(jail)) for name, jail in sorted(jails.items())),
        ]
    )


def section(name: str, settings: Mapping[str, Any]) -> str:
    """One section of a configuration file."""
    return f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items())
