"""Kernel settings are compared, set, and passed over when the kernel refuses them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.mediastack.core.plugins.module_utils import kernel as kernel_utils
from ansible_collections.mediastack.core.plugins.modules import kernel_settings


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    (tmp_path / "net/core").mkdir(parents=True)
    (tmp_path / "net/core/rmem_max").write_text("4096\n")
    (tmp_path / "net/core/tcp_mem").write_text("1\t2\t3\n")
    return tmp_path


def run(root: Path, settings: dict[str, Any], *, check: bool = False, capsys: Any) -> dict[str, Any]:
    arguments = {"settings": settings, "root": str(root), "_ansible_check_mode": check}
    with patch_module_args(arguments), pytest.raises(SystemExit):
        kernel_settings.main()
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_differing_setting_is_written_once(kernel: Path, capsys: Any) -> None:
    first = run(kernel, {"net.core.rmem_max": 8192}, capsys=capsys)
    assert first["changed"]
    assert (kernel / "net/core/rmem_max").read_text() == "8192\n"
    assert first["diff"] == {"before": "net.core.rmem_max = 4096\n", "after": "net.core.rmem_max = 8192\n"}
    assert not run(kernel, {"net.core.rmem_max": 8192}, capsys=capsys)["changed"]


def test_check_mode_predicts_and_writes_nothing(kernel: Path, capsys: Any) -> None:
    assert run(kernel, {"net.core.rmem_max": 8192}, check=True, capsys=capsys)["changed"]
    assert (kernel / "net/core/rmem_max").read_text() == "4096\n"


def test_words_are_compared_without_their_spacing(kernel: Path, capsys: Any) -> None:
    assert not run(kernel, {"net.core.tcp_mem": "1 2 3"}, capsys=capsys)["changed"]


def test_unknown_setting_is_passed_over(kernel: Path, capsys: Any) -> None:
    answer = run(kernel, {"vm.unknown": 1, "net.core.rmem_max": 8192}, capsys=capsys)
    assert answer["changed"]
    assert answer["refused"] == [{"name": "vm.unknown", "reason": "this kernel does not have it"}]


def test_read_only_setting_is_passed_over_also_in_check_mode(
    kernel: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    for check in (True, False):
        answer = run(kernel, {"net.core.rmem_max": 8192}, check=check, capsys=capsys)
        assert not answer["changed"]
        assert [item["name"] for item in answer["refused"]] == ["net.core.rmem_max"]


def test_a_read_only_setting_with_the_wanted_value_is_fine(
    kernel: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert run(kernel, {"net.core.rmem_max": 4096}, capsys=capsys)["refused"] == []


def test_a_setting_that_is_not_there_cannot_be_set(kernel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_utils, "ROOT", kernel)
    assert kernel_utils.setting("net.core.rmem_max") == {"value": "4096", "reason": ""}
    assert kernel_utils.setting("net.none") == {"value": "", "reason": "this kernel does not have it"}
