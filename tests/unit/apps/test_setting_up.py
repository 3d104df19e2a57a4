"""How the modules end that set an application up."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.mediastack.core.plugins.module_utils.apps import setting_up
from ansible_collections.mediastack.core.plugins.module_utils.http import Client, HttpError

NOBODY = "http://127.0.0.1:9"  # discard: nothing listens there


class EndError(Exception):
    """Where AnsibleModule ends the process."""


class Module:
    """AnsibleModule, as far as `run` uses it."""

    check_mode = True
    params: dict[str, Any] = {"url": NOBODY}  # noqa: RUF012 - never written

    def __init__(self) -> None:
        self.result: dict[str, Any] = {}

    def exit_json(self, **result: Any) -> None:
        self.result = result
        raise EndError

    def fail_json(self, **result: Any) -> None:
        self.exit_json(failed=True, **result)


def ended(set_up: Any) -> dict[str, Any]:
    module: Any = Module()
    with pytest.raises(EndError):
        setting_up.run(module, set_up, "version")
    found: dict[str, Any] = module.result
    return found


def test_what_was_done_is_returned_and_shown() -> None:
    assert ended(lambda params, *, check_mode: (["wizard", "key"], f"{check_mode} {params['url']}")) == {
        "changed": True,
        "actions": ["wizard", "key"],
        "version": f"True {NOBODY}",
        "diff": {"before": "", "after": "wizard\nkey\n"},
    }


def test_nothing_done_is_no_change() -> None:
    result = ended(lambda params, *, check_mode: ([], None))
    assert (result["changed"], result["version"], result["diff"]["after"]) == (False, None, "")


def test_an_error_of_the_application_is_a_failed_result() -> None:
    def refused(params: Any, *, check_mode: bool) -> tuple[list[str], None]:
        raise HttpError("refused")

    assert ended(refused) == {"failed": True, "msg": "refused", "actions": []}


def test_only_a_plan_goes_on_without_an_answer() -> None:
    client = Client(NOBODY)
    assert not setting_up.answers(client, "/ping", 0.2, check_mode=True)
    with pytest.raises(HttpError, match=re.escape(f"{NOBODY}/ping does not answer within 0.2 seconds")):
        setting_up.answers(client, "/ping", 0.2, check_mode=False)
