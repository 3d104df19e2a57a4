"""What is read of the server."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from ansible_collections.mediastack.core.plugins.module_utils import (
    fail2ban_watch,
    killswitch_host,
    killswitch_kernel,
    systemd,
)


@pytest.mark.parametrize(("where", "stale"), [("etc/table.nft", False), ("program.py", True)])
def test_only_a_new_program_needs_a_new_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, stale: bool
) -> None:
    """The watcher reads table and rules by itself: a run that changed them is not followed by one that restarts it."""
    (tmp_path / "etc").mkdir()
    (tmp_path / where).write_text("new")
    since = int((time.monotonic() - 60) * 1e6)
    said = {"ActiveState": "active", "UnitFileState": "enabled", "ActiveEnterTimestampMonotonic": str(since)}
    monkeypatch.setattr(killswitch_kernel, "FOLDER", str(tmp_path / "etc"))
    files = [str(tmp_path / "etc/table.nft"), str(tmp_path / "program.py")]
    found = systemd.condition(said, killswitch_host.run(files))
    assert found == {"enabled": True, "active": True, "stale": stale}


def test_servers_are_those_of_the_provider_with_the_wanted_values(tmp_path: Path) -> None:
    listed = [{"vpn": "wireguard", "country": "Nauru", "ips": ["203.0.113.1"], "wgpubkey": "x"}, {"vpn": "openvpn"}]
    path = tmp_path / "servers.json"
    path.write_text(json.dumps({"version": 1, "mullvad": {"servers": listed}}))
    found = killswitch_host.servers(str(path), "mullvad")
    assert found is not None
    wanted = {"vpn": ["wireguard"], "country": ["nauru"]}
    assert killswitch_host.fitting(found, wanted) == [{"vpn": "wireguard", "country": "Nauru", "ips": ["203.0.113.1"]}]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"mullvad": 1}', '{"other": {"servers": []}}'])
def test_a_list_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "servers.json"
    path.write_text(text)
    assert killswitch_host.servers(str(path), "mullvad") is None
    assert killswitch_host.servers(str(tmp_path / "missing"), "mullvad") is None


def test_programs_are_found_behind_su_which_keeps_the_users_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(killswitch_host.systemd, "show", lambda *_: {})
    monkeypatch.setattr(killswitch_host, "kernel_faults", lambda _folder: [])
    found = killswitch_host.gather({"servers": [], "names": [], "files": [], "units": []})
    assert found["tools"] == {"nft": True, "ip": True, "unshare": True}
    assert "nftables" in killswitch_kernel.run(["nft", "--version"])
    assert "nftables" in fail2ban_watch.run("nft", "--version")
