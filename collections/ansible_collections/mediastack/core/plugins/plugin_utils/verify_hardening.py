"""What proves that containers are confined and that the host is hardened: checks, as data. See `verify_plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils import fail2ban_watch, nft_keep, nft_table
from ansible_collections.mediastack.core.plugins.plugin_utils import fail2ban_plan, ssh_plan
from ansible_collections.mediastack.core.plugins.plugin_utils.firewall import table as firewall
from ansible_collections.mediastack.core.plugins.plugin_utils.hardening import proof
from ansible_collections.mediastack.core.plugins.plugin_utils.killswitch import units as killswitch
from ansible_collections.mediastack.core.plugins.plugin_utils.render.service import size_in_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SOCKET_OFFER = "docker-api"  # who offers it is the socket proxy
GROUP = "hardening"


def at_boot(*units: str) -> list[dict[str, Any]]:
    """Units start at boot."""
    return [{"argv": ["systemctl", "is-enabled", unit], "shows": {f"{unit} enabled": "^enabled$"}} for unit in units]


def on(*units: str) -> list[dict[str, Any]]:
    """Units start at boot, and run."""
    runs = [{"argv": ["systemctl", "is-active", unit], "shows": {f"{unit} runs": "^active$"}} for unit in units]
    return [*at_boot(*units), *runs]


def table(name: str, **shows: str) -> dict[str, Any]:
    """A table of nftables is loaded."""
    return {"argv": ["nft", "list", "table", nft_table.FAMILY, name], "shows": {f"table {name}": "", **shows}}


# By role: files that say that it has run, and what the host's own programs then have to show.
HOST: dict[str, dict[str, Any]] = {
    "firewall": {
        "title": "nothing comes in that is not let in",
        "traces": [nft_table.default_path(firewall.NAME), nft_table.unit_files(firewall.NAME)[0]],
        "commands": [
            table(
                firewall.NAME,
                **{"drops what comes in": "hook input .*policy drop;", "and goes through": "hook forward "},
            ),
            *at_boot(nft_table.unit_name(firewall.NAME)),
            *on(nft_keep.unit_name(firewall.NAME)),
        ],
    },
    "ssh": {
        "title": "sshd lets in with keys only",
        "traces": [ssh_plan.DROP_IN, ssh_plan.MODULI],
        "commands": [
            {
                "argv": ["/usr/sbin/sshd", "-T"],
                "shows": {
                    "no passwords": "^passwordauthentication no$",
                    "no empty ones": "^permitemptypasswords no$",
                    "keys": "^authenticationmethods publickey",
                    "root not with a password": "^permitrootlogin (?!yes$)",
                },
            }
        ],
    },
    "killswitch": {
        "title": "the VPN zone leaves through its tunnel only",
        "traces": [killswitch.TABLE, killswitch.PROGRAM, f"{killswitch.UNITS}/{killswitch.BOOT}"],
        "commands": [
            {
                "argv": [killswitch.PYTHON, "-I", killswitch.PROGRAM, "check"],
                "shows": {"table and rules are as written": ""},
            },
            *on(killswitch.BOOT, killswitch.WATCH),
        ],
    },
    "fail2ban": {
        "title": "who guesses passwords is banned",
        "traces": [fail2ban_plan.JAILS, fail2ban_plan.WATCHED],
        "commands": [
            {"argv": ["fail2ban-client", "status", "sshd"], "shows": {"jail sshd": "jail: sshd"}},
            table(fail2ban_watch.TABLE),
            *on("fail2ban.service", "mediastack-fail2ban.timer"),
        ],
    },
}


def confined_checks(running: Mapping[str, dict[str, Any]], *, without_limits: bool) -> list[dict[str, Any]]:
    """Return a check for each container that runs, and one of the limits of all.

    `without_limits`: a kernel that cannot limit is known to the owner.
    """
    checks = [
        _check(
            "confined",
            name,
            f"{name} holds only what is declared",
            "apply; what it needs beyond that is declared in its `hardening`",
            instance=name,
            container=instance["container"],
            **declared(instance),
        )
        for name, instance in running.items()
    ]
    limits = _check(
        "limits",
        "containers",
        "memory and processes of containers are limited",
        "apply; for a kernel that cannot: boot it with cgroup_enable=memory, or accept it with "
        "mediastack_compose.limits: ignore",
        known=without_limits,
        instances=[
            {"instance": name, "container": instance["container"], **limits_of(instance)}
            for name, instance in running.items()
        ],
    )
    return [*checks, limits] if running else []


def declared(instance: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an instance may hold."""
    wanted = instance.get("hardening") or {}
    return {
        "capabilities": sorted(str(name).upper().replace("CAP_", "", 1) for name in wanted.get("cap_add") or []),
        "no_new_privileges": bool(wanted.get("no_new_privileges", True)),
        "read_only": bool(wanted.get("read_only")),
        "because": str(wanted.get("because") or ""),
        "devices": sorted(wanted.get("devices") or []),
        "host_network": instance["network"]["mode"] == "host",
        "engine_socket": SOCKET_OFFER in (instance.get("offers") or []),
    }


def limits_of(instance: Mapping[str, Any]) -> dict[str, int]:
    """Return the declared memory in bytes and number of processes, 0 where none is declared."""
    wanted = instance.get("limits") or {}
    return {
        "memory": size_in_bytes(wanted["memory"]) if wanted.get("memory") else 0,
        "pids": int(wanted.get("pids") or 0),
    }


def item_checks(hardened: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the check of the role `hardening`; none of a server where it has not run.

    `hardened`: ``{choice, planned, facts}``, as in `plugin_utils/hardening`: what a run would change is what is wrong.
    """
    if not hardened:
        return []
    found = proof.of(hardened["choice"], hardened["planned"], hardened["facts"])
    remedy = "mediastack-provision harden --tags hardening"
    return [_check("items", "hardening", "the host has every item of hardening", remedy, **found)]


def host_checks() -> Iterable[dict[str, Any]]:
    """Return a check for each role that hardens the host and is asked about there."""
    for role, wanted in HOST.items():
        title, traces, commands = wanted["title"], wanted["traces"], wanted["commands"]
        remedy = f"mediastack-provision harden --tags {role}"
        yield _check("hardened", role, title, remedy, traces=traces, commands=commands)


def _check(kind: str, subject: str, title: str, remedy: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"{kind}.{subject}",
        "kind": kind,
        "group": GROUP,
        "title": title,
        "remedy": remedy,
        "severity": "fail",
        "instance": fields.pop("instance", None),
        **fields,
    }
