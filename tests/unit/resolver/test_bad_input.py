"""Every mistake of the tables has one answer that names the place, the key, the value and the remedy.

Of a row, `given` is the file stack.yml of the server nas, and `says` are the lines that answer. There is a second
server, attic.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

TABLES = sorted((Path(__file__).parent / "bad_input").glob("*.yml"))
ROWS = [row for table in TABLES for row in yaml.safe_load(table.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("row", ROWS, ids=[row["name"].replace(" ", "-") for row in ROWS])
def test_says_what_is_wrong(row: dict[str, Any], report_of: Callable[..., list[str]]) -> None:
    assert report_of(row["given"], row.get("architecture")) == row["says"].splitlines()


def test_the_tables_are_not_empty() -> None:
    assert len(ROWS) > 40


@pytest.mark.parametrize("row", ROWS, ids=[row["name"].replace(" ", "-") for row in ROWS])
def test_fits_a_terminal(row: dict[str, Any]) -> None:
    assert max(len(line) for line in row["says"].splitlines()) <= 80


def test_a_secret_is_never_shown(report_of: Callable[..., list[str]]) -> None:
    assert "12345678" not in "\n".join(report_of("mediastack_secrets: {radarr: {api_key: 12345678}}"))


def test_a_missing_gateway_is_not_blamed_when_its_name_is_mistyped(
    report_of: Callable[..., list[str]],
) -> None:
    lines = report_of("mediastack_services: {gluetunn: {provider: mullvad}, qbittorrent: {}}")
    assert lines[-1] == "1 problem. Nothing was touched."
    assert "Did you mean 'gluetun'?" in " ".join(lines)
