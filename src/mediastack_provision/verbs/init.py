"""`init`: a wizard, or flags, that writes an inventory. It never overwrites a file."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediastack_provision import inventories, scaffold, vault
from mediastack_provision.exits import Exit, UserError
from mediastack_provision.project import display, find_project, import_collection
from mediastack_provision.scaffold import Answers, Entry
from mediastack_provision.verbs import wizard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.mediastack.core.plugins.plugin_utils.catalogue import Catalogue
    from mediastack_provision.project import Project

NAME = "home"


def run(
    wanted: str | None,
    given: dict[str, Any],
    key_file: Path | None,
    password_file: Path | None,
    *,
    interactive: bool,
) -> Exit:
    """Ask or take the flags, check the answers, write the files, say what to do next."""
    project = find_project()
    services = load_catalogue(project)
    catalogue = entries(services)
    folder = target(project, wanted)
    answers = replace(defaults(), **given)
    key = read_key(key_file) if key_file else None
    if interactive:
        if not sys.stdin.isatty():
            raise UserError("init asks questions, and there is no terminal. Use --non-interactive with flags.")
        answers, key = wizard.ask(answers, given, catalogue, key, display(folder))
    if wrong := wizard.check_timezone(answers.timezone):
        raise UserError(f"--timezone: {wrong}")
    unknown = [name for name in answers.services if name not in catalogue]
    if unknown:
        raise UserError(f"--service {unknown[0]}: there is no such service. There are: {', '.join(sorted(catalogue))}")
    texts = scaffold.files(folder.name, answers, catalogue)
    check(folder, texts, services)
    written, kept = write(folder, texts)
    created = None if password_file or vault_is_configured() else vault.create_default()
    if key is not None:
        store_key(folder, key, password_file or vault.default_file())
        written.append(vault.vault_file(folder))
    report(folder, written, kept, created)
    return Exit.OK


def defaults() -> Answers:
    """The answers before anybody is asked: the services, and this machine's time zone."""
    return Answers(timezone=local_timezone())


def local_timezone() -> str:
    """The name of this machine's time zone: most homes have one."""
    try:
        link = str(Path("/etc/localtime").readlink())
    except OSError:
        return "Etc/UTC"
    return link.partition("zoneinfo/")[2] or "Etc/UTC"


def load_catalogue(project: Project) -> Catalogue:
    """The catalogue of the project."""
    import_collection(project)
    from ansible_collections.mediastack.core.plugins.plugin_utils import catalogue

    return catalogue.load([project.root / "roles"])


def entries(services: Catalogue) -> dict[str, Entry]:
    """What the scaffold must know of every service that is not retired."""
    return {
        name: Entry(name, service.spec["layer"], service.spec["summary"], service.spec["zone"])
        for name, service in services.services.items()
        if not service.spec.get("successor")
    }


def target(project: Project, wanted: str | None) -> Path:
    """Where the inventory goes: a path as it is, a mere name beside the others."""
    if wanted is None:
        return inventories.home_for_new(project) / NAME
    path = Path(wanted).expanduser()
    if len(path.parts) == 1 and not path.exists():
        return inventories.home_for_new(project) / wanted
    return path.absolute()


def check(folder: Path, texts: Mapping[str, str], services: Catalogue) -> None:
    """Resolve the answers as a run would, before anything is written.

    Raises:
        UserError: with every problem.

    """
    import yaml

    from ansible_collections.mediastack.core.plugins.plugin_utils import choices, errors
    from ansible_collections.mediastack.core.plugins.plugin_utils.resolver import resolve

    variables: dict[str, Any] = {}
    for path, text in texts.items():
        if path.startswith(scaffold.GROUP):
            variables |= yaml.safe_load(text) or {}
    try:
        resolve(services, {folder.name: choices.merge([variables])})
    except errors.ChoicesError as error:
        raise UserError(f"{error}\nNo inventory was written.") from error


def write(folder: Path, texts: Mapping[str, str]) -> tuple[list[Path], list[Path]]:
    """Write what is not there yet; returns what was written and what was kept as it is."""
    written, kept = [], []
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8") as stream:
                stream.write(text)
        except FileExistsError:
            kept.append(path)
        else:
            written.append(path)
    return written, kept


def vault_is_configured() -> bool:
    """Whether the owner already has a way of giving the vault password."""
    return any(os.environ.get(name) for name in (vault.PASSWORD_VARIABLE, *vault.ELSEWHERE))


def read_key(path: Path) -> str:
    """The WireGuard key from a file or stdin.

    Raises:
        UserError: when it cannot be read or is none.

    """
    try:
        text = sys.stdin.read() if str(path) == "-" else path.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--vpn-key-file {path}: it cannot be read: {error}") from error
    return wizard.checked_key(text)


def store_key(folder: Path, key: str, password_file: Path) -> None:
    """Put the VPN's key into the vault beside the choices, keeping whatever the vault holds.

    Raises:
        UserError: when the vault cannot be opened with this password.

    """
    from ansible.parsing.vault import VaultLib, VaultSecret

    from ansible_collections.mediastack.core.plugins.plugin_utils import vault_file

    password = os.environ.get(vault.PASSWORD_VARIABLE) or vault.read_password(password_file)
    secret = VaultSecret(password.strip().encode())
    cipher = VaultLib([("default", secret)])
    path = vault.vault_file(folder)
    try:
        content = vault_file.read(path, cipher)
        mine = content.setdefault(vault_file.VARIABLE, {}).setdefault("gluetun", {})
        mine["wireguard_private_key"] = key
        vault_file.write(path, content, cipher, secret)
    except vault_file.VaultError as error:
        raise UserError(str(error)) from error


def report(folder: Path, written: list[Path], kept: list[Path], password: Path | None) -> None:
    """What was written, and what to do next."""
    import typer

    for path in written:
        typer.echo(f"wrote  {display(path)}")
    for path in kept:
        typer.echo(f"kept   {display(path)} (it was there already)")
    if password is not None:
        typer.echo(
            f"\nThe password of your vault is in {password}.\nKeep a copy: without it the secrets cannot be read."
        )
    typer.echo(f"\nLook through the files, then: mediastack-provision plan -i {display(folder)}")
