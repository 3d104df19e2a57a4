"""What a file of authorized keys lets in."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from typing import Any

PRIVATE = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----|^PuTTY-User-Key-File-", re.MULTILINE)
KIND = re.compile(r"(ssh|ecdsa|sk-ssh|sk-ecdsa)-[A-Za-z0-9@.-]+")
WORD = re.compile(r'(?:[^\s"]|"(?:[^"\\]|\\.)*")+')


def holds_private_key(text: str) -> bool:
    """Whether somebody pasted a private key."""
    return PRIVATE.search(text) is not None


def parse(text: str) -> list[dict[str, Any]]:
    """``{type, bits}`` of each key that lets its owner in; lines that are no key are left out. Bits are of RSA only."""
    found = [key_of(WORD.findall(line)) for line in text.splitlines() if not line.lstrip().startswith("#")]
    return [key for key in found if key]


def key_of(words: list[str]) -> dict[str, Any] | None:
    """The key of one line, which may begin with options; None when it is none, or an authority's."""
    at = next((number for number, word in enumerate(words[:2]) if KIND.fullmatch(word)), None)
    if at is None or not words[at + 1 :] or "cert-authority" in words[0].split(","):
        return None
    try:
        fields = fields_of(base64.b64decode(words[at + 1], validate=True))
    except (binascii.Error, struct.error, ValueError):
        return None
    if not fields or fields[0] != words[at].encode():
        return None
    rsa = words[at] == "ssh-rsa" and len(fields) == 3  # noqa: PLR2004 - name, exponent, modulus
    return {"type": words[at], "bits": int.from_bytes(fields[2], "big").bit_length() if rsa else 0}


def fields_of(blob: bytes) -> list[bytes]:
    """The length-prefixed fields of a public key; raises ValueError or struct.error when they do not fit."""
    found = []
    while blob:
        (size,) = struct.unpack(">I", blob[:4])
        if len(blob) < 4 + size:
            raise ValueError("a field is cut short")
        found.append(blob[4 : 4 + size])
        blob = blob[4 + size :]
    return found
