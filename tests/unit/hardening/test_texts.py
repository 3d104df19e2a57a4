"""Files that others own are edited by key, and come back as they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.mediastack.core.plugins.plugin_utils.hardening import texts

DEFS = "# comment about UMASK 077\nUMASK\t\t022\n\nPASS_MAX_DAYS\t99999\n"


def test_a_value_is_replaced_and_another_added() -> None:
    text = texts.edited(DEFS, {"UMASK": "027", "FAILLOG_ENAB": "yes"})
    assert "\nUMASK 027\n" in text
    assert text.endswith("\nFAILLOG_ENAB yes\n")
    assert "022" in text, "what was there is kept beside it"


def test_comments_do_not_name_the_key_a_second_time() -> None:
    assert texts.edited("CRON_CHECK=never\n", {"CRON_CHECK": "weekly"}, "=").count("CRON_CHECK") == 1


def test_what_is_right_already_is_left_alone() -> None:
    assert texts.edited(DEFS, {"UMASK": "022"}) == DEFS


def test_a_key_without_a_value_stands_alone() -> None:
    assert texts.edited("", {"enforce_for_root": ""}, " = ").splitlines()[-1] == "enforce_for_root"


def test_an_edit_of_our_line_is_replaced() -> None:
    text = texts.edited(DEFS, {"UMASK": "027"}).replace("UMASK 027", "UMASK 000")
    assert texts.edited(text, {"UMASK": "027"}) == texts.edited(DEFS, {"UMASK": "027"})


KEYS = st.sampled_from(["UMASK", "PASS_MAX_DAYS", "minlen", "Checksums"])
LINES = st.lists(st.builds("{}{}{}".format, KEYS, st.sampled_from(["=", " = "]), st.integers(0, 99)), max_size=6)


@given(LINES, st.dictionaries(KEYS, st.integers(0, 99).map(str)), st.dictionaries(KEYS, st.integers(0, 99).map(str)))
def test_every_edit_is_undone_and_done_once(lines: list[str], first: dict[str, str], second: dict[str, str]) -> None:
    text = "".join(f"{line}\n" for line in ["# head", *lines])
    once = texts.edited(text, first, "=")
    assert texts.edited(once, first, "=") == once
    assert texts.edited(texts.edited(once, second, "="), {}, "=") == text


@pytest.mark.parametrize(("separator", "line"), [("=", "# KEY=1"), (" ", "#KEY 1")])
def test_a_comment_is_no_setting(separator: str, line: str) -> None:
    assert line in texts.edited(line + "\n", {"KEY": "2"}, separator).splitlines()


def test_modules_of_a_pam_profile() -> None:
    assert texts.pam_modules("auth [default=die] pam_faillock.so authfail\nrequired pam_unix.so") == {
        "pam_faillock.so",
        "pam_unix.so",
    }
