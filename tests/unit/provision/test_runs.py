"""Real runs of ansible-playbook against this machine: prompts, secrets, Ctrl-C, missing collections."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from tests.unit.waiting import until

from mediastack_provision import history, vault
from mediastack_provision.exits import Exit

ROOT = Path(__file__).resolve().parents[3]
PASSWORD = "s3cret-vault-passw0rd"
SENTINEL = "SENTINEL-in-the-vault"
# A program of its own, because signals and the environment belong to a process.
DRIVER = """
import sys
from pathlib import Path
from mediastack_provision import project
ours = project.Project(Path(sys.argv.pop(1)), checkout=False)
project.candidates = lambda: (ours, ours)
from mediastack_provision.__main__ import main
main()
"""
PLAY = """
- name: Apply
  hosts: mediastack
  gather_facts: false
  tasks:
    - name: Use a secret
      ansible.builtin.command: {{cmd: "test -n x{{{{ mediastack_secrets.a.b | default('') }}}}"}}
      no_log: true
    - name: Begin
      ansible.builtin.copy: {{content: "1", dest: "{begun}", mode: "0600"}}
    - name: Take a while
      ansible.builtin.command: {{cmd: "sh -c 'echo > {napping}; exec sleep {{{{ nap | default(0) }}}}'"}}
    - name: Finish
      ansible.builtin.copy: {{content: "1", dest: "{finished}", mode: "0600"}}
    - name: Look around
      ansible.builtin.command: {{cmd: "sh -c 'tr \\\\0 \\\\n < /proc/$PPID/environ; ps -ww -eo args'"}}
      register: seen
    - name: Keep what was seen
      ansible.builtin.copy: {{content: "{{{{ seen.stdout }}}}", dest: "{seen}", mode: "0600"}}
"""


@pytest.fixture
def program(home: Path, inventory: Path) -> list[str]:
    """The command line, with a project of one small playbook."""
    project = home / "project"
    for name in ("playbooks", "roles", "bin", "collections/ansible_collections"):
        (project / name).mkdir(parents=True)
    (project / "collections/ansible_collections/mediastack").symlink_to(
        ROOT / "collections/ansible_collections/mediastack"
    )
    (project / "ansible.cfg").write_bytes((ROOT / "ansible.cfg").read_bytes())
    script = project / "bin/vault-password"
    script.write_bytes((ROOT / "bin/vault-password").read_bytes())
    script.chmod(0o755)
    places = {name: home / name for name in ("begun", "napping", "finished", "seen")}
    (project / "playbooks/apply.yml").write_text(PLAY.format(**places))
    (inventory / "hosts.yml").write_text(
        "mediastack: {hosts: {nas: {ansible_connection: local, "
        f"ansible_python_interpreter: '{sys.executable}'}}}}}}\n"
    )
    return [sys.executable, "-c", DRIVER, str(project)]


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder for temporary files with a short name: Ansible 2.21 makes sockets in it."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "src"), **more}


def run(program: list[str], *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*program, *words],
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def everything_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def test_the_vault_password_opens_the_vault_and_leaves_no_trace(
    program: list[str], inventory: Path, home: Path, scratch: Path
) -> None:
    secret = VaultSecret(PASSWORD.encode())
    text = VaultLib([("default", secret)]).encrypt(f"mediastack_secrets: {{a: {{b: {SENTINEL}}}}}", secret=secret)
    vault.vault_file(inventory).write_bytes(text)
    refused = run(program, "apply")
    assert refused.returncode == Exit.INVALID
    assert "no password is set" in refused.stderr
    done = run(program, "apply", "-vvvv", MEDIASTACK_VAULT_PASSWORD=PASSWORD, TMPDIR=str(scratch))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Done in" in done.stdout
    seen = (home / "seen").read_text()
    assert "ansible-playbook" in seen
    left = done.stdout + done.stderr + seen + everything_below(home / "state").decode()
    assert PASSWORD not in left
    assert SENTINEL not in left
    assert not list(scratch.glob("mediastack-*/artifacts"))


def test_a_wrong_vault_password_is_invalid_input(program: list[str], inventory: Path) -> None:
    secret = VaultSecret(b"another")
    vault.vault_file(inventory).write_bytes(VaultLib([("default", secret)]).encrypt("{}", secret=secret))
    done = run(program, "apply", MEDIASTACK_VAULT_PASSWORD=PASSWORD)
    assert done.returncode == Exit.INVALID
    assert "Decryption failed" in done.stderr


def begin(program: list[str], home: Path, *words: str) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [*program, "apply", *words],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until((home / "napping").exists, 60)
    return child


def sleeps(nap: str) -> bool:
    done = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return f"sleep {nap}" in done.stdout.splitlines()


def test_ctrl_c_finishes_the_running_task_and_begins_no_other(program: list[str], inventory: Path, home: Path) -> None:
    child = begin(program, home, "--", "-e", "nap=3")
    child.send_signal(signal.SIGINT)
    output, errors = child.communicate(timeout=30)
    assert child.returncode == Exit.INTERRUPTED
    assert "Stopping when the running task is done" in output
    assert "nas · Take a while" in errors
    assert "Not done: Apply · Finish" in errors
    assert not (home / "finished").exists()
    [record] = history.load_all(inventory)
    assert record["result"] == "interrupted"
    assert [entry["task"] for entry in record["changed"]] == ["Use a secret", "Begin", "Take a while"]


def test_ctrl_c_twice_cuts_the_task_off(program: list[str], home: Path) -> None:
    nap = f"58.{os.getpid()}"  # no other run's on this machine
    child = begin(program, home, "--", "-e", f"nap={nap}")
    until(lambda: sleeps(nap), 60)
    assert child.stdout
    child.send_signal(signal.SIGINT)
    for line in child.stdout:
        if "Stopping when the running task is done" in line:
            break  # a second one that came before the first was heard would be none
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=30)
    assert child.returncode == Exit.INTERRUPTED
    assert "Cut off in the middle of: Apply · Take a while" in errors
    until(lambda: not sleeps(nap), 60)
