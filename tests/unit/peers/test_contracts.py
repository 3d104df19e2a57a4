"""Each stand-in behaves as its contract says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.unit.peers.harness import CONTRACTS, Scenario, StartError, differences, fill, load

CASES = [
    pytest.param(load(path.stem), scenario, id=f"{path.stem}: {scenario['name']}")
    for path in sorted(CONTRACTS.glob("*.yml"))
    for scenario in load(path.stem)["scenarios"]
]


@pytest.mark.parametrize(("contract", "scenario"), CASES)
def test_contract(contract: dict[str, Any], scenario: dict[str, Any], tmp_path: Path) -> None:
    if scenario.get("starts") is False:
        with (
            pytest.raises(StartError, match=scenario["says"].replace("[", r"\[")),
            Scenario(contract, scenario, tmp_path),
        ):
            pass
        return
    with Scenario(contract, scenario, tmp_path) as running:
        running.run()


def test_every_stand_in_has_a_contract() -> None:
    peers = CONTRACTS.parent / "peers"
    programs = {
        path.parent.name for path in peers.glob("*/Dockerfile") if "mediastack.standin=true" in path.read_text()
    }
    elsewhere = {"gluetun", "socket_proxy"}  # they need a network namespace or haproxy: tested piece by piece
    assert programs - elsewhere == {path.stem for path in CONTRACTS.glob("*.yml")}


def test_comparison_can_fail() -> None:
    assert differences({"a": [{"b": 1}]}, {"a": [{"b": 2}, {"b": 1, "c": 3}]}) == []
    assert differences({"a": [{"b": 1}]}, {"a": [{"b": 2}]})
    assert differences({"a": 1}, {})
    assert differences([], [1])
    assert fill({"<<": "${x}", "a": "{p:number}"}, {"x": {"b": 1}, "p": "7"}) == {"b": 1, "a": 7}
