"""Which algorithms sshd may use, by level and by what the OpenSSH on the server knows.

The lists of `hardened` follow what ssh-audit's policies for Debian 12 and 13 ask for: with an OpenSSH that has ML-KEM,
key exchanges that a quantum computer does not break and no others. The policy for Debian 12 asks for classical ones
besides, of which ssh-audit without a policy warns; `strict` leaves them out there, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

USER_RSA_BITS = {"strict": 3072, "hardened": 3072, "compatible": 2048}
HOST_RSA_BITS = {"strict": 4096, "hardened": 4096, "compatible": 3072}

QUANTUM_SAFE = ("mlkem768x25519-sha256", "sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com")
CLASSICAL = (
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group-exchange-sha256",
)
CIPHERS = (
    "chacha20-poly1305@openssh.com",
    "aes256-gcm@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-gcm@openssh.com",
    "aes128-ctr",
)
MACS = ("hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com", "umac-128-etm@openssh.com")
# The policy for Debian 12 has them in this order.
OLD_MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "umac-128-etm@openssh.com")
PLAIN_MACS = ("hmac-sha2-512", "hmac-sha2-256")
HOST_KEYS = ("ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256")
USER_KEYS = ("ssh-ed25519", "sk-ssh-ed25519@openssh.com", "rsa-sha2-512", "rsa-sha2-256")
NIST_USER_KEYS = (
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)


def choose(supported: Mapping[str, list[str]], level: str) -> dict[str, list[str]]:
    """Keyword -> algorithms, best first; only what this OpenSSH knows."""
    modern = QUANTUM_SAFE[0] in supported["kex"]
    compatible = level == "compatible"
    kex = QUANTUM_SAFE if level == "strict" or (modern and not compatible) else QUANTUM_SAFE + CLASSICAL
    macs = (MACS if modern else OLD_MACS) + (PLAIN_MACS if compatible else ())
    users = USER_KEYS + (NIST_USER_KEYS if compatible else ())
    known = {name: set(supported[name]) for name in ("kex", "cipher", "mac", "sig")}
    return {
        "KexAlgorithms": [name for name in kex if name in known["kex"]],
        "Ciphers": [name for name in CIPHERS if name in known["cipher"]],
        "MACs": [name for name in macs if name in known["mac"]],
        "HostKeyAlgorithms": [name for name in HOST_KEYS if name in known["sig"]],
        "CASignatureAlgorithms": [name for name in HOST_KEYS if name in known["sig"]],
        "PubkeyAcceptedAlgorithms": [name for name in users if name in known["sig"]],
    }


def accepts(key: Mapping[str, Any], level: str) -> bool:
    """Whether a user's key ``{type, bits}`` lets its owner in at this level."""
    if key["type"] == "ssh-rsa":
        return bool(key["bits"] >= USER_RSA_BITS[level])
    return key["type"] in USER_KEYS + (NIST_USER_KEYS if level == "compatible" else ())
