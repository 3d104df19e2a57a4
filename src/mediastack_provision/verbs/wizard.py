"""The questions of `init`. Enter takes what is in brackets; a flag that was given is not asked for."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mediastack_provision.exits import UserError
from mediastack_provision.scaffold import LAYER_TITLES, LOCAL, Answers

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from mediastack_provision.scaffold import Entry

KEY_BYTES = 32
IMPLIED = frozenset({"gluetun", "caddy"})  # gateway and edge proxy follow from other answers
QUESTIONS = (
    ("host", "Server: its name or address, or `local` for this machine"),
    ("user", "User to log in as over SSH (needs sudo; empty: your own)"),
    ("timezone", "Time zone"),
    ("media_root", "Folder for downloads and library (one filesystem)"),
    ("domain", "Domain for the services' names, for instance home.example (empty: none)"),
    ("vpn", "VPN provider as gluetun calls it, for instance protonvpn, mullvad (or `none`)"),
    ("vpn_type", "VPN type: wireguard or openvpn"),
    ("vpn_country", "Country of the VPN server (empty: any)"),
    ("vpn_endpoint", "VPN server: its address and port, for instance 203.0.113.7:51820"),
    ("vpn_public_key", "Public key of the VPN server"),
    ("vpn_address", "Your own address in the tunnel, for instance 10.2.0.2/32"),
)


def ask(
    answers: Answers, given: Collection[str], catalogue: Mapping[str, Entry], key: str | None, folder: str
) -> tuple[Answers, str | None]:
    """Ask what the flags did not say; returns the answers and the VPN's key."""
    from rich.console import Console
    from rich.prompt import Prompt

    console = Console(highlight=False)
    console.print(f"A new inventory in [bold]{folder}[/bold]. Enter takes the answer in brackets.\n")
    for name, question in QUESTIONS:
        if name in given or not applies(name, answers):
            continue
        usual = getattr(answers, name)
        while True:
            text = Prompt.ask(question, default=usual, show_default=bool(usual), console=console).strip()
            wrong = check_timezone(text) if name == "timezone" else ""
            if not wrong:
                break
            console.print(wrong, style="red", markup=False)
        answer: dict[str, Any] = {name: text}
        answers = replace(answers, **answer)
    if "services" not in given:
        answers = replace(answers, services=_services(answers, catalogue, console))
    if key is None and answers.has_vpn and answers.vpn_type == "wireguard":
        key = _key(console)
    return answers, key


def check_timezone(name: str) -> str:
    """What is wrong with a time zone; empty when nothing is."""
    from ansible_collections.mediastack.core.plugins.plugin_utils.choices_timezone import unknown_timezone

    return " ".join(part for problem in unknown_timezone(name) for part in (problem.text, *problem.remedy))


def applies(name: str, answers: Answers) -> bool:
    """Whether a question means anything after the answers so far."""
    if name == "user":
        return answers.host != LOCAL
    if name == "vpn_type":
        return answers.has_vpn
    if name == "vpn_country":
        return answers.has_vpn and answers.vpn != "custom"
    if name in {"vpn_endpoint", "vpn_public_key", "vpn_address"}:
        return answers.has_own_server
    return True


def _services(answers: Answers, catalogue: Mapping[str, Entry], console: Any) -> tuple[str, ...]:
    """Yes or no for each service, section by section."""
    from rich.prompt import Confirm

    wanted = []
    for layer, title in LAYER_TITLES.items():
        entries = [entry for entry in catalogue.values() if entry.layer == layer and entry.name not in IMPLIED]
        if entries:
            console.print(f"\n[bold]{title}[/bold]")
        for entry in entries:
            usual = entry.name in answers.services
            if Confirm.ask(f"  {entry.name}: {entry.summary}", default=usual, console=console):
                wanted.append(entry.name)
    implied = [name for name in answers.services if name in IMPLIED]
    return tuple(implied + wanted)


def _key(console: Any) -> str | None:
    """The VPN's private key, typed without being shown; empty to add it later."""
    from rich.prompt import Prompt

    while True:
        text = Prompt.ask(
            "\nWireGuard private key from your provider (not shown; empty: add it to vault.yml later)",
            password=True,
            default="",
            show_default=False,
            console=console,
        )
        if not text.strip():
            return None
        try:
            return checked_key(text)
        except UserError as error:
            console.print(str(error), style="red")


def checked_key(text: str) -> str:
    """A WireGuard private key: 32 bytes in base64.

    Raises:
        UserError: when it is none; the text itself is not repeated.

    """
    key = text.strip()
    try:
        size = len(base64.b64decode(key, validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if size != KEY_BYTES:
        raise UserError("This is not a WireGuard private key: 44 characters, the last of them '='.")
    return key
