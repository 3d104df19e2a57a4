"""A table that is kept comes back when it is flushed or changed, and nothing else is loaded in its place."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.unit.nft.namespace import Namespace, namespace
from tests.unit.waiting import until

from ansible_collections.mediastack.core.plugins.module_utils import guard_rollback, nft_keep, nft_table, nft_watch
from ansible_collections.mediastack.core.plugins.module_utils.nft_host import Printed

NAME = "mediastack_test"
CONTENT = """\
set seen {
\ttype ipv4_addr
\tsize 100
\tflags dynamic,timeout
\ttimeout 1m
}
set lan {
\ttype ipv4_addr
\tflags interval
\telements = { 192.0.2.0/24 }
}
chain input {
\ttype filter hook input priority -10; policy drop;
\tip saddr @lan accept
}
"""
DRIVER = """
import sys
from ansible_collections.mediastack.core.plugins.module_utils import killswitch_kernel, nft_host, nft_watch
nft = nft_host.Nft(nft_host.find_program(), nft_watch.call)
killswitch_kernel.attend(nft_watch.Keeper("mediastack_test", sys.argv[1], nft).look)
"""
LISTED = ("list", "table", "inet", NAME)


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Namespace]:
    with namespace(tmp_path) as fresh:
        fresh.module(CONTENT)
        yield fresh


@pytest.fixture
def watcher(space: Namespace) -> Iterator[subprocess.Popen[str]]:
    """The program, once it has looked."""
    argv = ["/usr/bin/nsenter", f"--net=/proc/{space.pid}/ns/net", sys.executable, "-c", DRIVER]
    with (space.folder / "said").open("w") as output:
        found = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}  # pytest has its own ways to our code
        process = subprocess.Popen([*argv, str(space.folder / "test.nft")], stdout=output, text=True, env=found)
        try:
            space.nft("delete", "table", "inet", NAME)
            until(lambda: "put back in" in said(space))
            yield process
        finally:
            process.kill()
            process.wait()


def listed(space: Namespace) -> str:
    return space.run("nft", "-s", *LISTED).stdout


def said(space: Namespace) -> str:
    return (space.folder / "said").read_text()


@pytest.mark.parametrize(
    "damage",
    [
        ("flush", "ruleset"),
        ("insert", "rule", "inet", NAME, "input", "accept"),
        ("add", "element", "inet", NAME, "lan", "{ 198.51.100.0/24 }"),
        ("add", "chain", "inet", NAME, "other"),
    ],
    ids=["flush", "rule", "element", "chain"],
)
def test_what_was_done_to_it_is_undone(
    space: Namespace, watcher: subprocess.Popen[str], damage: tuple[str, ...]
) -> None:
    before, lines = listed(space), said(space).count("put back in")
    space.nft(*damage)
    until(lambda: said(space).count("put back in") > lines)
    assert listed(space) == before
    assert watcher.poll() is None


def test_who_was_seen_and_what_others_have_is_left_alone(space: Namespace, watcher: subprocess.Popen[str]) -> None:
    lines = said(space).count("put back in")
    space.nft("add", "element", "inet", NAME, "seen", "{ 192.0.2.9 }")
    space.nft("add", "table", "inet", "theirs")
    time.sleep(2)
    assert "192.0.2.9" in space.nft(*LISTED)
    assert "table inet theirs" in space.nft("list", "tables")
    assert said(space).count("put back in") == lines
    assert watcher.poll() is None


def test_a_file_that_was_changed_by_hand_is_not_loaded(space: Namespace, watcher: subprocess.Popen[str]) -> None:
    """It is run as root: what is in it is no longer what the role has checked."""
    before = listed(space)
    space.nft("add", "table", "inet", "theirs")
    (space.folder / "test.nft").write_text("flush ruleset\n")
    space.nft("delete", "table", "inet", NAME)
    until(lambda: listed(space) == before)
    until(lambda: "is not as it was written" in said(space))  # later, where it had read the file just before
    assert "table inet theirs" in space.nft("list", "tables")
    assert watcher.poll() is None


def test_the_module_changes_it_undisturbed(space: Namespace, watcher: subprocess.Popen[str]) -> None:
    lines = said(space).count("put back in")
    for number in range(8):
        answer = space.module(CONTENT.replace("192.0.2.0/24", f"192.0.2.{number * 8}/29"))
        assert answer["changed"], answer
    time.sleep(1)
    assert "192.0.2.56/29" in listed(space)
    assert said(space).count("put back in") == lines
    assert watcher.poll() is None


def test_it_ends_when_the_table_is_no_longer_wanted(space: Namespace, watcher: subprocess.Popen[str]) -> None:
    assert space.module(state="absent")["changed"]
    assert watcher.wait(timeout=30) == 0
    assert listed(space) == ""


def test_its_files_are_all_that_it_needs(tmp_path: Path) -> None:
    """Run as on a server: without our collection, and without the controller's Python path."""
    for path, text in nft_keep.program_files(str(tmp_path / "nft")).items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
    argv = ["unshare", "--net", "/usr/bin/python3", "-I", str(tmp_path / "nft"), "mediastack_nowhere"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "watching the table mediastack_nowhere" in done.stdout


def test_a_text_is_taken_apart_as_it_was_put_together() -> None:
    text = nft_table.transaction(NAME, CONTENT)
    content = nft_table.content_of(NAME, text)
    assert content
    assert nft_table.transaction(NAME, content) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "flush ruleset\n",
        nft_table.transaction("mediastack_other", CONTENT),
        nft_table.transaction(NAME, CONTENT) + "flush ruleset\n",
        nft_table.transaction(NAME, CONTENT + "}\nflush ruleset\ntable inet theirs {\n"),
    ],
)
def test_what_is_not_ours_is_told(text: str) -> None:
    assert nft_table.content_of(NAME, text) is None


class NewerEachTime:
    """An nft that is replaced by one that prints the same table otherwise."""

    def __init__(self) -> None:
        self.prints = "table inet mediastack_test {\n}\n"
        self.loads = 0

    def printed(self, _name: str) -> Printed:
        return Printed(self.prints, '{"nftables": []}')

    def wanted(self, name: str, _content: str) -> Printed:
        return self.printed(name)

    def load(self, _commands: str, _content: str) -> None:
        self.loads += 1


def test_a_newer_nft_that_prints_otherwise_is_no_change_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = guard_rollback.alone
    monkeypatch.setattr(guard_rollback, "alone", lambda name: alone(name, str(tmp_path / "run")))
    path, nft = tmp_path / "test.nft", NewerEachTime()
    path.write_text(nft_table.transaction(NAME, CONTENT))
    keeper = nft_watch.Keeper(NAME, str(path), cast("Any", nft))
    assert keeper.look()
    assert nft.loads == 0
    nft.prints = "table inet mediastack_test\t{\n}\n"
    for _ in range(3):
        assert keeper.look()
    assert nft.loads == 1
