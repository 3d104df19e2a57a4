"""The wheel carries the project's data, and no owner's secrets."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DATA = "mediastack_provision/_project/"
INCLUDED: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"][
    "build"
]["targets"]["wheel"]["force-include"]
OF_A_RUNNING_ONE = {"vault.yml", "connection.yml"}


def test_everything_that_runs_is_carried_where_the_program_looks_for_it() -> None:
    for name in ("ansible.cfg", "bin/vault-password", "playbooks", "roles", "group_vars", "site.yml", "schemas"):
        assert INCLUDED[name] == DATA + name
        assert (ROOT / name).exists()
    collection = "collections/ansible_collections/mediastack"
    assert INCLUDED[collection] == DATA + collection


def test_the_layout_is_the_checkouts() -> None:
    assert all(target == DATA + source for source, target in INCLUDED.items())
    assert all((ROOT / source).exists() for source in INCLUDED)


def test_an_inventory_that_may_hold_a_vault_is_carried_file_by_file() -> None:
    sources = [ROOT / source for source in INCLUDED if source.startswith("inventories/sandbox")]
    assert all(source.is_file() for source in sources)
    shipped = {path for path in (ROOT / "inventories/sandbox").rglob("*.yml") if path.name not in OF_A_RUNNING_ONE}
    assert shipped == set(sources)
    names = {path.name for source in INCLUDED for path in (ROOT / source).rglob("*")}
    assert not names & {*OF_A_RUNNING_ONE, ".vault-password"}
