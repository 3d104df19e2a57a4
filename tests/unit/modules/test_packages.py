"""Which packages a server has."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.mediastack.core.plugins.module_utils import packages

STATUS = """\
Package: tzdata
Status: install ok installed
Description: zones
 Package: not-a-field
 .

Package: docker.io
Status: deinstall ok config-files

Package: half
Status: install ok half-configured
"""


def test_only_completely_installed_packages_count() -> None:
    assert packages.parse_dpkg(STATUS) == {"tzdata"}


def test_packages_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "status").write_text(STATUS)
    monkeypatch.setattr(packages, "DPKG_STATUS", str(tmp_path / "status"))
    assert packages.installed(["tzdata", "docker.io"]) == {"tzdata": True, "docker.io": False}


@pytest.mark.parametrize(("query", "found"), [("exit 0", True), ("exit 1", False)])
def test_other_package_managers_are_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, query: str, found: bool
) -> None:
    (tmp_path / "pacman").write_text(f"#!/bin/sh\n{query}\n")
    (tmp_path / "pacman").chmod(0o755)
    monkeypatch.setattr(packages, "DPKG_STATUS", str(tmp_path / "none"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert packages.installed(["tzdata"]) == {"tzdata": found}


def test_a_package_manager_that_is_not_known_has_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packages, "DPKG_STATUS", str(tmp_path / "none"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert packages.installed(["tzdata"]) == {"tzdata": False}
