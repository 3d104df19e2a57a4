"""Secrets of the Stack: what is missing, and how it is made. No I/O; `vault_file` reads and writes.

    plan(stack, vault, given, vault_path) -> Plan
    Secrets = {instance: {name: text}}

Sources of a secret: `generated` (by us, once, in the application's own format, before its first
start), `owner` (only the owner can know it), `application` (made by the application and read back
later; never ours to make).
"""

from __future__ import annotations

import base64
import secrets as random_source
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.plugin_utils.errors import wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Secrets = dict[str, dict[str, str]]

# No 0 O, 1 l I: such a password may have to be typed on a television.
UNAMBIGUOUS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
PASSWORD_LENGTH = 24
OWN = ({"instance": "mediastack", "name": "hash_key", "format": "hex64", "source": "generated"},)


class OwnerSecretError(ValueError):
    """Secrets that only the owner can supply are missing, or have the wrong form."""


@dataclass(frozen=True)
class Plan:
    """What is known (`values`) and which of it is new (`generated`: [(instance, name)])."""

    values: Secrets
    generated: list[tuple[str, str]] = field(default_factory=list)


def password() -> str:
    """Return a password that holds a lower-case letter, a capital and a digit."""
    while True:
        text = "".join(random_source.choice(UNAMBIGUOUS) for _ in range(PASSWORD_LENGTH))
        if any(c.islower() for c in text) and any(c.isupper() for c in text) and any(c.isdigit() for c in text):
            return text


def wireguard_key() -> str:
    """Return a private key: 32 random bytes, clamped as Curve25519 wants them, in base64."""
    key = bytearray(random_source.token_bytes(32))
    key[0] &= 248
    key[31] = (key[31] & 127) | 64
    return base64.b64encode(bytes(key)).decode()


FORMATS: dict[str, Callable[[], str]] = {
    "hex32": lambda: random_source.token_hex(16),
    "hex64": lambda: random_source.token_hex(32),
    "base64_32": lambda: base64.b64encode(random_source.token_bytes(32)).decode(),
    "password": password,
    "wireguard_key": wireguard_key,
    "text": password,
}


def generate(kind: str) -> str:
    """Return a new secret of a format; raise ValueError for an unknown one."""
    if kind not in FORMATS:
        raise ValueError(f"'{kind}' is not a secret format. Formats: {', '.join(sorted(FORMATS))}.")
    return FORMATS[kind]()


def problem(kind: str, value: str) -> str | None:
    """Return what is wrong with a value that an owner gave, or None.

    Only what every application would refuse is refused: an owner's existing key need not look like ours.
    """
    if not value.strip() or value != value.strip():
        return "is empty, or begins or ends with a space"
    if any(ord(c) < ord(" ") for c in value):
        return "has a line break or control character"
    if kind == "wireguard_key" and not is_wireguard_key(value):
        return "is not a WireGuard key (44 characters of base64, 32 bytes)"
    return None


def is_wireguard_key(value: str) -> bool:
    """Say whether `value` is 32 bytes in base64."""
    try:
        return len(base64.b64decode(value, validate=True)) == 32  # noqa: PLR2004
    except ValueError:
        return False


def plan(stack: dict[str, Any], vault: Mapping[str, Any], given: Mapping[str, Any], vault_path: str) -> Plan:
    """Return every secret that the Stack needs.

    `given` (mediastack_secrets as Ansible sees it, wherever it is set) wins over `vault` (the file on
    disk, which may be newer than what Ansible loaded when it started). Raises OwnerSecretError, once,
    with all that is missing.
    """
    values = merged(vault, given)
    generated: list[tuple[str, str]] = []
    problems: list[str] = []
    for secret in [*OWN, *stack.get("secrets", [])]:
        instance, name, kind = secret["instance"], secret["name"], secret["format"]
        known = values.get(instance, {}).get(name)
        source = secret.get("source") or "generated"
        if known is not None:
            wrong = problem(kind, known)
            if wrong:
                problems.append(f"mediastack_secrets.{instance}.{name}: {wrong}")
        elif source == "generated":
            values.setdefault(instance, {})[name] = generate(kind)
            generated.append((instance, name))
        elif source == "owner":
            problems.append(f"mediastack_secrets.{instance}.{name}: missing (format {kind})")
    if problems:
        raise OwnerSecretError(owner_message(problems, vault_path))
    return Plan(values, generated)


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> Secrets:
    """Return two levels of mappings as one, texts only; raise OwnerSecretError for another shape."""
    result: Secrets = {}
    for layer in (below, above):
        for instance, names in layer.items():
            if not isinstance(names, dict):
                raise OwnerSecretError(
                    f"mediastack_secrets.{instance} must be a mapping of names to values, "
                    f"like {{{instance}: {{api_key: ...}}}}."
                )
            target = result.setdefault(str(instance), {})
            target.update({str(name): str(value) for name, value in names.items() if value is not None})
    return result


def owner_message(problems: list[str], vault_path: str) -> str:
    """Return one message for all secrets that only the owner can supply."""
    one = len(problems) == 1
    count = f"{len(problems)} secret{'' if one else 's'} that only you can supply."
    where = f"Set {'it' if one else 'them'} below `mediastack_secrets:`."
    remedy = f"Remedy: ansible-vault edit {vault_path} (ansible-vault create, if it does not exist yet)"
    parts = [*problems, f"{count} {where}", remedy]
    return "\n".join([vault_path, *(line for part in parts for line in wrapped(part))])
