"""hardened: the host's own programs are asked, where a role has left its traces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.unit.modules.verify_doubles import context

from ansible_collections.mediastack.core.plugins.module_utils.checks import run
from ansible_collections.mediastack.core.plugins.module_utils.checks.hardened import hardened
from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import Failed, Silent


def check(trace: Path | str, *argv: str, **shows: str) -> dict[str, Any]:
    told = {key.replace("_", " "): value for key, value in shows.items()}
    fields = {"id": "hardened.x", "kind": "hardened", "group": "g", "title": "t", "remedy": "r", "instance": None}
    return {**fields, "traces": ["/nowhere", str(trace)], "commands": [{"argv": list(argv), "shows": told}]}


def test_the_evidence_is_what_was_shown() -> None:
    asked = check("/", "printf", "port 22\\npasswordauthentication no\\n", no_passwords="^passwordauthentication no$")
    assert hardened(asked, context()) == "no passwords"


def test_what_is_not_shown_fails() -> None:
    asked = check("/", "printf", "passwordauthentication yes", no_passwords="^passwordauthentication no$", any="x?")
    with pytest.raises(Failed, match=r"does not show: no passwords$"):
        hardened(asked, context())


def test_a_command_that_fails_says_why() -> None:
    with pytest.raises(Failed, match=r"sh -c .*: no such table"):
        hardened(check("/", "sh", "-c", "echo no such table >&2; exit 1", all=""), context())
    with pytest.raises(Failed, match="/nowhere/sshd cannot be asked: No such file"):
        hardened(check("/", "/nowhere/sshd", all=""), context())


def test_a_command_has_a_time_limit() -> None:
    with pytest.raises(Failed, match="cannot be asked: TimeoutExpired"):
        hardened(check("/", "sleep", "30", all=""), context(timeout=0.2))


def test_one_trace_is_enough_a_dangling_link_too(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/nowhere")
    assert hardened(check(tmp_path / "link", "true", all_well=""), context()) == "all well"


def test_a_host_that_is_not_hardened_says_nothing() -> None:
    asked = [check("/not/there", "false", all="")]
    with pytest.raises(Silent):
        hardened(asked[0], context())
    assert run.run(asked, {}, timeout=5, parallel=2) == []


def test_a_hardened_host_has_a_result() -> None:
    [result] = run.run([check("/", "false", all="")], {}, timeout=5, parallel=2)
    assert (result["status"], result["id"]) == ("fail", "hardened.x")
