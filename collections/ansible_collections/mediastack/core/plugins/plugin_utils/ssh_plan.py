"""What sshd is to be told, whether it is told already, and what would lock its owner out. Pure."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.plugin_utils import ssh_algorithms, ssh_totp
from ansible_collections.mediastack.core.plugins.plugin_utils.states import in_place

if TYPE_CHECKING:
    from collections.abc import Mapping

DROP_IN = "/etc/ssh/sshd_config.d/01-mediastack.conf"
SOCKET = "/etc/systemd/system/ssh.socket.d/60-mediastack.conf"
MODULI = "/etc/ssh/moduli.mediastack"
OWN_RSA_KEY = "/etc/ssh/mediastack_host_rsa_key"
ED25519_KEY = "/etc/ssh/ssh_host_ed25519_key"
PENALTIES = (9, 8)  # the first version with PerSourcePenalties
RSA_SIZE = (9, 1)  # the first version with RequiredRSASize
ADDING = ("port", "hostkey", "allowusers", "allowgroups")  # keywords that add to what other files say
# Older names of keywords, which sshd takes as well (sshd's servconf.c).
OLDER = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "dsaauthentication": "pubkeyauthentication",
    "keepalive": "tcpkeepalive",
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
    "skeyauthentication": "kbdinteractiveauthentication",
}
PORTS = range(1, 65536)
# A socket whose service runs cannot be restarted, so both stop first; open sessions outlive that.
SOCKET_ANEW = [["systemctl", "stop", "ssh.socket", "ssh.service"], ["systemctl", "start", "ssh.socket"]]
SERVICE_ANEW = [["systemctl", "reset-failed", "ssh.service"], ["systemctl", "restart", "ssh.service"]]


def plan(facts: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Compare.

    Args:
        facts: what `ssh_facts` found.
        wanted: ``{level, port, permit_root_login, allow_users, allow_groups, forwarding, login_grace_time,
            max_auth_tries, max_startups, settings, totp_users}``.

    Returns:
        ``{problems, notices, files, absent, host_keys, moduli, packages, differs, restore}``: why not to do it, what
        to tell, `files` and `absent` for the module `files`, host keys to make ``{path, type, bits}``, whether the copy
        of the moduli is to be made, packages to install, whether the configuration is to be changed, and the commands
        that make old files take effect.

    """
    settings, totp_users = settings_of(facts, wanted), wanted["totp_users"]
    asked = ssh_totp.members(facts, totp_users)
    text = text_of(settings) + ssh_totp.match_block(asked)
    files: list[dict[str, Any]] = [
        {"path": DROP_IN, "content": text, "owner": "root", "group": "root", "mode": "0600"},
    ]
    socket = facts["socket"] and wanted["port"]
    if socket:
        text = f"# Made by mediastack (role ssh).\n[Socket]\nListenStream=\nListenStream={wanted['port']}\n"
        files.append({"path": SOCKET, "content": text, "owner": "root", "group": "root", "mode": "0644"})
    pam = ssh_totp.pam_text(facts["pam"], asks=bool(asked))
    states = facts["states"]
    written = in_place(files[0], states[DROP_IN])
    absent = [] if socket or states[SOCKET]["kind"] == "missing" else [SOCKET]
    keys = missing_keys(facts, wanted["level"])
    moduli = not facts["moduli"]
    in_order = pam == facts["pam"] and all(in_place(item, states[item["path"]]) for item in files)
    files[0]["validate"] = ["/usr/sbin/sshd", "-t", "-f", "%s"]
    return {
        "problems": problems(facts, wanted, settings, written=written),
        "notices": ssh_totp.notices(facts, totp_users),
        # Nothing is said of PAM's file where it is as it should be: it is the distribution's.
        "files": files if pam == facts["pam"] else [*files, {"path": ssh_totp.PAM, "content": pam}],
        "absent": absent,
        "host_keys": keys,
        "moduli": moduli,
        "packages": [ssh_totp.PACKAGE] if totp_users and not facts["totp_program"] else [],
        "differs": bool(keys or moduli or absent or facts["guarded"] or not in_order),
        "restore": SOCKET_ANEW if facts["socket"] else SERVICE_ANEW,
    }


def version_of(text: str) -> tuple[int, int]:
    """A version as numbers; (0, 0) where there is none."""
    major, _, minor = text.partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)


def good_host_keys(facts: Mapping[str, Any], level: str) -> list[str]:
    """The host keys that may be offered, ed25519 first."""
    keys = facts["host_keys"]
    ed25519 = [key["path"] for key in keys if key["type"] == "ssh-ed25519"]
    return ed25519 + [
        key["path"] for key in keys if key["type"] == "ssh-rsa" and key["bits"] >= ssh_algorithms.HOST_RSA_BITS[level]
    ]


def missing_keys(facts: Mapping[str, Any], level: str) -> list[dict[str, Any]]:
    """Host keys that have to be made. The distribution's are never replaced: others know them."""
    good = set(good_host_keys(facts, level))
    kinds = {key["type"] for key in facts["host_keys"] if key["path"] in good}
    made = [{"path": ED25519_KEY, "type": "ed25519", "bits": 256}] if "ssh-ed25519" not in kinds else []
    return made + ([] if "ssh-rsa" in kinds else [{"path": OWN_RSA_KEY, "type": "rsa", "bits": 4096}])


def root_login(facts: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """`auto`: off as soon as somebody else than root is let in with a key."""
    choice = str(wanted["permit_root_login"])
    if choice != "auto":
        return "no" if choice == "False" else choice  # YAML's reading of no
    login = facts["login"]
    return "no" if login != "root" and usable(facts, login, wanted["level"]) else "prohibit-password"


def settings_of(facts: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, list[str]]:
    """The statements of the drop-in file. A keyword with several values is written several times."""
    level = wanted["level"]
    host_keys = good_host_keys(facts, level) + [key["path"] for key in missing_keys(facts, level)]
    found: dict[str, list[str]] = {
        "PermitRootLogin": [root_login(facts, wanted)],
        "PubkeyAuthentication": ["yes"],
        "PasswordAuthentication": ["no"],
        "KbdInteractiveAuthentication": ["no"],
        "AuthenticationMethods": ["publickey"],
        "PermitEmptyPasswords": ["no"],
        "HostbasedAuthentication": ["no"],
        "IgnoreRhosts": ["yes"],
        "StrictModes": ["yes"],
        "PermitUserEnvironment": ["no"],
        "LoginGraceTime": [str(wanted["login_grace_time"])],
        "MaxAuthTries": [str(wanted["max_auth_tries"])],
        "MaxStartups": [str(wanted["max_startups"])],
        "ClientAliveInterval": ["60"],
        "ClientAliveCountMax": ["2"],
        "TCPKeepAlive": ["no"],
        "Compression": ["no"],
        "UseDNS": ["no"],
        "LogLevel": ["VERBOSE"],
        "HostKey": host_keys,
        "ModuliFile": [MODULI],
    }
    if version_of(facts["version"]) >= RSA_SIZE:
        found["RequiredRSASize"] = [str(ssh_algorithms.USER_RSA_BITS[level])]
    found |= {"X11Forwarding": ["no"], "AllowAgentForwarding": ["no"]}
    if wanted["forwarding"]:
        found["AllowTcpForwarding"] = ["yes"]
    else:
        # DisableForwarding says it all; the others are what auditors ask `sshd -T` for.
        found |= {"AllowTcpForwarding": ["no"], "DisableForwarding": ["yes"]}
    if version_of(facts["version"]) >= PENALTIES:
        found["PerSourcePenalties"] = ["yes"]
    else:
        found["PerSourceMaxStartups"] = ["10"]
    if wanted["port"]:
        found["Port"] = [str(wanted["port"])]
    for keyword, names in (("AllowUsers", wanted["allow_users"]), ("AllowGroups", wanted["allow_groups"])):
        if names:
            found[keyword] = [" ".join(names)]
    found |= {key: [",".join(names)] for key, names in ssh_algorithms.choose(facts["supported"], level).items()}
    if wanted["totp_users"]:
        found["UsePAM"] = ["yes"]
    return merged(found, wanted["settings"])


def merged(found: Mapping[str, list[str]], own: Mapping[str, Any]) -> dict[str, list[str]]:
    """The owner's settings win; the spelling of a keyword does not matter."""
    names = {str(key).lower() for key in own}
    kept = {key: values for key, values in found.items() if key.lower() not in names}
    for key, value in own.items():
        kept[str(key)] = [word(item) for item in (value if isinstance(value, list) else [value])]
    return kept


def word(value: Any) -> str:
    """A value as sshd_config writes it; YAML reads yes and no as true and false."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def text_of(settings: Mapping[str, list[str]]) -> str:
    """The drop-in file."""
    lines = [f"{key} {value}" for key, values in sorted(settings.items()) for value in values]
    return "\n".join(["# Made by mediastack (role ssh); edits are replaced.", *lines, ""])


def usable(facts: Mapping[str, Any], name: str, level: str) -> bool:
    """Whether somebody has a shell and a key that this level accepts."""
    account = facts["accounts"].get(name)
    if not account or not account["exists"] or not account["shell"]:
        return False
    return facts["keys_command"] or any(ssh_algorithms.accepts(key, level) for key in account["keys"])


def allowed(facts: Mapping[str, Any], name: str, wanted: Mapping[str, Any]) -> bool:
    """Whether the lists let a user in."""
    users = [str(item).partition("@")[0] for item in wanted["allow_users"]]
    groups = set(wanted["allow_groups"]) & set(facts["accounts"][name]["groups"])
    return (not users or any(fnmatchcase(name, item) for item in users)) and (
        not wanted["allow_groups"] or bool(groups)
    )


def problems(
    facts: Mapping[str, Any], wanted: Mapping[str, Any], settings: Mapping[str, list[str]], *, written: bool
) -> list[str]:
    """Why it must not be done: each a sentence with its remedy."""
    if not facts["version"]:
        return ["OpenSSH's server is not installed. Remedy: install openssh-server"]
    return [
        *people_problems(facts, wanted),
        *level_problems(facts, wanted["level"]),
        *ssh_totp.problems(facts, wanted["totp_users"], settings, written=written),
        *port_problems(facts, wanted["port"]),
        *file_problems(facts, settings),
    ]


def people_problems(facts: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Nobody, or not you, could come in."""
    accounts, login, level = facts["accounts"], facts["login"], wanted["level"]
    found = [
        f"{name}: {problem}" for name, item in accounts.items() for problem in item["problems"] if "private" in problem
    ]
    if found:
        found = [f"{item}. Remedy: put the public half there (ssh-keygen -y), and make a new key" for item in found]
    missing = [name for name in literal_users(wanted["allow_users"]) if not accounts[name]["exists"]]
    found += [f"ssh_allow_users: there is no user {name} on this server" for name in missing]
    found += [
        f"ssh_allow_groups: there is no group {name} on this server"
        for name in wanted["allow_groups"]
        if name not in facts["groups"]
    ]
    candidates = [name for name in accounts if accounts[name]["exists"] and allowed(facts, name, wanted)]
    if not any(usable(facts, name, level) for name in candidates):
        reasons = [reason for name in candidates for reason in accounts[name]["problems"]]
        found.append(
            "nobody who is let in has an authorized key that is accepted: "
            f"{', '.join(candidates) or 'nobody is let in'}{''.join(f' ({reason})' for reason in reasons)}. "
            "Remedy: ssh-copy-id, with an ed25519 key"
        )
    elif login not in candidates:
        found.append(
            f"ssh_allow_users and ssh_allow_groups leave out {login}, as whom this run is connected. "
            f"Remedy: add {login}, or connect as somebody who is let in"
        )
    elif not usable(facts, login, level):
        found.append(
            f"{login}, as whom this run is connected, has no authorized key that is accepted. Remedy: ssh-copy-id"
        )
    if login == "root" and root_login(facts, wanted) == "no":
        found.append("ssh_permit_root_login: 'no', but this run is connected as root. Remedy: connect as somebody else")
    return found


def level_problems(facts: Mapping[str, Any], level: str) -> list[str]:
    """There is nothing that the level could offer."""
    if ssh_algorithms.choose(facts["supported"], level)["KexAlgorithms"]:
        return []
    return [f"ssh_level: {level!r}, but OpenSSH {facts['version']} has none of its key exchanges. Remedy: hardened"]


def literal_users(names: list[str]) -> list[str]:
    """The names in an allow-list that are no patterns."""
    users = [str(name).partition("@")[0] for name in names]
    return [name for name in users if not set(name) & set("*?!")]


def port_problems(facts: Mapping[str, Any], port: int) -> list[str]:
    """The port is none, or somebody else's."""
    if not port:
        return []
    if port not in PORTS:
        return [f"ssh_port: {port} is no port. Remedy: 1 to 65535, or 0 to leave it"]
    if str(port) in facts["effective"].get("port", []):
        return []
    others = (item["process"] for item in facts["listening"] if item["port"] == port)
    holders = sorted({name or "?" for name in others} - {"sshd", "systemd"})
    return [f"ssh_port: {port} is taken by {', '.join(holders)}. Remedy: choose another"] if holders else []


def file_problems(facts: Mapping[str, Any], settings: Mapping[str, list[str]]) -> list[str]:
    """Other files that win over ours, or add to it."""
    ours = {key.lower(): {value.lower() for value in values} for key, values in settings.items()}
    found, seen = [], False
    for item in facts["statements"]:
        seen = seen or item["file"] == DROP_IN
        keyword, value = OLDER.get(item["keyword"], item["keyword"]), item["value"].lower()
        if item["file"] == DROP_IN or keyword not in ours or value in ours[keyword]:
            continue
        if keyword in ADDING or not seen:
            found.append(
                f"{item['file']}:{item['line']} says {item['keyword']} {item['value']}, which wins over ours or adds "
                "to it. Remedy: remove that line, or say so in ssh_settings"
            )
    if not seen:
        found.append(
            "/etc/ssh/sshd_config does not include /etc/ssh/sshd_config.d/*.conf. Remedy: put "
            "'Include /etc/ssh/sshd_config.d/*.conf' at its top"
        )
    return found
