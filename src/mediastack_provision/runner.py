"""One run of a playbook through ansible-runner.

`build_args` and `build_env` are pure: what a verb means in Ansible's own words is exactly what they
return. `run` does the rest: a private directory that is gone afterwards, secrets typed at prompts
(never in arguments, environment or files), and Ctrl-C.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import sysconfig
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediastack_provision import vault
from mediastack_provision.exits import Exit, UserError
from mediastack_provision.private import private_dir
from mediastack_provision.project import PACKAGE, cache_dir, control_path_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mediastack_provision.interrupt import Interrupt
    from mediastack_provision.project import Project

POLL_SECONDS = 0.2  # how soon Ctrl-C is noticed while Ansible says nothing
LARGEST_RESULT = 50_000_000  # the display callback would drop bigger results: a plan of a bare server is long
BECOME_PROMPT = r"BECOME password.*:\s*?$"
VAULT_PROMPT = r"Vault password.*:\s*?$"


@dataclass(frozen=True)
class Job:
    """What to run. Holds no secret but `vault` and `become_password`, which no representation shows."""

    playbook: Path
    inventory: Path
    limit: str | None = None
    tags: tuple[str, ...] = ()
    check: bool = False
    diff: bool = False
    verbosity: int = 0
    extra_vars: Mapping[str, Any] = field(default_factory=dict)
    vault: vault.VaultSource = field(default_factory=vault.VaultSource)
    become_password: str | None = field(default=None, repr=False)
    passthrough: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """How Ansible ended: `status` is ansible-runner's word, `rc` is ansible-playbook's code."""

    status: str
    rc: int


def build_args(job: Job) -> list[str]:
    """The arguments of `ansible-playbook`, in a fixed order; the owner's own come last and win."""
    args = ["--inventory", str(job.inventory)]
    if job.limit is not None:
        args += ["--limit", job.limit]
    if job.tags:
        args += ["--tags", ",".join(job.tags)]
    if job.check:
        args.append("--check")
    if job.diff:
        args.append("--diff")
    if job.extra_vars:
        args += ["--extra-vars", json.dumps(dict(job.extra_vars), sort_keys=True, separators=(",", ":"))]
    if job.vault.file is not None:
        args += ["--vault-password-file", str(job.vault.file)]
    if job.vault.password is not None:
        args.append("--ask-vault-pass")
    if job.become_password is not None:
        args.append("--ask-become-pass")
    if job.verbosity:
        args.append("-" + "v" * job.verbosity)
    return [*args, *job.passthrough, str(job.playbook)]


def build_passwords(job: Job) -> dict[str, str]:
    """The prompts that Ansible will show, and what to type at them."""
    answers = {}
    if job.become_password is not None:
        answers[BECOME_PROMPT] = job.become_password
    if job.vault.password is not None:
        answers[VAULT_PROMPT] = job.vault.password
    return answers


def build_env(project: Project, environ: Mapping[str, str], cache: Path, control_path: Path) -> dict[str, str]:
    """What Ansible's environment gets besides `environ`; the user's own settings win where that is safe.

    Nothing lies beside the package: it may be read-only.
    """
    own = {
        "ANSIBLE_CONFIG": str(project.root / "ansible.cfg"),
        "ANSIBLE_ROLES_PATH": str(project.root / "roles"),
        "ANSIBLE_COLLECTIONS_PATH": str(project.collections),
        "ANSIBLE_CALLBACK_PLUGINS": str(PACKAGE / "callbacks"),
        "ANSIBLE_NOCOLOR": "1",  # Ansible writes to a pseudo-terminal of ours; colours are for us to choose
        "MAX_EVENT_RES": str(LARGEST_RESULT),
        # pipx and uv put no program but ours on PATH
        "PATH": os.pathsep.join([str(scripts_dir()), environ.get("PATH", os.defpath)]),
    }
    defaults = {
        "ANSIBLE_HOME": str(cache / "ansible"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(control_path),
        "ANSIBLE_HOST_KEY_CHECKING": "True",  # ansible-runner would switch it off
    }
    if environ.get("ANSIBLE_CALLBACK_PLUGINS"):
        own["ANSIBLE_CALLBACK_PLUGINS"] += ":" + environ["ANSIBLE_CALLBACK_PLUGINS"]
    return own | {name: value for name, value in defaults.items() if not environ.get(name)}


def scripts_dir() -> Path:
    """Where this Python environment keeps its programs."""
    return Path(sysconfig.get_path("scripts"))


def ansible_program(name: str) -> str:
    """The path of one of Ansible's programs: of this environment, else whatever PATH has.

    Raises:
        UserError: when there is none.

    """
    own = scripts_dir() / name
    found = str(own) if own.is_file() else shutil.which(name)
    if found is None:
        raise UserError(f"{name} is not installed in {sys.prefix}: install mediastack again.", Exit.FAILED)
    return found


def run(job: Job, project: Project, on_event: Callable[[dict[str, Any]], None], interrupt: Interrupt) -> Outcome:
    """Run a playbook and hand every event to `on_event`; returns when Ansible has ended.

    The private directory, with all that ansible-runner writes, is removed in any case.
    """
    from ansible_runner.interface import init_runner

    cache = private_dir(cache_dir())
    env = build_env(project, os.environ, cache, private_dir(control_path_dir()))
    with private_data_dir() as private, without_password():
        env["MEDIASTACK_STOP_FILE"] = str(private / "stop")

        def handle(event: dict[str, Any]) -> bool:
            interrupt.seen(event.get("pid"))
            on_event(event)
            return False  # ansible-runner need not keep it

        with interrupt.armed(private / "stop"):
            runner = init_runner(
                private_data_dir=str(private),
                project_dir=str(Path.cwd()),  # relative paths in the owner's options mean where they stand
                binary=ansible_program("ansible-playbook"),
                cmdline=shlex.join(build_args(job)),
                envvars=env,
                passwords=build_passwords(job),
                suppress_env_files=True,
                fact_cache_type="none",
                quiet=True,
                event_handler=handle,
                cancel_callback=interrupt.must_kill,
            )
            # Set here: ansible-runner forgets its `settings` argument where there is no settings file.
            runner.config.pexpect_timeout = POLL_SECONDS
            runner.config.suppress_output_file = True
            status, rc = runner.run()
    return Outcome(status=str(status), rc=int(rc if rc is not None else 1))


@contextmanager
def private_data_dir() -> Iterator[Path]:
    """A directory that nobody else can enter; in memory where the system offers that."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    base = runtime if runtime and os.access(runtime, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="mediastack-", dir=base, ignore_cleanup_errors=True) as path:
        yield Path(path)


@contextmanager
def without_password() -> Iterator[None]:
    """Keep a vault password that the environment holds out of Ansible's: we type it at the prompt instead."""
    password = os.environ.pop(vault.PASSWORD_VARIABLE, None)
    try:
        yield
    finally:
        if password is not None:
            os.environ[vault.PASSWORD_VARIABLE] = password
