"""What is added to the kernel first, taken away last, and never opened in between."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mediastack.core.plugins.module_utils import killswitch_kernel as kernel

NAME = "table inet mediastack_killswitch"
RULES = [
    ["priority", "720", "iif", "ms-eg", "to", "203.0.113.10", "goto", "790"],
    ["priority", "780", "iif", "ms-eg", "blackhole"],
    ["priority", "790", "nop"],
]
LINES = ["720 from all to 203.0.113.10 iif ms-eg goto 790", "780 from all iif ms-eg blackhole", "790 from all nop"]
WANTED = {"table": f"{NAME} {{ ours }}\n", "rules": {"4": LINES, "6": []}}


class Kernel:
    """Takes what `nft` and `ip` would, and notes the order."""

    def __init__(self) -> None:
        self.table = ""
        self.rules: list[str] = []
        self.done: list[str] = []
        self.refuses = ""

    def run(self, argv: list[str], text: str | None = None) -> str:
        words = " ".join(argv)
        if self.refuses and self.refuses in words:
            raise kernel.KernelError("no such module")
        if words == "nft list tables inet":
            return f"{NAME}\n" if self.table else "table inet other\n"
        if words.startswith("nft -s list"):
            return self.table
        if words == "nft -f -":
            self.done.append("load" if text == "ours" else "remove")
            self.table = WANTED["table"] if text == "ours" else ""  # type: ignore[assignment]
        elif words == "ip -4 rule show":
            shown = [line.replace(" iif ms-eg", " iif ms-eg [detached]") for line in self.rules]
            lines = ["0:\tfrom all lookup local", *(line.replace(" ", ":\t", 1) for line in shown)]
            return "\n".join([*lines, "32766:\tfrom all lookup main", ""])
        elif words.startswith("ip -4 rule add"):
            assert argv[-2:] == ["protocol", "2"], "systemd-networkd takes away what is not the kernel's"
            line = LINES[RULES.index(argv[4:-2])]
            self.done.append(f"add {line}")
            self.rules.append(line)
        elif words.startswith("ip -4 rule del priority"):
            line = " ".join(argv[5:])
            self.done.append(f"del {line}")
            self.rules.remove(line)
        return ""


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Kernel:
    one = Kernel()
    monkeypatch.setattr(kernel, "run", one.run)
    monkeypatch.setattr(kernel, "LOCK", str(tmp_path / "lock"))
    return one


def bring(text: str = "ours", wanted: dict[str, Any] | None = None, rules: list[list[str]] | None = None) -> list[str]:
    return kernel.bring(text, {"4": RULES if rules is None else rules, "6": []}, wanted or WANTED)


def test_black_holes_are_added_first(fake: Kernel) -> None:
    assert bring() == []
    assert fake.done == ["load", f"add {LINES[1]}", f"add {LINES[0]}", f"add {LINES[2]}"]
    assert kernel.faults(WANTED) == []


def test_what_is_right_is_left_alone(fake: Kernel) -> None:
    bring()
    fake.done.clear()
    assert bring() == []
    assert fake.done == []


def test_black_holes_are_taken_away_last(fake: Kernel) -> None:
    bring()
    fake.done.clear()
    assert bring("", {"table": "", "rules": {"4": [], "6": []}}, []) == []
    assert fake.done == ["remove", f"del {LINES[0]}", f"del {LINES[2]}", f"del {LINES[1]}"]


def test_what_others_put_among_ours_is_taken_away(fake: Kernel) -> None:
    bring()
    fake.rules += ["701 from all iif ms-eg goto 790", LINES[0]]
    assert kernel.faults(WANTED) == ["IPv4 rules: 0 missing, 2 not ours"]
    bring()
    assert sorted(fake.rules) == LINES


NO_NAMES = """
mount --make-rprivate / && mount --bind /dev/null /etc/protocols && ip link add ms-eg type bridge && exec "$@"
"""
AND_BACK = """
import json, sys
from ansible_collections.mediastack.core.plugins.module_utils import killswitch_kernel as kernel
words = [["priority", "720", "iif", "ms-eg", "ipproto", "17", "dport", "51820", "goto", "790"]]
words.append(["priority", "790", "nop"])
for one in words:
    kernel.add("4", one)
before = kernel.rules_now("4")
kernel.bring_rules("4", [], [])
print(json.dumps([before, kernel.rules_now("4")]))
"""


def test_rules_go_where_the_server_has_no_names_of_protocols() -> None:
    """`ip` of Debian 12 then prints `ipproto ipproto-17`, which it does not take itself."""
    argv = ["unshare", "--net", "--mount", "sh", "-c", NO_NAMES, "sh", sys.executable, "-c", AND_BACK]
    found = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}  # pytest has its own ways to our code
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False, env=found)
    assert done.returncode == 0, done.stderr
    before, after = json.loads(done.stdout)
    assert (len(before), after) == (2, []), before


def test_one_layer_comes_in_where_the_other_cannot(fake: Kernel) -> None:
    fake.refuses = "nft -f"
    assert bring() == ["no such module"]
    assert sorted(fake.rules) == LINES


def test_without_a_rehearsal_all_is_loaded_all_the_same(fake: Kernel, tmp_path: Path) -> None:
    (tmp_path / "table.nft").write_text("ours")
    (tmp_path / "rules.json").write_text(json.dumps({"4": RULES, "6": []}))
    fake.refuses = "unshare"
    assert kernel.apply(str(tmp_path)) == ["no such module"]
    assert fake.table == WANTED["table"]
    assert sorted(fake.rules) == LINES


def test_no_files_mean_that_nothing_is_wanted(tmp_path: Path) -> None:
    assert kernel.read(str(tmp_path)) == ("", {"4": [], "6": []})


def test_a_broken_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text("{")
    with pytest.raises(kernel.KernelError, match=r"rules\.json"):
        kernel.read(str(tmp_path))


def test_a_table_that_others_changed_is_seen(fake: Kernel) -> None:
    bring()
    fake.table = f"{NAME} {{ theirs }}\n"
    assert kernel.faults(WANTED) == ["table mediastack_killswitch is other than ours"]
    fake.table = ""
    assert kernel.faults(WANTED) == ["table mediastack_killswitch is gone"]


def test_the_held_table_is_the_same_under_another_name() -> None:
    text = f"{NAME}\ndelete {NAME}\n{NAME} {{\n    set egress {{\n    }}\n}}\n"
    held = "table inet mediastack_killswitch_held { flags owner; "
    assert (
        kernel.held(text)
        == f"{held}}}\ndelete table inet mediastack_killswitch_held\n{held}\n    set egress {{\n    }}\n}}\n"
    )


@pytest.mark.parametrize("part", ["table", "rules"])
def test_a_newer_nft_or_ip_that_prints_otherwise_is_no_fault_for_ever(
    fake: Kernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    (tmp_path / "table.nft").write_text("ours")
    (tmp_path / "rules.json").write_text(json.dumps({"4": RULES, "6": []}))
    printed: dict[str, Any] = {"table": "", "rules": ""}
    old_listed, old_rules = kernel.listed, kernel.rules_now

    def rules_now(family: str) -> list[str]:
        return [line + printed["rules"] for line in old_rules(family)]

    def rehearse(text: str, words: dict[str, Any]) -> dict[str, Any]:
        lines = {"4": [line + printed["rules"] for line in LINES], "6": []}
        return {"table": str(WANTED["table"]) + printed["table"], "rules": lines}

    monkeypatch.setattr(kernel, "listed", lambda: old_listed() and old_listed() + printed["table"])
    monkeypatch.setattr(kernel, "rules_now", rules_now)
    monkeypatch.setattr(kernel, "rehearse", rehearse)
    monkeypatch.setattr(kernel.Holder, "hold", lambda *_: None)
    watcher = kernel.Watcher(str(tmp_path))
    watcher.look()
    assert watcher.look()
    printed[part] = " # as newer ones print it"
    fake.refuses = "rule add"  # what is there cannot be added once more
    watcher.look()
    fake.refuses = ""
    fake.done.clear()
    assert watcher.look()
    assert fake.done == []
