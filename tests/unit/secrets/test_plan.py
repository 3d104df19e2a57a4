"""Which secrets are missing, how they are made, what is asked of the owner."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.render.support import OWNER, example_stack

from ansible_collections.mediastack.core.plugins.plugin_utils import secrets
from ansible_collections.mediastack.core.plugins.plugin_utils.secrets import OwnerSecretError, generate, plan

VAULT = "inventories/home/group_vars/mediastack/vault.yml"
PATTERNS = {
    "hex32": r"[0-9a-f]{32}",
    "hex64": r"[0-9a-f]{64}",
    "base64_32": r"[A-Za-z0-9+/]{43}=",
    "password": r"[a-km-zA-HJ-NP-Z2-9]{24}",
    "text": r"[a-km-zA-HJ-NP-Z2-9]{24}",
    "wireguard_key": r"[A-Za-z0-9+/]{43}=",
}


@pytest.mark.parametrize("kind", sorted(secrets.FORMATS))
def test_formats(kind: str) -> None:
    made = {generate(kind) for _ in range(50)}
    assert len(made) == 50, "each is new"
    for value in made:
        assert re.fullmatch(PATTERNS[kind], value)
        assert secrets.problem(kind, value) is None


def test_passwords_hold_every_kind_of_character() -> None:
    for _ in range(200):
        value = secrets.password()
        assert re.search("[a-z]", value)
        assert re.search("[A-Z]", value)
        assert re.search("[0-9]", value)


def test_wireguard_keys_are_clamped() -> None:
    for _ in range(50):
        key = base64.b64decode(generate("wireguard_key"))
        assert len(key) == 32
        assert key[0] & 7 == 0
        assert key[31] & 192 == 64


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'hex16' is not a secret format\. Formats: base64_32, hex32"):
        generate("hex16")


def test_everything_that_can_be_made_is_made_once() -> None:
    stack = example_stack()
    first = plan(stack, {}, OWNER, VAULT)
    wanted = {(s["instance"], s["name"]) for s in stack["secrets"] if s["source"] == "generated"}
    assert set(first.generated) == wanted | {("mediastack", "hash_key")}
    assert "api_key" not in first.values["jellyfin"], "the application makes that one"
    second = plan(stack, first.values, {}, VAULT)
    assert second.generated == []
    assert second.values == first.values


def test_what_is_set_anywhere_wins_over_the_file() -> None:
    vault = {"radarr": {"api_key": "from the file"}, "other": {"kept": "x"}}
    given_ = {**OWNER, "radarr": {"api_key": "from a variable"}}
    result = plan(example_stack(), vault, given_, VAULT)
    assert result.values["radarr"]["api_key"] == "from a variable"
    assert result.values["other"] == {"kept": "x"}
    assert ("radarr", "api_key") not in result.generated
    assert ("radarr", "ui_password") in result.generated


def test_all_that_only_the_owner_knows_is_asked_for_at_once() -> None:
    stack = example_stack()
    stack["secrets"].append({"instance": "nord", "name": "token", "format": "text", "source": "owner"})
    with pytest.raises(OwnerSecretError) as caught:
        plan(stack, {}, {}, VAULT)
    message = str(caught.value)
    assert message.startswith(VAULT)
    flat = " ".join(message.split())
    assert "mediastack_secrets.gluetun.wireguard_private_key: missing (format wireguard_key)" in flat
    assert "mediastack_secrets.nord.token: missing (format text)" in message
    assert "2 secrets that only you can supply" in message
    assert f"ansible-vault edit {VAULT}" in " ".join(message.split())
    assert all(len(line) <= 80 and line.startswith("  ") for line in message.splitlines()[1:])


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("not base64!", "is not a WireGuard key"),
        ("c2hvcnQ=", "is not a WireGuard key"),
        ("", "is empty"),
        (OWNER["gluetun"]["wireguard_private_key"] + "\n", "begins or ends with a space"),
    ],
)
def test_a_malformed_key_is_named_and_never_shown(value: str, why: str) -> None:
    with pytest.raises(OwnerSecretError) as caught:
        plan(example_stack(), {}, {"gluetun": {"wireguard_private_key": value}}, VAULT)
    assert why in " ".join(str(caught.value).split())
    assert not value.strip() or value.strip() not in str(caught.value)


@pytest.mark.parametrize("shape", [{"radarr": "abc"}, {"radarr": ["abc"]}, {"radarr": None}])
def test_another_shape_is_an_error_that_shows_no_value(shape: dict[str, Any]) -> None:
    with pytest.raises(OwnerSecretError, match=r"mediastack_secrets\.radarr must be a mapping") as caught:
        plan(example_stack(), {}, shape, VAULT)
    assert "abc" not in str(caught.value)


@given(st.dictionaries(st.text(min_size=1), st.dictionaries(st.text(min_size=1), st.text(min_size=1))))
def test_nothing_that_is_known_is_ever_lost_or_changed(known: dict[str, dict[str, str]]) -> None:
    stack: dict[str, Any] = {"secrets": []}
    known.pop("mediastack", None)
    result = plan(stack, known, {}, VAULT)
    assert {name: result.values[name] for name in known} == known
    assert result.generated == [("mediastack", "hash_key")]
