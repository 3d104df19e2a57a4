"""What a verb means in Ansible's own words: exact arguments, environment and prompts."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from mediastack_provision import runner
from mediastack_provision.project import PACKAGE, Project
from mediastack_provision.runner import Job, build_args, build_env, build_passwords
from mediastack_provision.vault import VaultSource

PLAYBOOK = Path("/project/playbooks/apply.yml")
INVENTORY = Path("/inventories/home")


def job(**fields: object) -> Job:
    return Job(playbook=PLAYBOOK, inventory=INVENTORY, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "between"),
    [
        ({}, []),
        ({"limit": "nas"}, ["--limit", "nas"]),
        ({"tags": ("stack", "apply")}, ["--tags", "stack,apply"]),
        ({"check": True, "diff": True}, ["--check", "--diff"]),
        ({"verbosity": 3}, ["-vvv"]),
        ({"extra_vars": {"b": 1, "a": ["x y"]}}, ["--extra-vars", '{"a":["x y"],"b":1}']),
        ({"vault": VaultSource(file=Path("/home/me/pw"))}, ["--vault-password-file", "/home/me/pw"]),
        ({"vault": VaultSource(password="hunter2!")}, ["--ask-vault-pass"]),
        ({"become_password": "hunter2!"}, ["--ask-become-pass"]),
        ({"passthrough": ("--forks", "5")}, ["--forks", "5"]),
    ],
)
def test_each_option_alone(fields: dict[str, object], between: list[str]) -> None:
    assert build_args(job(**fields)) == ["--inventory", str(INVENTORY), *between, str(PLAYBOOK)]


def test_all_options_in_a_fixed_order_and_the_owners_last() -> None:
    everything = job(
        limit="a:b",
        tags=("base",),
        check=True,
        diff=True,
        extra_vars={"x": 1},
        vault=VaultSource(password="s3cret-v"),
        become_password="s3cret-b",
        verbosity=2,
        passthrough=("-e", "y=2"),
    )
    assert build_args(everything) == [
        *("--inventory", "/inventories/home", "--limit", "a:b", "--tags", "base", "--check", "--diff"),
        *("--extra-vars", '{"x":1}', "--ask-vault-pass", "--ask-become-pass", "-vv", "-e", "y=2"),
        "/project/playbooks/apply.yml",
    ]


def test_passwords_are_typed_at_prompts_and_in_no_representation() -> None:
    secret = job(vault=VaultSource(password="s3cret-v"), become_password="s3cret-b")
    answers = build_passwords(secret)
    assert sorted(answers.values()) == ["s3cret-b", "s3cret-v"]
    assert "s3cret" not in repr(secret) + " ".join(build_args(secret))
    prompts = {"Vault password: ": "s3cret-v", "BECOME password: ": "s3cret-b"}
    for prompt, answer in prompts.items():
        assert [value for pattern, value in answers.items() if re.search(pattern, prompt)] == [answer]


def test_environment_of_a_wheel_writes_only_below_the_cache() -> None:
    project = Project(Path("/site-packages/mediastack_provision/_project"), checkout=False)
    env = build_env(project, {"PATH": "/bin"}, Path("/cache"), Path("/cache/cp"))
    assert env == {
        "ANSIBLE_CONFIG": f"{project.root}/ansible.cfg",
        "ANSIBLE_ROLES_PATH": f"{project.root}/roles",
        "ANSIBLE_COLLECTIONS_PATH": f"{project.root}/collections",
        "ANSIBLE_CALLBACK_PLUGINS": f"{PACKAGE}/callbacks",
        "ANSIBLE_NOCOLOR": "1",
        "MAX_EVENT_RES": str(runner.LARGEST_RESULT),
        "PATH": f"{runner.scripts_dir()}:/bin",
        "ANSIBLE_HOME": "/cache/ansible",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": "/cache/cp",
        "ANSIBLE_HOST_KEY_CHECKING": "True",
    }


def test_the_users_own_ansible_settings_win_where_that_is_safe() -> None:
    own = {"ANSIBLE_HOME": "/mine", "ANSIBLE_HOST_KEY_CHECKING": "False", "ANSIBLE_CALLBACK_PLUGINS": "/cb"}
    env = build_env(Project(Path("/src"), checkout=True), own, Path("/cache"), Path("/cp"))
    assert "ANSIBLE_HOME" not in env
    assert "ANSIBLE_HOST_KEY_CHECKING" not in env
    assert env["ANSIBLE_CALLBACK_PLUGINS"].endswith(":/cb")


def test_the_vault_password_leaves_the_environment_while_ansible_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MEDIASTACK_VAULT_PASSWORD", "s3cret-v")
    with runner.without_password():
        assert "MEDIASTACK_VAULT_PASSWORD" not in os.environ
    assert os.environ["MEDIASTACK_VAULT_PASSWORD"] == "s3cret-v"


def test_private_directory_is_private_and_gone_afterwards(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    with runner.private_data_dir() as path:
        assert path.parent == home
        assert path.stat().st_mode & 0o777 == 0o700
    assert not path.exists()
