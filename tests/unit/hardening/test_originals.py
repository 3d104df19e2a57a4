"""Files that others had written come back with the item that replaced them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.hardening.support import choice, facts, state

from ansible_collections.mediastack.core.plugins.plugin_utils.hardening import originals
from ansible_collections.mediastack.core.plugins.plugin_utils.hardening import plan as planner

ISSUE = "Debian GNU/Linux 13 \\n \\l\n\n"


def with_issue(chosen: dict[str, Any]) -> dict[str, Any]:
    """A server as Debian installs it: a banner of its own, and nothing that says who may use cron."""
    found = facts(chosen)
    for path in ("/etc/issue.net", "/etc/cron.allow", "/etc/at.allow"):
        found["states"][path] = {"kind": "missing"}
        found["texts"].pop(path, None)
    found["states"]["/etc/issue"], found["texts"]["/etc/issue"] = state(ISSUE), ISSUE
    return found


def write(planned: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """What `files` would leave behind."""
    for file in planned["files"]:
        found["states"][file["path"]] = state(file["content"], mode=file["mode"])
        found["texts"][file["path"]] = file["content"]
    for path in planned["absent"]:
        found["states"][path] = {"kind": "missing"}
        found["texts"].pop(path, None)
    return found


def test_what_others_wrote_is_kept_before_it_is_replaced() -> None:
    chosen = choice()
    planned = planner.plan(chosen, with_issue(chosen))
    order = [file["path"] for file in planned["files"]]
    for path in ("/etc/issue", "/etc/issue.net", "/etc/cron.allow", "/etc/at.allow"):
        assert order.index(originals.copy_of(path)) < order.index(path)
    assert not [file for file in planned["files"] if "replaced" in file["path"] and file["mode"] != "0600"]


def test_an_excluded_item_gives_back_what_it_replaced_and_forgets_it() -> None:
    found = write(planner.plan(choice(), with_issue(choice())), with_issue(choice()))
    changed = choice(exclude=["banner", "cron-for-root"])
    planned = planner.plan(changed, found)
    back = {file["path"]: (file["content"], file["mode"]) for file in planned["files"]}
    assert back["/etc/issue"] == (ISSUE, "0644")
    assert {"/etc/issue.net", "/etc/cron.allow", "/etc/at.allow"} <= set(planned["absent"])
    found = write(planned, found)
    again = planner.plan(changed, found)
    assert not [path for path in again["absent"] if "mediastack/replaced" in path]
    assert "/etc/issue" not in [file["path"] for file in again["files"]]


def test_a_new_banner_does_not_become_the_original() -> None:
    found = write(planner.plan(choice(), with_issue(choice())), with_issue(choice()))
    other = choice()
    next(item for item in other["chosen"] if item["name"] == "banner")["files"][0] |= {"content": "Keep out.\n"}
    planned = planner.plan(other, found)
    assert "/etc/issue" in [file["path"] for file in planned["files"]]
    assert originals.copy_of("/etc/issue") not in [file["path"] for file in planned["files"]]


def test_what_was_the_same_already_is_not_taken_away_with_the_item() -> None:
    found = with_issue(choice())
    found["states"]["/etc/cron.allow"], found["texts"]["/etc/cron.allow"] = state("root\n", mode="0600"), "root\n"
    found = write(planner.plan(choice(), found), found)
    assert "/etc/cron.allow" not in planner.plan(choice(exclude=["cron-for-root"]), found)["absent"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"content": 1, "mode": "0644"}', "nonsense"])
def test_a_record_that_is_none_leaves_the_file_alone(text: str) -> None:
    found = write(planner.plan(choice(), with_issue(choice())), with_issue(choice()))
    found["texts"][originals.copy_of("/etc/issue")] = text
    planned = planner.plan(choice(exclude=["banner"]), found)
    assert "/etc/issue" not in [*planned["absent"], *(file["path"] for file in planned["files"])]


def test_what_is_no_text_is_replaced_and_said() -> None:
    chosen = choice()
    found = with_issue(chosen)
    found["states"]["/etc/issue"] |= {"sha256": "0" * 64}
    assert "/etc/issue: what it was is no text, and cannot be put back" in planner.plan(chosen, found)["notes"]


def test_links_to_units_go_with_their_units() -> None:
    chosen = choice(exclude=["files-intact", "shared-memory", "devices"])
    found = facts(chosen)
    links = [
        "/etc/systemd/system/multi-user.target.wants/mediastack-aide.service",
        "/etc/systemd/system/sysinit.target.wants/mediastack-mounts.service",
    ]
    for path in links:
        found["states"][path] = {"kind": "other"}
    assert set(links) <= set(planner.plan(chosen, found)["absent"])
    kept = facts(choice())
    kept["states"] |= {path: {"kind": "other"} for path in links}
    assert not set(links) & set(planner.plan(choice(), kept)["absent"])
