"""What the firewall is to be, and what speaks against it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.plugin_utils.firewall import table
from ansible_collections.mediastack.core.plugins.plugin_utils.firewall.view import View, admitted, described, view_of

if TYPE_CHECKING:
    from collections.abc import Mapping

RATES = range(1, 10_001)
SECONDS = range(5, 3601)
# How another firewall is put out of the way; the files that say whether it starts at boot; how it is brought back, by
# the state that it was in.
REPLACED: dict[str, dict[str, Any]] = {
    "ufw": {
        "disable": ["ufw", "--force", "disable"],
        "paths": ["/etc/ufw/ufw.conf"],
        "restore": {"active": ["ufw", "--force", "enable"]},
    },
    "firewalld": {
        "disable": ["systemctl", "disable", "--now", "firewalld.service"],
        "paths": [
            "/etc/systemd/system/multi-user.target.wants/firewalld.service",
            "/etc/systemd/system/dbus-org.fedoraproject.FirewallD1.service",
        ],
        "restore": {
            "active": ["systemctl", "enable", "--now", "firewalld.service"],
            "enabled": ["systemctl", "enable", "firewalld.service"],
        },
    },
}
OTHER = {"active": "active", "enabled": "enabled at boot"}


def plan(stack: Mapping[str, Any], facts: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Decide.

    Args:
        stack: the resolved Stack.
        facts: what `firewall_facts` found.
        wanted: the role's variables: ``{enabled, ssh_from, ssh_port, ssh_rate, allow, lan_ipv6, log, log_rate,
            replace}``.

    Returns:
        ``{problems, notices, table, state, install, open, disable, guarded, restore}``: why not to do it, what to
        tell, the table's text and state, whether nft is to be installed, what is open to whom, commands that disable
        other firewalls, paths to guard besides the table's, and commands that bring them back.

    """
    problems: list[str] = []
    view = view_of(stack, facts, wanted, problems)
    others = {name: state for name, state in facts["others"].items() if state != "off"} if wanted["enabled"] else {}
    if wanted["enabled"]:
        problems += surroundings(view, facts, wanted, others)
    else:
        problems = []
    return {
        "problems": problems,
        "notices": notices(view, facts, wanted),
        "table": table.render(view) if wanted["enabled"] and not problems else "",
        "state": "present" if wanted["enabled"] else "absent",
        "install": bool(wanted["enabled"] and not facts["nft"]),
        "open": described(view.sources),
        "disable": [REPLACED[name]["disable"] for name in others],
        "guarded": [path for name in others for path in REPLACED[name]["paths"]],
        "restore": [REPLACED[name]["restore"][state] for name, state in others.items()],
    }


def surroundings(
    view: View, facts: Mapping[str, Any], wanted: Mapping[str, Any], others: Mapping[str, str]
) -> list[str]:
    """Refusals that come from the server as it is, or from how the choices meet it."""
    found = []
    if not facts["systemd"]:
        found.append("this server is not run by systemd, which loads the firewall before the network")
    if others and not wanted["replace"]:
        names = " and ".join(others)
        states = " and ".join(f"{name} is {OTHER[state]}" for name, state in others.items())
        found.append(
            f"{states}, and two firewalls would fight. Remedy: disable it yourself, or set "
            f"firewall_replace: true, which disables {names}: its rules then no longer hold, ours do"
        )
    found += [
        f"firewall_{name}: {wanted[name]} is no rate. Remedy: 1 to {RATES[-1]}"
        for name in ("ssh_rate", "log_rate")
        if int(wanted[name]) not in RATES
    ]
    if int(wanted["seconds"]) not in SECONDS:
        found.append(f"firewall_rollback_seconds: {wanted['seconds']} has to be between 5 and 3600")
    if not view.ssh_ports:
        found.append("it is not known on which port sshd answers. Remedy: set ssh_port")
    client = facts["client"]
    if client and not admitted(view, client):
        lan = ", ".join([*view.lan.family(4), *view.lan.family(6)]) or "none"
        found.append(
            f"firewall_ssh_from: lan leaves out {client}, from where this run is connected (the LAN is {lan}). "
            "Remedy: add its subnet to mediastack_network.lan or firewall_lan_ipv6, or allow it in firewall_allow"
        )
    return found


def notices(view: View, facts: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """What an owner ought to know, and what is no reason to stop."""
    found = []
    if wanted["enabled"] and facts["nftables_service"]:
        found.append(
            "nftables.service is enabled. It begins with `flush ruleset`: whenever it is started, stopped or reloaded, "
            "our tables are gone until they are put back. At boot ours are loaded after it. "
            "Remedy: systemctl disable nftables.service (do not stop it: that flushes, too)"
        )
    if wanted["enabled"] and wanted["ssh_from"] == "lan" and not view.lan.family(6):
        found.append("firewall_lan_ipv6 is empty: nobody reaches SSH over IPv6")
    return found
