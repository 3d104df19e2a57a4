"""What the watcher makes of fail2ban's and nft's answers."""

from __future__ import annotations

import json
import pickle
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mediastack.core.plugins.module_utils import fail2ban_host as host
from ansible_collections.mediastack.core.plugins.module_utils import fail2ban_watch as watch


def chain(name: str, hook: str, prio: int = watch.PRIORITY) -> dict[str, Any]:
    return {"chain": {"family": "inet", "table": watch.TABLE, "name": name, "hook": hook, "prio": prio}}


def rule(name: str, family: str, dropped: str, verdict: str = "drop") -> dict[str, Any]:
    source = {"payload": {"protocol": family, "field": "saddr"}}
    matches = [("!=", f"@allowed{dropped[6]}"), ("==", f"@{dropped}")]
    expr = [{"match": {"op": op, "left": source, "right": right}} for op, right in matches]
    return {"rule": {"chain": name, "expr": [*expr, {"counter": {"packets": 0, "bytes": 0}}, {verdict: None}]}}


def listing(*banned: Any, **changes: Any) -> str:
    items = [
        {"set": {"name": "banned4_sshd", "elem": [one for one in banned if not (isinstance(one, str) and ":" in one)]}},
        {"set": {"name": "banned6_sshd", "elem": [one for one in banned if isinstance(one, str) and ":" in one]}},
        *(chain(f"{hook}_sshd", hook, **changes) for hook in watch.HOOKS),
        *(rule(f"{hook}_sshd", "ip", "banned4_sshd") for hook in watch.HOOKS),
        *(rule(f"{hook}_sshd", "ip6", "banned6_sshd") for hook in watch.HOOKS),
    ]
    return json.dumps({"nftables": [{"metainfo": {}}, *items]})


def compared(text: str, *banned: str, prefix6: int = 128) -> dict[str, Any]:
    return watch.differences("sshd", banned, watch.parse_table(text), prefix6)


def test_all_is_well() -> None:
    found = compared(listing("192.0.2.7", "2001:db8::7"), "192.0.2.7", "2001:db8::7")
    assert found == {"broken": False, "lost": [], "stray": []}


def test_a_lost_ban_and_a_stray_one() -> None:
    found = compared(listing("192.0.2.8"), "192.0.2.7", "2001:db8::7")
    assert found == {"broken": False, "lost": ["192.0.2.7/32", "2001:db8::7/128"], "stray": ["192.0.2.8/32"]}


def test_what_is_stray_goes_first() -> None:
    """nft refuses an element within another one."""
    text = watch.commands("sshd", {"lost": ["2001:db8::7/128", "192.0.2.7/32"], "stray": ["2001:db8::/64"]})
    assert text.splitlines() == [
        "delete element inet mediastack_bans banned6_sshd { 2001:db8::/64 }",
        "add element inet mediastack_bans banned6_sshd { 2001:db8::7/128 }",
        "add element inet mediastack_bans banned4_sshd { 192.0.2.7/32 }",
    ]


def test_ipv6_is_compared_by_network() -> None:
    text = json.dumps(
        {
            "nftables": [
                *json.loads(listing())["nftables"],
                {"set": {"name": "banned6_sshd", "elem": [{"prefix": {"addr": "2001:db8::", "len": 64}}]}},
            ]
        }
    )
    assert compared(text, "2001:db8::7", "2001:db8::8", prefix6=64) == {"broken": False, "lost": [], "stray": []}


def test_an_address_within_a_banned_network_is_not_missed() -> None:
    text = listing({"prefix": {"addr": "192.0.2.0", "len": 24}})
    assert compared(text, "192.0.2.0/24", "192.0.2.7")["lost"] == []


@pytest.mark.parametrize(
    ("item", "networks"),
    [
        ("192.0.2.7", ["192.0.2.7/32"]),
        ({"prefix": {"addr": "2001:db8::", "len": 64}}, ["2001:db8::/64"]),
        ({"range": ["192.0.2.6", "192.0.2.8"]}, ["192.0.2.6/31", "192.0.2.8/32"]),
        ({"elem": {"val": "192.0.2.7", "timeout": 9}}, ["192.0.2.7/32"]),
    ],
)
def test_elements(item: Any, networks: list[str]) -> None:
    assert watch.element(item) == networks


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"nftables": []}),
        listing(prio=0),  # after the firewall, which may have accepted already
        listing().replace('"drop"', '"accept"'),
        listing().replace('"==", "left"', '"!=", "left"'),
        json.dumps({"nftables": [item for item in json.loads(listing())["nftables"] if "rule" not in item]}),
        json.dumps({"nftables": [item for item in json.loads(listing())["nftables"] if "set" not in item]}),
    ],
)
def test_rules_that_do_not_ban_are_broken(text: str) -> None:
    assert compared(text)["broken"]


def test_logs_that_come_and_go(tmp_path: Path) -> None:
    pattern = f"{tmp_path}/log_*.log"
    assert watch.follow([pattern], [watch.NOTHING]) == ([], [])
    new = tmp_path / "log_20261121.log"
    new.write_text("")
    assert watch.follow([pattern], [watch.NOTHING]) == ([str(new)], [watch.NOTHING])
    assert watch.follow([pattern], [str(new)]) == ([], [])
    assert watch.follow([pattern], [str(new), f"{tmp_path}/log_20261120.log"])[1] == [f"{tmp_path}/log_20261120.log"]
    (tmp_path / "log_folder.log").mkdir()
    assert watch.follow([pattern], [str(new)]) == ([], [])


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A fail2ban with one jail of ours and one of somebody else's, speaking its protocol."""
    path = tmp_path / "socket"
    asked: list[list[str]] = []
    answers: dict[tuple[str, ...], Any] = {
        ("status",): [("Number of jail", 2), ("Jail list", "sshd, theirs")],
        ("get", "sshd", "actions"): ["mediastack"],
        ("get", "theirs", "actions"): ["iptables"],
        ("get", "sshd", "action", "mediastack", "revision"): "abc",
        ("get", "sshd", "banip"): ["192.0.2.7"],
        ("get", "sshd", "logpath"): [],
    }
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with line:
                words = pickle.loads(line.recv(65536).removesuffix(watch.END))  # noqa: S301 - our own client's
                asked.append(words)
                answer = (0, answers[tuple(words)]) if tuple(words) in answers else (1, KeyError("unknown"))
                line.sendall(pickle.dumps(answer) + watch.END)

    threading.Thread(target=serve, daemon=True).start()
    monkeypatch.setattr(watch, "SOCKET", str(path))
    return asked


@pytest.mark.usefixtures("server")
def test_only_jails_with_our_action_are_looked_at() -> None:
    assert watch.jails() == {"sshd": {"revision": "abc", "banned": ["192.0.2.7"], "logs": []}}


@pytest.mark.usefixtures("server")
def test_an_error_of_fail2ban_is_told() -> None:
    with pytest.raises(watch.BansError, match="get nobody banip"):
        watch.ask("get", "nobody", "banip")


def test_no_fail2ban_is_no_jails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "SOCKET", str(tmp_path / "none"))
    with pytest.raises(watch.BansError, match="does not answer"):
        watch.jails()
    assert not host.in_force(["sshd"], "abc")
    assert watch.main() == 0


@pytest.mark.usefixtures("server")
def test_in_force_is_what_every_jail_says() -> None:
    assert host.in_force(["sshd"], "abc")
    assert not host.in_force(["sshd"], "xyz")
    assert not host.in_force(["sshd", "jellyfin"], "abc")
