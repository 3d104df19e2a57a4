"""Users who give a code of their authenticator after their key: what sshd and PAM are to be told. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PAM = "/etc/pam.d/sshd"
PACKAGE = "libpam-google-authenticator"
SECRET = ".google_authenticator"  # noqa: S105 - a file's name
ENROL = "google-authenticator -t -d -f -r 3 -R 30 -w 3"
# A password and a code would go through the same lines of PAM; without PAM, nobody is asked for a code.
METHODS = "publickey,keyboard-interactive:pam"
NEEDED = {"usepam": "yes", "passwordauthentication": "no", "kbdinteractiveauthentication": "no"}
BEGIN = "# mediastack (role ssh) asks for a code in place of: "
END = "# mediastack: end"
# pam_permit is what common-auth ends with: it sets the credentials.
ASKS = "auth required pam_google_authenticator.so\nauth required pam_permit.so"
PASSWORD = re.compile(r"^@include[ \t]+common-auth[ \t]*$", re.MULTILINE)
OURS = re.compile(rf"^{re.escape(BEGIN)}(.*)\n(?:.*\n)*?{re.escape(END)}$", re.MULTILINE)


def members(facts: Mapping[str, Any], users: Sequence[str]) -> list[str]:
    """Those on the list who have a secret: only they can give a code."""
    accounts = facts["accounts"]
    return sorted({name for name in users if accounts[name]["exists"] and accounts[name]["totp"]})


def match_block(names: Sequence[str]) -> str:
    """The end of the drop-in file. sshd ends it with the file, so that later files are not concerned."""
    if not names:
        return ""
    return f"Match User {','.join(names)}\n    AuthenticationMethods {METHODS}\n    KbdInteractiveAuthentication yes\n"


def original(text: str) -> str:
    """PAM's file of sshd without our lines."""
    return OURS.sub(r"\1", text)


def pam_text(text: str, *, asks: bool) -> str:
    """PAM's file of sshd as it should be; only the line that asks for a password is another."""
    plain = original(text)
    return PASSWORD.sub(lambda found: f"{BEGIN}{found.group()}\n{ASKS}\n{END}", plain, count=1) if asks else plain


def problems(
    facts: Mapping[str, Any], users: Sequence[str], settings: Mapping[str, Sequence[str]], *, written: bool
) -> list[str]:
    """Why it must not be done: each a sentence with its remedy. `written`: our drop-in file is as it should be."""
    if not users:
        return []
    login, accounts = facts["login"], facts["accounts"]
    found = [
        f"ssh_totp_users: there is no user {name} on this server. Remedy: make the user, or take the name off the list"
        for name in users
        if not accounts[name]["exists"]
    ]
    if login in users:
        found.append(
            f"ssh_totp_users: this run is connected as {login}, and a run has no authenticator. "
            f"Remedy: take {login} off the list, or connect as somebody else"
        )
    found += [
        f"ssh_settings: {keyword} {' '.join(values)} does not go with ssh_totp_users. Remedy: leave one of them out"
        for keyword, values in settings.items()
        if [value.lower() for value in values] != [NEEDED.get(keyword.lower(), value.lower()) for value in values]
    ]
    expected = [[METHODS]] if written else [[METHODS], facts["effective"].get("authenticationmethods", [])]
    found += [
        f"ssh_totp_users: another Match block says AuthenticationMethods {' '.join(accounts[name]['methods'])} "
        f"for {name}, and wins over ours. Remedy: remove it, or take the name off the list"
        for name in members(facts, users)
        if accounts[name]["methods"] not in expected
    ]
    if members(facts, users) and not PASSWORD.search(original(facts["pam"])):
        found.append(
            f"{PAM} has no line '@include common-auth', in whose place ssh_totp_users puts the question for a code. "
            "Remedy: put that line back, as openssh-server brings it"
        )
    if "\N{REPLACEMENT CHARACTER}" in facts["pam"]:
        found.append(f"{PAM} is not in UTF-8, and could not be put back as it is. Remedy: convert it")
    return found


def notices(facts: Mapping[str, Any], users: Sequence[str]) -> list[str]:
    """Who on the list still comes in with the key alone, and what is missing."""
    accounts = facts["accounts"]
    return [
        f"ssh_totp_users: {name} has no secret yet (~{name}/{SECRET}, mode 0400 or 0600), and comes in with the key "
        f"alone. Remedy: run as {name}: {ENROL} - and then this role again"
        for name in dict.fromkeys(users)
        if accounts[name]["exists"] and not accounts[name]["totp"]
    ]
