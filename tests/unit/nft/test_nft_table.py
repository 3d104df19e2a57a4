"""A table is what its text says: in the kernel, in its file and at boot."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.nft import namespace as namespace_module
from tests.unit.nft.namespace import Namespace, namespace

from ansible_collections.mediastack.core.plugins.module_utils import nft_host, nft_table
from ansible_collections.mediastack.core.plugins.module_utils.nft_table import NftError

CONTENT = """\
set bans {
\ttype ipv4_addr
\tflags timeout
}
set lan {
\ttype ipv4_addr
\tflags interval
\telements = { 198.18.0.0/15, 192.0.2.7, 203.0.113.1-203.0.113.9 }
}
set held {
\ttype ipv4_addr . inet_service
\telements = { 192.0.2.1 . 80 }
}
set seen {
\ttype ipv6_addr
\tsize 100
\tflags dynamic
}
map verdicts {
\ttype inet_service : verdict
\telements = { 22 : accept }
}
chain input {
\ttype filter hook input priority -10; policy drop;
\tct state established,related counter accept
\tiifname { "lo", "ms-x*" } tcp dport { 80, 443, 22 } accept
\tmeta l4proto . th dport vmap { tcp . 5 : accept, udp . 6 : drop }
\tupdate @seen { ip6 saddr limit rate over 10/minute burst 5 packets } drop
\tip saddr @bans drop
}
"""
TABLE = ("list", "table", "inet", "mediastack_test")


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Namespace]:
    with namespace(tmp_path) as fresh:
        yield fresh


def drift(answer: dict[str, Any]) -> list[str]:
    assert "drift" in answer, answer
    return sorted(key for key, differs in answer["drift"].items() if differs)


def test_a_table_is_made_once(space: Namespace) -> None:
    predicted = space.module(CONTENT, check=True)
    assert drift(predicted) == ["boot", "file", "table"]
    assert predicted["changed"]
    assert space.nft("list", "tables") == ""
    assert list(space.folder.iterdir()) == []
    made = space.module(CONTENT)
    assert made["diff"] == predicted["diff"]
    assert "policy drop" in space.nft(*TABLE)
    assert (space.folder / "test.nft").stat().st_mode & 0o777 == 0o640
    for check in (True, False):
        again = space.module(CONTENT, check=check)
        assert (again["changed"], again["diff"]) == (False, [])


def test_the_file_alone_makes_the_same_table_as_often_as_it_is_loaded(space: Namespace) -> None:
    space.module(CONTENT)
    before = space.nft(*TABLE)
    space.nft("-f", str(space.folder / "test.nft"))
    space.nft("-f", str(space.folder / "test.nft"))
    assert space.nft(*TABLE) == before
    space.nft("delete", "table", "inet", "mediastack_test")
    space.nft("-f", str(space.folder / "test.nft"))
    assert space.nft(*TABLE) == before


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("add rule inet mediastack_test input accept", "\t\taccept"),
        ("insert rule inet mediastack_test input tcp dport 23 accept", "\t\ttcp dport 23 accept"),
        ("flush chain inet mediastack_test input", ""),
        ("add chain inet mediastack_test input { policy accept; }", "policy accept"),
        ("add element inet mediastack_test lan { 192.0.2.99 }", "192.0.2.99"),
        ("delete element inet mediastack_test lan { 192.0.2.7 }", ""),
        ("add element inet mediastack_test verdicts { 23 : accept }", "23 : accept"),
        ("add chain inet mediastack_test foreign", "foreign"),
        ("delete table inet mediastack_test", ""),
        ("flush ruleset", ""),
    ],
)
def test_what_was_changed_by_hand_is_drift_and_is_mended(space: Namespace, command: str, line: str) -> None:
    space.module(CONTENT)
    before = space.nft("-s", *TABLE)
    space.nft(*command.split(" "))
    predicted = space.module(CONTENT, check=True)
    assert drift(predicted) == ["table"]
    assert line in predicted["diff"][0]["before"]
    assert predicted["diff"][0]["after"] != predicted["diff"][0]["before"]
    assert space.module(CONTENT)["changed"]
    assert space.nft("-s", *TABLE) == before
    assert not space.module(CONTENT)["changed"]


def test_what_comes_and_goes_by_itself_is_no_drift(space: Namespace) -> None:
    space.module(CONTENT)
    space.nft("add", "element", "inet", "mediastack_test", "bans", "{ 192.0.2.66 timeout 1h }")
    space.nft("add", "element", "inet", "mediastack_test", "seen", "{ 2001:db8::1 limit rate over 10/minute }")
    assert not space.module(CONTENT)["changed"]


def test_other_tables_are_left_alone(space: Namespace) -> None:
    space.nft("add", "table", "inet", "foreign")
    space.module(CONTENT)
    space.module(CONTENT.replace("policy drop", "policy accept"))
    space.module(state="absent")
    assert space.nft("list", "tables") == "table inet foreign\n"


def test_kept_elements_survive_with_what_is_left_of_their_time(space: Namespace) -> None:
    keep = ["bans", "held", "lan"]
    space.module(CONTENT, keep=keep)
    space.nft("add", "element", "inet", "mediastack_test", "bans", "{ 192.0.2.66 timeout 1h expires 30m, 192.0.2.67 }")
    space.nft("add", "element", "inet", "mediastack_test", "held", "{ 192.0.2.2 . 443 }")
    space.nft("add", "element", "inet", "mediastack_test", "lan", "{ 192.0.2.128/25 }")
    assert not space.module(CONTENT, keep=keep)["changed"]
    assert drift(space.module(CONTENT.replace("policy drop", "policy accept"), keep=keep)) == ["file", "table"]
    listed = space.nft(*TABLE)
    assert "policy accept" in listed
    assert "192.0.2.67" in listed
    assert re.search(r"192\.0\.2\.66 timeout 1h expires 2\dm", listed)  # it goes on while the test runs
    assert "192.0.2.2 . 443" in listed
    assert "192.0.2.128/25" in listed
    space.module(CONTENT)
    assert "192.0.2.66" not in space.nft(*TABLE)


def test_an_edited_file_and_a_lost_unit_are_mended(space: Namespace) -> None:
    space.module(CONTENT)
    file, unit = space.folder / "test.nft", space.folder / "units" / "mediastack-test.service"
    link = space.folder / "units" / "sysinit.target.wants" / "mediastack-test.service"
    text = file.read_text()
    file.write_text("flush ruleset\n")
    assert drift(space.module(CONTENT, check=True)) == ["file"]
    assert drift(space.module(CONTENT)) == ["file"]
    assert file.read_text() == text
    file.chmod(0o644)
    assert drift(space.module(CONTENT)) == ["file"]
    link.unlink()
    assert drift(space.module(CONTENT)) == ["boot"]
    unit.write_text("[Unit]\n")
    assert drift(space.module(CONTENT)) == ["boot"]
    assert link.resolve() == unit
    assert not space.module(CONTENT)["changed"]


def test_absence(space: Namespace) -> None:
    space.module(CONTENT)
    assert drift(space.module(state="absent", check=True)) == ["boot", "file", "table"]
    assert space.module(state="absent")["changed"]
    assert space.nft("list", "tables") == ""
    assert [path for path in space.folder.rglob("*") if path.is_symlink() or path.suffix in (".nft", ".service")] == []
    assert not space.module(state="absent")["changed"]


def test_a_table_that_nft_refuses_changes_nothing_and_names_the_line(space: Namespace) -> None:
    space.module(CONTENT)
    before = space.nft("-s", *TABLE)
    for check in (True, False):
        answer = space.module(CONTENT.replace("dport { 80", "dport { eighty"), check=check)
        assert answer["failed"]
        assert "content: line 26" in answer["msg"]
        assert "eighty" in answer["msg"]
    assert space.nft("-s", *TABLE) == before
    assert not space.module(CONTENT)["changed"]


def test_without_nft_check_mode_predicts_and_a_run_fails(space: Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = {"PATH": str(space.folder)}
    hidden = "from ansible_collections.mediastack.core.plugins.module_utils import nft_host; nft_host.PLACES = ()\n"
    monkeypatch.setattr(namespace_module, "DRIVER", hidden + namespace_module.DRIVER)
    predicted = space.module(CONTENT, check=True, env=empty)
    assert drift(predicted) == ["boot", "file", "table"]
    assert not predicted["available"]
    assert "policy drop" in predicted["diff"][0]["after"]
    assert "install the package nftables" in space.module(CONTENT, env=empty)["msg"]


def test_the_restore_command_leaves_nothing_for_the_next_run() -> None:
    """What keeps the table would otherwise count as older than its unit, which was put back."""
    script = nft_table.restore_command("mediastack_test", "/x.nft", watch="mediastack-test-watch.service")[-1]
    assert "nft -f /x.nft; systemctl restart mediastack-test-watch.service; else" in script


def test_the_restore_command_makes_the_kernel_what_the_file_says(space: Namespace) -> None:
    answer = space.module(CONTENT)
    space.nft("flush", "chain", "inet", "mediastack_test", "input")
    assert space.run(*answer["restore"]).returncode == 0
    assert not space.module(CONTENT)["changed"]
    (space.folder / "test.nft").unlink()
    assert space.run(*answer["restore"]).returncode == 0
    assert space.nft("list", "tables") == ""
    assert space.run(*answer["restore"]).returncode == 0


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "mediastack-firewall.service"
    unit.write_text(nft_table.unit_text("mediastack_firewall", "/etc/mediastack/nftables/x.nft", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    text = unit.read_text()
    assert "After=local-fs.target nftables.service mediastack-guard-firewall.service" in text
    assert "Before=network-pre.target docker.service" in text


@pytest.mark.parametrize(
    ("name", "content", "keep"),
    [
        ("Up", "", []),
        ("x; flush ruleset", "", []),
        ("x", "}\nflush ruleset", []),
        ("x", 'include "/etc/other.nft"', []),
        ("x", "}\ntable ip nat {", []),
        ("x", "", ["a b"]),
    ],
)
def test_what_reaches_beyond_the_table_is_refused(name: str, content: str, keep: list[str]) -> None:
    with pytest.raises(NftError):
        nft_table.refuse(name, content, keep)


def test_a_set_to_keep_has_to_be_there(space: Namespace) -> None:
    assert "no set ghosts" in space.module(CONTENT, keep=["ghosts"], check=True)["msg"]


def test_a_kernel_without_nftables_is_said() -> None:
    def run(argv: list[str], data: str) -> tuple[int, str, str]:
        return 1, "", "netlink: Error: cache initialization failed: Protocol not supported\n"

    nft = nft_host.Nft("/usr/sbin/nft", run)
    with pytest.raises(NftError, match="this kernel has no nf_tables"):
        nft.printed("x")
    with pytest.raises(NftError, match="this kernel has no nf_tables"):
        nft.wanted("x", "")


def test_a_network_namespace_that_may_not_be_made_is_said() -> None:
    nft = nft_host.Nft("/usr/sbin/nft", lambda argv, data: (1, "", "unshare: unshare failed: Operation not permitted"))
    with pytest.raises(NftError, match="no network namespace to try the table in"):
        nft.wanted("x", "")


def test_an_element_without_time_left_is_not_kept_for_ever() -> None:
    assert nft_table.expired({"elem": {"val": "192.0.2.1", "timeout": 60, "expires": 0}})
    assert not nft_table.expired({"elem": {"val": "192.0.2.1", "timeout": 60, "expires": 1}})
    assert not nft_table.expired("192.0.2.1")
