"""Overseerr, whose first sign-in needs a person: the role `requests` in a real play, and what `verify` says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.unit.role_play import play_role

from ansible_collections.mediastack.core.plugins.filter.views import live_checks
from ansible_collections.mediastack.core.plugins.module_utils.apps.seerr_setup import PLEX_ONLY
from ansible_collections.mediastack.core.plugins.modules.verify import verify
from ansible_collections.mediastack.core.plugins.plugin_utils.catalogue import load
from ansible_collections.mediastack.core.plugins.plugin_utils.choices import from_variables
from ansible_collections.mediastack.core.plugins.plugin_utils.resolver import resolve

ROOT = Path(__file__).parents[3]
SECRETS = {"overseerr": {"api_key": "0123456789abcdef0123456789abcdef"}}


def stack_at(url: str) -> dict[str, Any]:
    """The stack of an owner whose media server is Plex, which the catalogue does not have."""
    choices = from_variables({"mediastack_services": {"overseerr": {}}, "mediastack_edge": {"proxy": None}})
    stack: dict[str, Any] = json.loads(json.dumps(resolve(load([ROOT / "roles"]), {"nas": choices})["nas"]))
    instance = stack["instances"]["overseerr"]
    instance["network"] = {"mode": "host", "attachments": []}  # so that its address is this machine's
    instance["ports"][0]["listen"] = urlsplit(url).port
    return stack


def play(folder: Path, url: str, *words: str) -> subprocess.CompletedProcess[str]:
    facts = {"mediastack_stack": stack_at(url), "mediastack_secrets": SECRETS, "mediastack_host": {"generation": None}}
    own_lock = {"mediastack.core.applications": {"lease_directory": str(folder / "lease")}}
    return play_role(folder, "requests", facts, *words, module_defaults=own_lock)


@pytest.mark.parametrize("words", [(), ("--check",)])
def test_who_has_no_jellyfin_is_told_what_to_do_by_hand(
    seerr: Callable[..., str], tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = play(tmp_path, seerr("overseerr"), *words)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 0, said
    assert PLEX_ONLY in said
    assert "changed=0" in said
    assert (tmp_path / "lease/writer.lock").exists() is not bool(words), "the test takes no lock of this machine's"


def test_verify_warns_until_somebody_has_signed_in(seerr: Callable[..., str]) -> None:
    planned = live_checks(stack_at(seerr("overseerr")), SECRETS, ["api"])
    options = {"timeout": 5, "wait": 0, "parallel": 1, "fail_on_failure": True}
    told = verify({**planned, **options}, check_mode=False)
    [check] = told["checks"]
    assert (check["status"], check["evidence"]) == ("warn", "not set up yet: open it and sign in with Plex")
    assert "failed" not in told
