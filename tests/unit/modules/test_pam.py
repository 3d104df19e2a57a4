"""Which modules of PAM a server has."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.mediastack.core.plugins.module_utils import pam


def test_modules_are_found_with_and_without_an_architecture_in_their_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, name in (("lib/x86_64-linux-gnu/security", "pam_unix.so"), ("usr/lib64/security", "pam_wheel.so")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / name).touch()
        (tmp_path / folder / "README").touch()
    monkeypatch.setattr(pam, "ROOT", tmp_path)
    assert pam.modules() == ["pam_unix.so", "pam_wheel.so"]
