"""A guard saves what is there, puts it back, and is forgotten when it is confirmed."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest

from ansible_collections.mediastack.core.plugins.module_utils import guard, guard_rollback
from ansible_collections.mediastack.core.plugins.module_utils.arguments import writing
from ansible_collections.mediastack.core.plugins.module_utils.guard import Guard, GuardError
from ansible_collections.mediastack.core.plugins.modules import guard as module


class Systemctl:
    """Remembers its calls; refuses those that begin with a word of `refused`."""

    def __init__(self, *refused: str) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.refused = refused

    def __call__(self, *words: str) -> None:
        self.calls.append(words)
        if words[0] in self.refused:
            raise GuardError(f"systemctl {words[0]}: no")


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Commands that a rollback ran."""
    ran: list[list[str]] = []
    monkeypatch.setattr(guard_rollback, "run", lambda command: (ran.append(command), "")[1])
    return ran


def made(tmp_path: Path, systemctl: Systemctl | None = None) -> Guard:
    return Guard("ssh", tmp_path / "guard", str(tmp_path / "units"), str(tmp_path / "run"), systemctl or Systemctl())


def arm(one: Guard, *paths: Path, commands: list[list[str]] | None = None) -> str:
    return guard.arm(one, [str(path) for path in paths], commands or [["true"]], 60, "/usr/bin/python3")


def back(one: Guard) -> list[str]:
    return guard_rollback.roll_back(one.name, one.directory, one.units, one.run)


def test_content_mode_link_and_absence_come_back(tmp_path: Path, commands: list[list[str]]) -> None:
    file, link, none = tmp_path / "file", tmp_path / "link", tmp_path / "none"
    file.write_bytes(b"old\x00\xff")
    file.chmod(0o640)
    link.symlink_to("elsewhere")
    one = made(tmp_path)
    arm(one, file, link, none)
    file.unlink()
    link.unlink()
    link.write_text("new")
    none.write_text("new")
    assert back(one) == []
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"old\x00\xff", 0o640)
    assert str(link.readlink()) == "elsewhere"
    assert not none.exists()
    assert ["true"] in commands
    assert one.state() is None
    assert not list(Path(one.units).glob("mediastack*"))


def test_arming_again_keeps_the_first_state_and_adds_what_is_new(tmp_path: Path, commands: list[list[str]]) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("old")
    second.write_text("old too")
    one = made(tmp_path)
    arm(one, first)
    first.write_text("new")
    arm(one, first, second, commands=[["true"], ["other"]])
    second.write_text("new")
    back(one)
    assert (first.read_text(), second.read_text()) == ("old", "old too")
    assert commands.count(["true"]) == 1
    assert ["other"] in commands


def test_confirming_forgets_everything(tmp_path: Path, commands: list[list[str]]) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    systemctl = Systemctl()
    one = made(tmp_path, systemctl)
    arming = arm(one, file)
    file.write_text("new")
    guard.confirm(one, arming)
    assert ("stop", "mediastack-guard-ssh.timer") in systemctl.calls
    assert back(one) == []
    assert file.read_text() == "new"
    assert commands == []
    assert not one.directory.exists()


def test_confirming_what_has_gone_back_fails(tmp_path: Path, commands: list[list[str]]) -> None:
    one = made(tmp_path)
    arming = arm(one, tmp_path / "file")
    back(one)
    assert commands
    with pytest.raises(GuardError, match="gone back"):
        guard.confirm(one, arming)


def test_what_is_left_of_a_killed_run_does_not_confirm_the_next_ones_change(
    tmp_path: Path, commands: list[list[str]]
) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    one = made(tmp_path)
    late = arm(one, file)
    back(one)
    ours = arm(one, file)
    file.write_text("new")
    with pytest.raises(GuardError, match="armed anew by another run"):
        guard.confirm(one, late)
    again = arm(one, file)
    with pytest.raises(GuardError, match="armed anew by another run"):
        guard.confirm(one, ours)
    back(one)
    assert file.read_text() == "old"
    assert len({late, ours, again}) == 3
    assert commands


def test_a_rescue_that_comes_late_leaves_the_next_runs_guard_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemctl = Systemctl()
    monkeypatch.setattr(guard_rollback, "UNITS", str(tmp_path / "units"))
    monkeypatch.setattr(guard_rollback, "RUN", str(tmp_path / "run"))
    monkeypatch.setattr(module, "systemctl", systemctl)

    def call(state: str, arming: str | None = None) -> dict[str, Any]:
        params = {"name": "ssh", "state": state, "arming": arming, "paths": [], "restore": [], "seconds": 60}
        double = SimpleNamespace(params={**params, "directory": str(tmp_path / "guard")}, check_mode=False)
        return module.run(cast("Any", double))

    first, second = call("armed"), call("armed")
    assert (first["armed"], second["armed"]) == (False, True)
    late, ours = first["arming"], second["arming"]
    assert not call("rolled_back", late)["changed"]
    start = ("start", "mediastack-guard-ssh.service")
    assert start not in systemctl.calls
    for arming in (ours, None):
        assert call("rolled_back", arming)["changed"]
    assert systemctl.calls.count(start) == 2


def test_after_a_reboot_files_come_back_and_no_service_is_restarted(tmp_path: Path, commands: list[list[str]]) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    one = made(tmp_path)
    arm(one, file)
    file.write_text("new")
    Path(one.run, one.name).unlink()  # /run is empty after a reboot
    back(one)
    assert file.read_text() == "old"
    assert ["true"] not in commands


def test_services_that_started_with_the_new_files_are_restarted_when_a_boot_could_not_put_the_old_ones_back(
    tmp_path: Path, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    one = made(tmp_path)
    arm(one, file)
    file.write_text("new")
    Path(one.run, one.name).unlink()
    with monkeypatch.context() as patch:
        patch.setattr(guard_rollback, "put_all_back", lambda *_: (_ for _ in ()).throw(SystemExit("systemd: too late")))
        with pytest.raises(SystemExit):
            back(one)
    assert back(one) == []
    assert file.read_text() == "old"
    assert ["true"] in commands
    assert not Path(one.run, one.name).exists()


def test_the_service_runs_at_boot_and_before_others(tmp_path: Path) -> None:
    one = made(tmp_path)
    arm(one, tmp_path / "file")
    link = Path(one.units, "sysinit.target.wants", "mediastack-guard-ssh.service")
    assert link.resolve() == (Path(one.units) / "mediastack-guard-ssh.service").resolve()
    assert "Before=sysinit.target" in link.read_text()
    assert "OnActiveSec=60" in Path(one.units, "mediastack-guard-ssh.timer").read_text()


def test_the_copy_on_the_server_stands_alone(tmp_path: Path) -> None:
    one = made(tmp_path)
    arm(one, tmp_path / "file")
    text = (one.directory / "rollback.py").read_text()
    compile(text, "rollback.py", "exec")
    assert "ansible_collections" not in text


def test_a_file_that_cannot_be_put_back_keeps_the_guard_and_spares_no_other(
    tmp_path: Path, commands: list[list[str]]
) -> None:
    stuck, free = tmp_path / "stuck", tmp_path / "free"
    stuck.write_text("old")
    free.write_text("old")
    one = made(tmp_path)
    arm(one, stuck, free)
    stuck.unlink()
    stuck.mkdir()
    (stuck / "in the way").write_text("")
    free.write_text("new")
    for _ in range(3):
        assert len(back(one)) == 1
    assert free.read_text() == "old"
    assert one.state() is not None
    assert commands.count(["true"]) == 1  # nor is a service restarted at every attempt
    (stuck / "in the way").unlink()
    stuck.rmdir()
    assert back(one) == []
    assert stuck.read_text() == "old"
    assert commands.count(["true"]) == 2


@pytest.mark.parametrize("refused", ["daemon-reload", "restart"])
def test_what_systemd_does_not_take_leaves_nothing(tmp_path: Path, refused: str) -> None:
    one = made(tmp_path, Systemctl(refused))
    with pytest.raises(GuardError, match="could not be armed"):
        arm(one, tmp_path / "file")
    assert one.state() is None
    assert not list(Path(one.units).rglob("mediastack*"))


def test_a_directory_cannot_be_guarded(tmp_path: Path) -> None:
    with pytest.raises(GuardError, match="only files and links"):
        arm(made(tmp_path), tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "../x"}, "name"),
        ({"seconds": 1}, "seconds"),
        ({"paths": ["etc/x"]}, "paths"),
        ({"paths": ["/etc/../x"]}, "paths"),
        ({"commands": [[]]}, "restore"),
        ({"commands": ["true"]}, "restore"),
    ],
)
def test_bad_arguments_are_refused(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"name": "ssh", "seconds": 60, "paths": ["/etc/x"], "commands": [["true"]]}
    guard.refuse(**good)
    with pytest.raises(GuardError, match=message):
        guard.refuse(**{**good, **change})


def test_the_state_is_private_and_readable(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("secret")
    one = made(tmp_path)
    arm(one, file)
    assert one.directory.stat().st_mode & 0o777 == 0o700
    assert (one.directory / "0").stat().st_mode & 0o777 == 0o600
    assert json.loads((one.directory / "state.json").read_text())["paths"][0]["path"] == str(file)


def test_a_change_is_made_only_while_it_could_be_undone(tmp_path: Path, commands: list[list[str]]) -> None:
    one = made(tmp_path)
    where = (one.name, str(one.root), one.run)
    with pytest.raises(GuardError, match="ssh_rollback_seconds"), guard.under(*where):
        pytest.fail("changed without a guard")
    arm(one, tmp_path / "file")
    with guard.under(*where):
        pass
    assert back(one) == []
    with pytest.raises(GuardError, match="Nothing was changed"), guard.under(*where):
        pytest.fail("changed when the server had gone back")
    assert commands


def test_a_countdown_that_ends_during_a_change_undoes_all_of_it(tmp_path: Path, commands: list[list[str]]) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    one = made(tmp_path)
    arm(one, file)
    countdown = threading.Thread(target=back, args=(one,))
    with guard.under(one.name, str(one.root), one.run):
        countdown.start()
        countdown.join(0.2)
        assert countdown.is_alive()
        file.write_text("new")
    countdown.join(30)
    assert file.read_text() == "old"
    assert commands


def test_a_module_says_that_it_came_too_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard_rollback, "RUN", str(tmp_path / "run"))
    under = guard.under
    monkeypatch.setattr(guard, "under", lambda name: under(name, str(tmp_path / "guard"), str(tmp_path / "run")))
    told: list[str] = []

    class Module:
        check_mode = False
        params: ClassVar[dict[str, Any]] = {
            "lease": "", "lease_directory": str(tmp_path / "lease"), "lease_wait": 1.0, "guard": "ssh",
        }  # fmt: skip
        warn = staticmethod(print)

        @staticmethod
        def fail_json(msg: str) -> None:
            told.append(msg)
            raise SystemExit

    with pytest.raises(SystemExit), writing(cast("Any", Module)):
        pytest.fail("changed without a guard")
    assert told[0].startswith("guard ssh: the countdown was over")


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Folders whose entries were made safe against a power cut, with what was in them then."""
    found: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.is_dir():
            found.append(f"{path.name}: {' '.join(sorted(item.name for item in path.iterdir()))}")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return found


def test_a_power_cut_finds_the_guard_that_was_armed(tmp_path: Path, synced: list[str]) -> None:
    one = made(tmp_path)
    arm(one, tmp_path / "file")
    assert any(line.startswith("ssh: ") and "state.json" in line for line in synced)
    assert "sysinit.target.wants: mediastack-guard-ssh.service" in synced
    assert any(line.startswith("units: ") and "service mediastack-guard-ssh.timer" in line for line in synced)


def test_a_power_cut_does_not_undo_what_was_confirmed(tmp_path: Path, synced: list[str]) -> None:
    one = made(tmp_path)
    arming = arm(one, tmp_path / "file")
    synced.clear()
    guard.confirm(one, arming)
    assert any(line.startswith("ssh: ") and "state.json" not in line for line in synced)


def test_a_power_cut_after_going_back_finds_the_old_files(
    tmp_path: Path, commands: list[list[str]], synced: list[str]
) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    link, none = folder / "link", folder / "none"
    link.symlink_to("elsewhere")
    one = made(tmp_path)
    arm(one, link, none)
    link.unlink()
    none.write_text("new")
    synced.clear()
    back(one)
    assert commands
    first_without_state = next(n for n, line in enumerate(synced) if line.startswith("ssh: ") and "state" not in line)
    assert "etc: link" in synced[:first_without_state]
