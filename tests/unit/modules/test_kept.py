"""What a removed instance leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ansible_collections.mediastack.core.plugins.module_utils.kept import size, with_kept
from ansible_collections.mediastack.core.plugins.module_utils.stack_diff import change

if TYPE_CHECKING:
    from pathlib import Path


def test_a_removal_names_the_folder_that_stays(tmp_path: Path) -> None:
    (tmp_path / "jackett/deep").mkdir(parents=True)
    (tmp_path / "jackett/config.xml").write_bytes(b"x" * 100)
    (tmp_path / "jackett/deep/data.db").write_bytes(b"x" * 900)
    (tmp_path / "jackett/loop").symlink_to(tmp_path)
    changes = [
        change("remove", "no longer wanted", instance="jackett", container="jackett"),
        change("remove", "no longer wanted", instance="stateless", container="stateless"),
        change("remove", "no longer wanted", network="mediastack_old"),
        change("recreate", "is dead", instance="radarr", container="radarr"),
    ]
    first, second, *others = with_kept(changes, str(tmp_path))
    assert (first["kept"], first["kept_bytes"]) == (str(tmp_path / "jackett"), 1000)
    assert (second["kept"], second["kept_bytes"]) == (None, None)
    assert others == changes[2:]


@pytest.mark.parametrize("instance", ["..", "../secrets", "/etc", "", "a/b", "link"])
def test_a_label_leads_nowhere_else(tmp_path: Path, instance: str) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "secrets").mkdir()
    (tmp_path / "config/link").symlink_to(tmp_path / "secrets")
    [told] = with_kept([change("remove", "x", instance=instance, container="c")], str(tmp_path / "config"))
    assert told.get("kept") is None


def test_without_a_root_nothing_is_known() -> None:
    [told] = with_kept([change("remove", "x", instance="jackett", container="jackett")], None)
    assert told["kept"] is None


def test_measuring_ends_in_time(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert size(str(tmp_path), patience=-1) is None
    assert size(str(tmp_path / "missing")) is None
