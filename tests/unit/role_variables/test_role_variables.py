"""Every wrong variable of every role in one message, before any role runs."""

from __future__ import annotations

from pathlib import Path

from tests.unit.role_play import play_role

CHANGES = "A task that changes something"


def judged(folder: Path, roles: list[str], **variables: object) -> tuple[int, str]:
    """Exit code and words of a play that judges `roles` before role `other` could do anything."""
    tasks = folder / "roles/other/tasks"
    tasks.mkdir(parents=True)
    (tasks / "main.yml").write_text(f"- name: {CHANGES}\n  ansible.builtin.debug:\n")
    judge = [{"name": "Judge", "mediastack.core.role_variables": {"roles": roles}}]
    done = play_role(folder, "other", {"nothing": True}, pre_tasks=judge, vars=variables)
    return done.returncode, done.stdout + done.stderr


def test_what_can_be_passes(tmp_path: Path) -> None:
    code, said = judged(tmp_path, ["base"], base_packages=["tmux"], base_timezone="{{ 'Etc/UTC' }}")
    assert code == 0, said
    assert CHANGES in said


def test_every_problem_is_told_with_its_role_and_nothing_runs(tmp_path: Path) -> None:
    code, said = judged(tmp_path, ["base", "docker"], base_packages={"a": 1}, docker_source="moon")
    assert code != 0
    assert "role base" in said
    assert "base_packages" in said
    assert "role docker" in said
    assert "docker_source" in said
    assert "README.md" in said
    assert CHANGES not in said


def test_a_role_that_is_not_there_is_named(tmp_path: Path) -> None:
    code, said = judged(tmp_path, ["nobody"])
    assert code != 0
    assert "role nobody is not in" in said
