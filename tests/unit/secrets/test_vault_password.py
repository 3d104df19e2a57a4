"""bin/vault-password: where the password comes from, and what Ansible does where there is none."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.ansible_program import program
from tests.unit.render.support import ROOT

from ansible_collections.mediastack.core.plugins.plugin_utils import vault_file

SCRIPT = ROOT / "bin/vault-password"
NONE = vault_file.NO_PASSWORD.decode()


def run(home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script as someone whose home is `home`, without a terminal."""
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    return subprocess.run(
        [str(SCRIPT)],
        env={"HOME": str(home), "PATH": path, **environment},
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def kept(home: Path, mode: int = 0o600, text: str = "kept\n") -> Path:
    path = home / ".config/mediastack/vault-password"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_order_of_sources(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("from a file\n")
    file.chmod(0o600)
    kept(tmp_path)
    sources = {
        "MEDIASTACK_VAULT_PASSWORD": "itself",
        "MEDIASTACK_VAULT_PASSWORD_COMMAND": "printf 'by  a %s' command",
        "MEDIASTACK_VAULT_PASSWORD_FILE": str(file),
    }
    for expected in ("itself", "by  a command", "from a file", "kept"):
        done = run(tmp_path, **sources)
        assert (done.returncode, done.stdout, done.stderr) == (0, expected + "\n", "")
        if sources:
            del sources[next(iter(sources))]


def test_the_command_gets_no_shell(tmp_path: Path) -> None:
    done = run(tmp_path, MEDIASTACK_VAULT_PASSWORD_COMMAND="echo $HOME; touch pwned")
    assert done.stdout == "$HOME; touch pwned\n"
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("command", ["false", "/does/not/exist", "echo 'unbalanced", " ", "true"])
def test_a_command_that_gives_nothing_is_an_error(tmp_path: Path, command: str) -> None:
    done = run(tmp_path, MEDIASTACK_VAULT_PASSWORD_COMMAND=command)
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.search("MEDIASTACK_VAULT_PASSWORD_COMMAND failed|vault password is empty", done.stderr)


def test_a_password_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = kept(tmp_path, 0o640)
    done = run(tmp_path)
    assert done.returncode == 1
    assert f"chmod 600 {path}" in done.stderr


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, MEDIASTACK_VAULT_PASSWORD_FILE="/does/not/exist")
    assert done.returncode == 1
    assert "/does/not/exist" in done.stderr


def test_nothing_encrypted_and_nothing_configured_is_no_error(tmp_path: Path) -> None:
    done = run(tmp_path, ANSIBLE_INVENTORY=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, NONE + "\n", "")


def encrypted(folder: Path) -> Path:
    path = folder / "group_vars/mediastack/vault.yml"
    path.parent.mkdir(parents=True)
    path.write_text("$ANSIBLE_VAULT;1.1;AES256\n00\n")
    (folder / "hosts.yml").write_text("mediastack: {hosts: {nas: {ansible_connection: local}}}\n")
    return path


def test_an_encrypted_inventory_without_password_says_what_to_do(tmp_path: Path) -> None:
    encrypted(tmp_path / "home")
    done = run(tmp_path, ANSIBLE_INVENTORY=str(tmp_path / "home/hosts.yml"))
    assert done.returncode == 1
    assert "MEDIASTACK_VAULT_PASSWORD_FILE" in done.stderr
    assert "mediastack-provision init" in done.stderr


def test_a_vault_of_another_inventory_of_the_project_stops_no_lint(tmp_path: Path) -> None:
    script = tmp_path / "bin/vault-password"
    script.parent.mkdir()
    script.write_bytes(SCRIPT.read_bytes())
    script.chmod(0o755)
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}

    def output() -> tuple[int, str]:
        done = subprocess.run(
            [str(script)], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout

    encrypted(tmp_path / "inventories/sandbox")
    assert output() == (0, NONE + "\n")
    encrypted(tmp_path / "inventories/example")
    assert output() == (1, "")


def test_on_a_terminal_it_asks(tmp_path: Path) -> None:
    encrypted(tmp_path / "home")
    main, terminal = pty.openpty()
    with subprocess.Popen(
        [str(SCRIPT)],
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "ANSIBLE_INVENTORY": str(tmp_path / "home")},
        stdin=terminal,
        stderr=terminal,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        os.close(terminal)
        shown = b""
        while b"vault password" not in shown:
            shown += os.read(main, 100)
        os.write(main, b"typed\n")
        stdout, _ = process.communicate(timeout=20)
    os.close(main)
    assert stdout == b"typed\n"
    assert b"typed" not in shown


def test_a_sandbox_keeps_its_password_beside_its_inventory(tmp_path: Path) -> None:
    kept(tmp_path)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "hosts.yml").write_text("{}")
    beside = tmp_path / "one/.vault-password"
    beside.write_text("beside\n")
    beside.chmod(0o600)
    assert run(tmp_path, ANSIBLE_INVENTORY=str(tmp_path / "one")).stdout == "beside\n"
    assert run(tmp_path, ANSIBLE_INVENTORY=str(tmp_path / "one/hosts.yml")).stdout == "beside\n"
    assert run(tmp_path, ANSIBLE_INVENTORY=str(tmp_path / "two")).stdout == "kept\n"
    assert run(tmp_path).stdout == "kept\n", "another inventory's password is not tried"


def ansible(tmp_path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    play = tmp_path / "play.yml"
    play.write_text("- hosts: mediastack\n  gather_facts: false\n  tasks: [{ansible.builtin.debug: {msg: hello}}]\n")
    return program("ansible-playbook", tmp_path, str(play), *arguments, **environment)


def test_ansible_runs_without_any_password_while_nothing_is_encrypted(tmp_path: Path) -> None:
    inventory = tmp_path / "home"
    inventory.mkdir()
    (inventory / "hosts.yml").write_text("mediastack: {hosts: {nas: {ansible_connection: local}}}\n")
    assert ansible(tmp_path, "-i", str(inventory), "--syntax-check").returncode == 0
    done = ansible(tmp_path, "-i", str(inventory))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr


def test_ansible_with_an_encrypted_inventory(tmp_path: Path) -> None:
    inventory = tmp_path / "home"
    path = encrypted(inventory)
    password = tmp_path / "password"
    password.write_text("secret\n")
    path.write_text("mediastack_secrets: {}\n")
    done = program("ansible-vault", tmp_path, "encrypt", "--vault-password-file", str(password), str(path))
    assert done.returncode == 0, done.stderr
    assert path.read_bytes().startswith(b"$ANSIBLE_VAULT")
    without = ansible(tmp_path, "-i", str(inventory))
    assert without.returncode != 0
    assert "MEDIASTACK_VAULT_PASSWORD_FILE" in without.stderr
    (inventory / ".vault-password").touch(0o600)
    (inventory / ".vault-password").write_text("secret")
    beside = program("ansible-vault", tmp_path, "view", "home/group_vars/mediastack/vault.yml")
    assert beside.stdout == "mediastack_secrets: {}\n", beside.stderr
    assert ansible(tmp_path, f"-i{inventory}").returncode == 0
    (inventory / ".vault-password").unlink()
    for given in (
        ansible(tmp_path, "-i", str(inventory), "--vault-password-file", str(password)),
        ansible(tmp_path, f"--inventory={inventory}", MEDIASTACK_VAULT_PASSWORD="secret"),
    ):
        assert given.returncode == 0, given.stdout + given.stderr
        assert "No vault password" not in given.stderr
        assert "WARNING" not in given.stdout + given.stderr


def test_nothing_is_ever_encrypted_with_the_placeholder(tmp_path: Path) -> None:
    path = tmp_path / "vault.yml"
    path.write_text("mediastack_secrets: {}\n")
    done = program("ansible-vault", tmp_path, "encrypt", str(path))
    assert done.returncode != 0
    assert "MEDIASTACK_VAULT_PASSWORD_FILE" in done.stderr
    assert path.read_text() == "mediastack_secrets: {}\n"
    done = program("ansible-vault", tmp_path, "encrypt", str(path), MEDIASTACK_VAULT_PASSWORD="real")
    assert done.returncode == 0, done.stderr
    assert path.read_bytes().startswith(b"$ANSIBLE_VAULT")


def test_script_and_plugin_know_the_same_placeholder() -> None:
    assert f'NO_PASSWORD = "{NONE}"' in SCRIPT.read_text()
