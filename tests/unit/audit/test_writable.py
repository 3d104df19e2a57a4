"""Kernel settings that an audit borrows are put back: at its end, when it fails, is interrupted, or was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from tests.integration.audits import writable
from tests.integration.audits.writable import Kept, KernelError, borrowed

FIFOS, POINTERS, BPF = "fs.protected_fifos", "kernel.kptr_restrict", "kernel.unprivileged_bpf_disabled"
NAMES = [FIFOS, POINTERS, BPF, "kernel.absent"]
# A run that borrows settings whose kernel is a file, and says when it has them.
RUN = """
import json, sys, time
from pathlib import Path
from tests.integration.audits.writable import borrowed
from tests.unit.audit.test_writable import FileKernel
folder = Path(sys.argv[1])
kernel = FileKernel(folder / "kernel.json")
with borrowed(kernel, folder / "kept.json", ["fs.protected_fifos"]):
    kernel.write({"fs.protected_fifos": "2"})
    print("borrowed", flush=True)
    # In short ones: a signal between the interpreter's look for one and the nap is heard after the nap.
    for _ in range(600):
        time.sleep(0.1)
"""


class FileKernel:
    """A kernel that is a file; `stubborn` settings cannot be lowered."""

    def __init__(self, path: Path, *stubborn: str, boot: str = "one") -> None:
        self.path, self.stubborn, self.name = path, stubborn, boot
        if not path.exists():
            path.write_text(json.dumps({FIFOS: "0", POINTERS: "0", BPF: "2"}))

    def boot(self) -> str:
        return self.name

    def every(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.path.read_text())
        return found

    def read(self, names: Iterable[str]) -> dict[str, str]:
        every = self.every()
        return {name: every[name] for name in names if name in every}

    def write(self, values: Mapping[str, str]) -> None:
        taken = {n: v for n, v in values.items() if not (n in self.stubborn and v < self.every()[n])}
        self.path.write_text(json.dumps(self.every() | taken))


@pytest.fixture
def kernel(tmp_path: Path) -> FileKernel:
    return FileKernel(tmp_path / "kernel.json")


def test_the_list_is_the_roles_own_without_the_networks() -> None:
    found = writable.wanted()
    assert {"fs.protected_symlinks", "kernel.kptr_restrict", "dev.tty.ldisc_autoload"} <= found.keys()
    assert not [name for name in found if name.startswith("net.")]
    assert "kernel.kexec_load_disabled" not in found, "its item is strict"


def test_what_cannot_be_put_back_is_left_alone_by_name() -> None:
    allowed, left_alone = writable.split(writable.wanted())
    assert sorted(left_alone) == [BPF]
    assert not set(allowed) & set(left_alone)
    assert all(left_alone.values())


def test_only_one_explicit_word_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, answer in (("", False), ("0", False), ("yes", False), ("1", True)):
        monkeypatch.setenv(writable.ASKED, value)
        assert writable.asked() is answer
    monkeypatch.delenv(writable.ASKED)
    assert writable.asked() is False


def test_everything_is_as_before_afterwards(kernel: FileKernel, tmp_path: Path) -> None:
    before = kernel.every()
    with borrowed(kernel, tmp_path / "kept.json", NAMES) as names:
        assert names == [FIFOS, POINTERS], "neither what is one-way nor what is not there"
        assert json.loads((tmp_path / "kept.json").read_text())["values"] == {FIFOS: "0", POINTERS: "0"}
        kernel.write({FIFOS: "2", POINTERS: "2"})
    assert kernel.every() == before
    assert not (tmp_path / "kept.json").exists()


def test_a_test_that_fails_puts_back(kernel: FileKernel, tmp_path: Path) -> None:
    def fail() -> None:
        with borrowed(kernel, tmp_path / "kept.json", NAMES):
            kernel.write({FIFOS: "2"})
            raise AssertionError

    with pytest.raises(AssertionError):
        fail()
    assert kernel.every()[FIFOS] == "0"


def start(folder: Path) -> subprocess.Popen[str]:
    root = Path(__file__).parents[3]
    path = os.pathsep.join(map(str, (root, root / "src", root / "collections")))
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert run.stdout
    assert run.stdout.readline() == "borrowed\n"
    return run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_puts_back(number: signal.Signals, kernel: FileKernel, tmp_path: Path) -> None:
    with start(tmp_path) as run:
        assert kernel.every()[FIFOS] == "2"
        run.send_signal(number)
        assert run.wait(timeout=30) != 0
    assert kernel.every()[FIFOS] == "0"
    assert not (tmp_path / "kept.json").exists()


def test_what_a_killed_run_left_is_put_back_first(kernel: FileKernel, tmp_path: Path) -> None:
    with start(tmp_path) as run:
        run.kill()
        run.wait(timeout=30)
    assert kernel.every()[FIFOS] == "2"
    with borrowed(kernel, tmp_path / "kept.json", NAMES):
        assert kernel.every()[FIFOS] == "0"
        kernel.write({POINTERS: "1"})
    assert kernel.every() == {FIFOS: "0", POINTERS: "0", BPF: "2"}


def test_two_runs_do_not_borrow_at_once(kernel: FileKernel, tmp_path: Path) -> None:
    with start(tmp_path) as run:
        with pytest.raises(KernelError, match="another run"), borrowed(kernel, tmp_path / "kept.json", NAMES):
            pass
        assert kernel.every()[FIFOS] == "2", "the other run's settings are its own"
        run.terminate()
        run.wait(timeout=30)


def test_after_a_boot_the_kernels_own_values_hold(kernel: FileKernel, tmp_path: Path) -> None:
    Kept(tmp_path / "kept.json").save("an earlier boot", {FIFOS: "1"})
    with borrowed(kernel, tmp_path / "kept.json", NAMES):
        pass
    assert kernel.every()[FIFOS] == "0"


def test_what_cannot_be_put_back_is_an_error_and_stays_written_down(tmp_path: Path) -> None:
    kernel = FileKernel(tmp_path / "kernel.json", FIFOS)
    expected = pytest.raises(KernelError, match=r"not put back: fs\.protected_fifos = 0")
    with expected, borrowed(kernel, tmp_path / "kept.json", NAMES):
        kernel.write({FIFOS: "2", POINTERS: "2"})
    assert kernel.every()[POINTERS] == "0", "the others are put back"
    assert json.loads((tmp_path / "kept.json").read_text())["values"][FIFOS] == "0"


def test_nobody_borrows_where_signals_are_not_heard(kernel: FileKernel, tmp_path: Path) -> None:
    problems: list[str] = []

    def borrow() -> None:
        try:
            with borrowed(kernel, tmp_path / "kept.json", NAMES):
                pass
        except KernelError as error:
            problems.append(str(error))

    thread = threading.Thread(target=borrow)
    thread.start()
    thread.join()
    assert problems
    assert kernel.every()[FIFOS] == "0"
