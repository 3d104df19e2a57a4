"""One writer per server: the files, the controller's half, and real playbooks that are killed."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.unit.clock import Clock
from tests.unit.waiting import until

from ansible_collections.mediastack.core.plugins.action import lease as action
from ansible_collections.mediastack.core.plugins.module_utils import lease_file
from ansible_collections.mediastack.core.plugins.module_utils.lease_file import (
    LeaseError,
    acquire,
    describe,
    read,
    release,
    renew,
    writer,
)

ROOT = Path(__file__).parents[3]


def claim(run: str, **more: Any) -> dict[str, Any]:
    return {"who": f"{run}@host", "controller": "c", "pid": 1, "start": "1", "run": run, "command": "site.yml", **more}


def test_the_second_run_is_told_who_holds_it(tmp_path: Path) -> None:
    directory = str(tmp_path / "run")
    assert acquire(claim("a"), 60, directory=directory)[0]
    taken, holder = acquire(claim("b"), 60, directory=directory)
    assert (taken, holder["run"]) == (False, "a")
    assert "a@host (site.yml, pid 1) since " in describe(holder)
    assert ", until " in describe(holder)


def test_the_same_run_renews_and_keeps_its_beginning(tmp_path: Path) -> None:
    first = acquire(claim("a"), 60, directory=str(tmp_path))[1]
    time.sleep(0.02)
    second = acquire(claim("a"), 60, directory=str(tmp_path))[1]
    assert second["since"] == first["since"]
    assert second["deadline"] > first["deadline"]


def test_an_expired_lease_is_free(tmp_path: Path) -> None:
    acquire(claim("a"), 0.05, directory=str(tmp_path))
    time.sleep(0.1)
    assert read(str(tmp_path)) is None
    assert acquire(claim("b"), 60, directory=str(tmp_path))[0]


def test_a_clock_that_jumps_frees_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    acquire(claim("a"), 60, directory=str(tmp_path))
    real = time.time()
    monkeypatch.setattr(lease_file.time, "time", lambda: real + 10 * 365 * 86400)
    assert not acquire(claim("b"), 60, directory=str(tmp_path))[0]


def test_a_lease_of_an_earlier_boot_is_void(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    acquire(claim("a"), 60, directory=str(tmp_path))
    monkeypatch.setattr(lease_file, "boot_id", lambda: "another boot")
    assert read(str(tmp_path)) is None


def test_only_the_run_that_was_seen_dead_is_replaced(tmp_path: Path) -> None:
    directory = str(tmp_path)
    acquire(claim("dead"), 60, directory=directory)
    assert not acquire(claim("b"), 60, replace="someone else", directory=directory)[0]
    assert acquire(claim("b"), 60, replace="dead", directory=directory)[0]
    assert not acquire(claim("c"), 60, replace="dead", directory=directory)[0], "another was quicker"


def test_only_the_holder_gives_it_back_or_renews(tmp_path: Path) -> None:
    directory = str(tmp_path)
    acquire(claim("a"), 60, directory=directory)
    assert not release("b", directory)
    assert not renew("b", directory)
    assert renew("a", directory)
    assert release("a", directory)
    assert not release("a", directory)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"run": "a"}', "\x00"])
def test_a_damaged_file_counts_as_no_lease(tmp_path: Path, text: str) -> None:
    (tmp_path / "lease.json").write_text(text)
    assert read(str(tmp_path)) is None
    assert acquire(claim("b"), 60, directory=str(tmp_path))[0]


def test_of_many_at_once_exactly_one_gets_it(tmp_path: Path) -> None:
    won: list[str] = []

    def attempt(number: int) -> None:
        if acquire(claim(f"run{number}"), 60, directory=str(tmp_path))[0]:
            won.append(f"run{number}")

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_a_writer_without_its_lease_does_not_write(tmp_path: Path) -> None:
    directory = str(tmp_path)
    with pytest.raises(LeaseError, match="held by nobody: it expired"), writer("a", directory=directory):
        pytest.fail("it wrote")
    acquire(claim("b"), 60, directory=directory)
    with pytest.raises(LeaseError, match="now held by b@host"), writer("a", directory=directory):
        pytest.fail("it wrote")
    busy = pytest.raises(LeaseError, match="another module has been writing")
    with writer("b", directory=directory), busy, writer("b", directory=directory, wait=0.2):
        pytest.fail("two at once")
    with writer("", directory=directory):
        pass


def test_a_writer_waits_for_the_module_of_a_killed_run_and_says_so(tmp_path: Path) -> None:
    directory, said, order = str(tmp_path), [], []
    inside, told = threading.Event(), threading.Event()

    def slow() -> None:
        with writer("", directory=directory):
            inside.set()
            told.wait(30)
            order.append("old")

    def warn(text: str) -> None:
        said.append(text)
        told.set()

    thread = threading.Thread(target=slow)
    thread.start()
    inside.wait(30)
    with writer("", directory=directory, wait=30, warn=warn):
        order.append("new")
    thread.join()
    assert order == ["old", "new"]
    assert len(said) == 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A lease's time: a busy machine does not let one expire."""
    made = Clock()
    monkeypatch.setattr(lease_file, "now", made.monotonic)
    return made


def test_a_long_module_renews_its_lease(tmp_path: Path, clock: Clock) -> None:
    directory = str(tmp_path)
    acquire(claim("a"), 0.6, directory=directory)
    with writer("a", directory=directory):
        for _ in range(3):
            clock.sleep(0.4)
            until(lambda: (read(directory) or {}).get("deadline") == clock.now + 0.6)
        assert not acquire(claim("b"), 60, directory=directory)[0]


def test_an_orphans_renewal_never_touches_its_successors_lease(tmp_path: Path, clock: Clock) -> None:
    directory = str(tmp_path)
    acquire(claim("a"), 0.6, directory=directory)
    with writer("a", directory=directory):
        acquire(claim("b"), 5, replace="a", directory=directory)
        clock.sleep(1)
        before = read(directory)
        time.sleep(0.5)
        assert read(directory) == before
        assert before


def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    def hold() -> None:
        with writer("", directory=str(tmp_path)):
            (tmp_path / "inside").write_text("")
            time.sleep(60)

    process = multiprocessing.get_context("fork").Process(target=hold)
    process.start()
    until((tmp_path / "inside").exists)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(5)
    with writer("", directory=str(tmp_path), wait=1):
        pass


def test_passwords_in_the_command_are_not_recorded() -> None:
    argv = ["/usr/bin/ansible-playbook", "-i", "inv", "-e", "x=SENTINEL", "-e", "@SENTINEL.yml", "playbooks/site.yml"]
    assert action.command_of(argv) == "ansible-playbook site.yml"


def test_dead_means_gone_reborn_or_undead_on_this_controller_only() -> None:
    ours = action.claim()
    alive = {"controller": ours["controller"], "pid": os.getpid(), "start": action.start_of(os.getpid())}
    assert not action.is_dead(alive, ours)
    assert action.is_dead({**alive, "start": "0"}, ours), "a later process of that number"
    assert action.is_dead({**alive, "pid": 2**22 + 1}, ours)
    assert not action.is_dead({**alive, "pid": 2**22 + 1, "controller": "elsewhere"}, ours)
    assert not action.is_dead({**alive, "pid": None}, ours)


def test_a_process_that_nobody_buried_is_dead() -> None:
    child = subprocess.Popen(["true"])
    until(lambda: action.start_of(child.pid) == "")
    child.wait()


def test_a_forked_worker_knows_the_playbook() -> None:
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=lambda: queue.put(action.main_pid()))
    child.start()
    assert queue.get(timeout=10) == os.getpid()
    child.join()
    assert action.main_pid() == os.getpid()


PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - mediastack.core.lease: {{ttl: 600, lease_directory: {directory}}}
      register: taken
    - ansible.builtin.command: sleep {nap}
      when: not ansible_check_mode
    - mediastack.core.lease: {{state: released, lease_directory: {directory}}}
"""


class Playbooks:
    """Real runs of ansible-playbook against this machine."""

    def __init__(self, base: Path) -> None:
        self.directory = base / "run"
        self.base = base
        lines = ["[defaults]", f"collections_path = {ROOT / 'collections'}", "localhost_warning = false"]
        (base / "ansible.cfg").write_text("\n".join(lines) + "\n")

    def start(self, nap: float, *options: str) -> subprocess.Popen[str]:
        play = self.base / f"play{nap}.yml"
        play.write_text(PLAY.format(directory=self.directory, nap=nap))
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(self.base / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.base / "home"),
        }
        argv = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", str(play), *options]
        argv += ["-e", f"ansible_python_interpreter={sys.executable}"]
        return subprocess.Popen(
            argv, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def run(self, *options: str) -> tuple[int, str]:
        child = self.start(0, *options)
        out, _ = child.communicate(timeout=120)
        return child.returncode, out

    def holder(self) -> dict[str, Any]:
        for _ in range(600):
            try:
                found: dict[str, Any] = json.loads((self.directory / "lease.json").read_text())
            except (OSError, ValueError):
                time.sleep(0.1)
            else:
                return found
        raise AssertionError("nobody took the lease")


def test_real_playbooks_exclude_each_other_and_a_killed_one_gives_way_at_once(tmp_path: Path) -> None:
    playbooks = Playbooks(tmp_path)
    first = playbooks.start(180)
    try:
        holder = playbooks.holder()
        assert (holder["pid"], holder["command"]) == (first.pid, "ansible-playbook play180.yml")

        code, said = playbooks.run()
        assert code != 0
        words = " ".join(said.split())
        assert "another run is changing localhost" in words
        assert f"pid {first.pid}" in words
        assert "Nothing was changed." in words

        code, said = playbooks.run("--check")
        assert code == 0
        assert "another run is changing localhost" in " ".join(said.split())
        assert playbooks.holder()["run"] == holder["run"], "a plan takes nothing"
    finally:
        first.send_signal(signal.SIGKILL)
        first.communicate(timeout=120)

    code, said = playbooks.run()
    assert code == 0, said
    assert not (playbooks.directory / "lease.json").exists()
