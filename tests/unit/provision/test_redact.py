"""No secret gets out: by name, by shape, and by being known."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediastack_provision.redact import MASK, Redactor, is_secret_name

HEX = "0123456789abcdef"
WORDS = st.text(st.characters(categories=("L", "N", "P", "Zs")), max_size=20)
KEYS = st.one_of(
    st.text(HEX, min_size=32, max_size=32),
    st.text(HEX, min_size=64, max_size=64),
    st.binary(min_size=32, max_size=32).map(lambda raw: base64.b64encode(raw).decode()),
)


@given(KEYS, WORDS, WORDS)
def test_our_own_key_formats_are_seen_anywhere_in_a_text(key: str, before: str, after: str) -> None:
    assert key not in Redactor().text(f"{before} {key} {after}")


@given(st.text(min_size=4, max_size=30), WORDS, WORDS)
def test_a_known_password_never_survives(secret: str, before: str, after: str) -> None:
    shown = Redactor([secret]).text(f"{before}{secret}{after}")
    assert secret not in shown or secret in MASK


@given(st.sampled_from(["api_key", "apiKey", "admin_password", "WIREGUARD_PRIVATE_KEY", "token"]), WORDS)
def test_values_of_secret_names_are_masked_in_structures(name: str, value: str) -> None:
    shown = Redactor().tree({"a": [{name: f"x{value}"}]})
    assert shown == {"a": [{name: MASK}]}


@given(st.text(max_size=200))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    once = Redactor(["hunter22"]).text(text)
    assert Redactor(["hunter22"]).text(once) == once


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@given(TREES, KEYS)
def test_a_planted_key_is_in_no_redacted_tree(tree: Any, key: str) -> None:
    planted = {"a": tree, "msg": f"failed with {key}", "list": [key, {key: 1}]}
    assert key not in json.dumps(Redactor().tree(planted))


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("X-Api-Key: 0123456789abcdef0123456789abcdef", "0123456789abcdef"),
        ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
        ("fetch https://me:s3cr3t@example.org/x", "s3cr3t"),
        ("<ApiKey>shortkey</ApiKey>", "shortkey"),
        ("password=letmein now", "letmein"),
        ('{"api_key": "abc123"}', "abc123"),
        ("WIREGUARD_PRIVATE_KEY: foo", "foo"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----", "b3BlbnNz"),
        ("$ANSIBLE_VAULT;1.1;AES256\n33613561353361\n333564", "33613561"),
    ],
)
def test_secrets_in_text(text: str, gone: str) -> None:
    assert gone not in Redactor().text(text)


@pytest.mark.parametrize(
    "text",
    [
        f"image sha256:{'ab' * 32} is there",
        "inode 262401, links 2",
        "net:[4026532841] = net:[4026532841]",
        "2026-11-21.3",
        "mediastack_services_media.radarr.zone: 'vpm' is not a zone.",
        "/opt/mediastack/secrets/radarr/api_key",
        "uuid 0123abcd-1234-1234-1234-0123456789ab",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Redactor().text(text) == text


def test_our_own_checks_may_name_keys() -> None:
    said = "mediastack_secrets.gluetun.wireguard_private_key: missing (format wireguard_key)"
    assert Redactor().message(said) == said
    assert "hunter22" not in Redactor(["hunter22"]).message("hunter22 " + "ab" * 16)
    assert "ab" * 16 not in Redactor().message("ab" * 16)


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("api_key", True),
        ("apiKey", True),
        ("password", True),
        ("vault_password_file", False),
        ("passthrough", False),
        ("tokens", True),
        ("token_url", False),
        ("secret_names", False),
        ("task", False),
        ("key", False),
    ],
)
def test_names(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret
