"""The script for a bare server, run by a real /bin/sh that sees only the programs a test gives it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.mediastack.core.plugins.action.bootstrap import explain
from ansible_collections.mediastack.core.plugins.plugin_utils.bootstrap_script import parse_report, script

NEEDED = ("tail", "tr", "sed", "sleep", "cat")
PYTHON = "#!/bin/sh\necho 3.13.5\n"
INSTALLS = '#!/bin/sh\necho "$0 $*" >>"$LOG"\ncase "$*" in *install*|*-Sy*) cp "$FAKES/python3" "$BIN/python3";; esac\n'
BUSY = '#!/bin/sh\necho "$0 $*" >>"$LOG"\n'
BUSY += 'echo "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (apt)" >&2\nexit 100\n'


class Machine:
    """A directory of programs, and a shell that finds nothing else."""

    def __init__(self, base: Path) -> None:
        self.bin, self.fakes, self.log = base / "bin", base / "fakes", base / "log"
        self.bin.mkdir()
        self.fakes.mkdir()
        self.log.write_text("")
        for name in (*NEEDED, "cp"):
            found = next(Path(folder) / name for folder in ("/bin", "/usr/bin") if (Path(folder) / name).exists())
            (self.bin / name).symlink_to(found)
        self.put(self.fakes, "python3", PYTHON)
        self.uid(0)

    def put(self, folder: Path, name: str, text: str) -> None:
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)

    def has(self, name: str, text: str = "#!/bin/sh\n") -> None:
        self.put(self.bin, name, text)

    def uid(self, number: int) -> None:
        self.has("id", f"#!/bin/sh\necho {number}\n")

    def run(self, *, wants_sudo: bool = False, install: bool = True, wait: int = 0) -> dict[str, str]:
        environment = {"PATH": str(self.bin), "LOG": str(self.log), "FAKES": str(self.fakes), "BIN": str(self.bin)}
        text = script(wants_sudo=wants_sudo, install=install, wait=wait)
        done = subprocess.run(
            ["/bin/sh", "-c", text], env=environment, capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 0, done.stderr
        return parse_report(done.stdout)

    @property
    def calls(self) -> list[str]:
        return [line.replace(f"{self.bin}/", "") for line in self.log.read_text().splitlines()]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_ready_server_is_only_looked_at(machine: Machine) -> None:
    machine.has("python3", PYTHON)
    machine.has("apt-get", INSTALLS)
    report = machine.run()
    assert (report["status"], report["version"], report["needed"]) == ("ready", "3.13.5", "")
    assert machine.calls == []


@pytest.mark.parametrize(
    ("manager", "calls"),
    [
        (
            "apt-get",
            [
                "apt-get -o DPkg::Lock::Timeout=0 -q update",
                "apt-get -o DPkg::Lock::Timeout=0 -q -y --no-install-recommends install python3",
            ],
        ),
        ("dnf", ["dnf -q -y install python3"]),
        ("pacman", ["pacman -Sy --noconfirm --needed python"]),
    ],
)
def test_python_is_installed(machine: Machine, manager: str, calls: list[str]) -> None:
    machine.has(manager, INSTALLS)
    report = machine.run()
    assert (report["status"], report["installed"], report["python"]) == ("ready", "python3", f"{machine.bin}/python3")
    assert machine.calls == calls
    assert machine.run()["needed"] == ""


def test_check_mode_installs_nothing(machine: Machine) -> None:
    machine.has("apt-get", INSTALLS)
    report = machine.run(install=False)
    assert (report["status"], report["needed"], report["python"]) == ("planned", "python3", "")
    assert machine.calls == []


def test_sudo_comes_along_for_root_only(machine: Machine) -> None:
    machine.has("apt-get", INSTALLS)
    assert machine.run(wants_sudo=True, install=False)["needed"] == "python3,sudo"
    assert machine.run(wants_sudo=True)["status"] == "ready"
    assert machine.calls[-1].endswith("install python3 sudo")
    machine.uid(1000)
    assert machine.run(wants_sudo=True)["needed"] == ""


def test_who_is_not_root_cannot_install(machine: Machine) -> None:
    machine.has("apt-get", INSTALLS)
    machine.uid(1000)
    assert machine.run()["status"] == "not-root"
    assert machine.calls == []


def test_no_package_manager(machine: Machine) -> None:
    assert machine.run()["status"] == "no-manager"


def test_a_busy_package_manager_is_waited_for_up_to_the_limit(machine: Machine) -> None:
    machine.has("apt-get", BUSY)
    report = machine.run(wait=3)
    assert report["status"] == "busy"
    assert "held by process 812" in report["detail"]
    assert len(machine.calls) == 3


def test_an_update_that_fails_does_not_stop_the_install(machine: Machine) -> None:
    machine.has("apt-get", INSTALLS + 'case "$*" in *update*) echo "E: no network" >&2; exit 100;; esac\n')
    assert machine.run()["status"] == "ready"


def test_an_install_that_fails(machine: Machine) -> None:
    machine.has("apt-get", '#!/bin/sh\necho "E: Unable to locate package" >&2\nexit 100\n')
    assert machine.run()["status"] == "failed"


def test_it_is_plain_posix_shell() -> None:
    dash = Path("/bin/dash")
    shell = str(dash) if dash.exists() else "/bin/sh"
    text = script(wants_sudo=True, install=True, wait=5)
    assert subprocess.run([shell, "-n", "-c", text], check=False).returncode == 0
    assert "@" not in text.replace("mediastack-report", "").replace("$@", "")


def test_a_report_among_a_banner_and_carriage_returns() -> None:
    text = "Welcome!\r\nmediastack-report uid=0\r\nnoise mediastack-report uid=7\nmediastack-report status=ready\r\n"
    assert parse_report(text) == {"uid": "0", "status": "ready"}
    assert parse_report("sh: not a shell") == {}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("not-root", "nas lacks python3, and the login is not root's"),
        ("no-sudo", "nas lacks sudo"),
        ("no-manager", "none of apt-get, dnf, pacman"),
        ("busy", "for too long (held by 812)"),
        ("failed", "could not be installed: E: no such package"),
    ],
)
def test_each_failure_ends_with_what_to_do(status: str, words: str) -> None:
    report = {"status": status, "needed": "python3", "detail": "held by 812"}
    assert words in explain(report, "E: no such package", "nas")
