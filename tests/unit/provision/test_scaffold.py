"""New inventories: what is written is what a run accepts, and nothing is overwritten."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from mediastack_provision import scaffold, vault
from mediastack_provision.cli import app
from mediastack_provision.scaffold import Answers, Entry
from mediastack_provision.verbs import init, wizard

KEY = base64.b64encode(bytes(range(32))).decode()
ENTRIES = {
    "gluetun": Entry("gluetun", "vpn", "A tunnel", "vpn"),
    "qbittorrent": Entry("qbittorrent", "downloaders", "Downloads", "vpn"),
    "radarr": Entry("radarr", "media", "Films", "apps"),
    "caddy": Entry("caddy", "infrastructure", "Names", "edge"),
}
NAMES = tuple(ENTRIES)


def load(texts: dict[str, str]) -> dict[str, Any]:
    choices: dict[str, Any] = {}
    for path, text in texts.items():
        if path.startswith(scaffold.GROUP):
            choices |= yaml.safe_load(text)
    return choices


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["init", "--non-interactive", *words])
    return result.exit_code, result.output


def test_files_of_a_home_with_a_vpn() -> None:
    answers = Answers(
        host="nas.home.example",
        user="me",
        domain="home.example",
        vpn="protonvpn",
        vpn_country="United Kingdom",
        services=NAMES,
    )
    texts = scaffold.files("home", answers, ENTRIES)
    assert set(texts) == {
        "hosts.yml",
        ".gitignore",
        *(f"group_vars/mediastack/{name}.yml" for name in ("stack", "vpn", "downloaders", "media", "infrastructure")),
    }
    assert yaml.safe_load(texts["hosts.yml"]) == {
        "mediastack": {"hosts": {"nas": {"ansible_host": "nas.home.example", "ansible_user": "me"}}}
    }
    choices = load(texts)
    assert choices["mediastack_services_vpn"] == {
        "gluetun": {"provider": "protonvpn", "type": "wireguard", "country": "United Kingdom"}
    }
    assert choices["mediastack_services_downloaders"] == {"qbittorrent": {}}
    assert choices["mediastack_edge"] == {"proxy": "caddy", "domain": "home.example", "tls": "internal"}


def test_without_vpn_and_domain_nothing_needs_them() -> None:
    choices = load(scaffold.files("home", Answers(services=NAMES), ENTRIES))
    assert "mediastack_services_vpn" not in choices
    assert "mediastack_services_infrastructure" not in choices
    assert choices["mediastack_services_downloaders"] == {"qbittorrent": {"zone": "apps"}}
    assert choices["mediastack_edge"] == {"proxy": None}


TEXT = (
    st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=30).map(str.strip).filter(bool)
)


@given(TEXT, TEXT, TEXT, TEXT)
def test_whatever_is_answered_stands_in_the_files_as_it_is(host: str, user: str, root: str, country: str) -> None:
    answers = Answers(host=host, user=user, media_root=root, vpn="x", vpn_country=country, services=NAMES)
    texts = scaffold.files("home", answers, ENTRIES)
    if host != scaffold.LOCAL:
        [server] = yaml.safe_load(texts["hosts.yml"])["mediastack"]["hosts"].values()
        assert server == {"ansible_host": host, "ansible_user": user}
    choices = load(texts)
    assert choices["mediastack_media"] == {"root": root}
    assert choices["mediastack_services_vpn"]["gluetun"]["country"] == country


def test_every_line_is_commented_and_short() -> None:
    for text in scaffold.files("home", Answers(vpn="x", domain="home.example", services=NAMES), ENTRIES).values():
        assert "#" in text
        assert max(map(len, text.splitlines())) <= 110


def test_the_real_catalogue_accepts_the_defaults(home: Path) -> None:
    code, output = run("-i", "inventories/home", "--vpn", "mullvad", "--domain", "home.example")
    assert code == 0, output
    assert (home / "inventories/home/group_vars/mediastack/media.yml").is_file()
    assert vault.default_file().stat().st_mode & 0o777 == 0o600
    assert str(vault.default_file()) in output.replace("\n", "")


def test_nothing_is_overwritten(home: Path) -> None:
    assert run("-i", "inventories/home")[0] == 0
    mine = home / "inventories/home/group_vars/mediastack/stack.yml"
    mine.write_text("mediastack_schema: 1\n")
    password = vault.default_file().read_text()
    code, output = run("-i", "inventories/home", "--media-root", "/data")
    assert code == 0
    assert "kept" in output
    assert mine.read_text() == "mediastack_schema: 1\n"
    assert vault.default_file().read_text() == password


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--media-root", "media"], "'media' is not an absolute path"),
        (["--service", "radar"], "no such service"),
        (["--vpn-key-file", "nowhere"], "cannot be read"),
        (["--domain", "no domain"], "is not a domain"),
        (["--timezone", "Europe/Berln"], "'Europe/Berln' is not a time zone. Did you mean 'Europe/Berlin'?"),
        (["--vpn", "custom"], "'endpoint' is missing"),
        (["--vpn", "mulvad"], "'mulvad' is not a value that is accepted. Did you mean 'mullvad'?"),
    ],
)
def test_bad_answers_write_nothing(home: Path, words: list[str], said: str) -> None:
    code, output = run("-i", "inventories/home", *words)
    assert code == 4
    assert said in " ".join(output.split())
    assert not (home / "inventories").exists()
    assert not vault.default_file().exists()


def test_the_vpn_key_goes_into_the_vault_and_nowhere_else(home: Path) -> None:
    (home / "key").write_text(KEY + "\n")
    code, output = run("-i", "inventories/home", "--vpn", "mullvad", "--vpn-key-file", "key")
    assert code == 0, output
    secret = VaultSecret(vault.default_file().read_bytes().strip())
    path = vault.vault_file(home / "inventories/home")
    assert path.stat().st_mode & 0o777 == 0o600
    assert "wrote  inventories/home/group_vars/mediastack/vault.yml" in output
    content = yaml.safe_load(VaultLib([("default", secret)]).decrypt(path.read_bytes()))
    assert content == {"mediastack_secrets": {"gluetun": {"wireguard_private_key": KEY}}}
    (home / "key").unlink()
    written = [Path(folder, name) for folder, _, names in os.walk(home) for name in names]
    assert not [str(item) for item in written if KEY.encode() in item.read_bytes()]
    assert KEY not in output


@pytest.mark.parametrize("text", ["", "short", "A" * 44, KEY[:-1], KEY + "A", "é" * 44])
def test_what_is_no_key_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(wizard.UserError) as caught:
        wizard.checked_key(text)
    assert not text or text not in str(caught.value)


def test_the_wizard_asks_only_what_means_something(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(question: str, **options: Any) -> str:
        asked.append(question)
        return {"Server": "nas", "VPN provider": "mullvad", "\nWireGuard": KEY}.get(
            next((word for word in ("Server", "VPN provider", "\nWireGuard") if question.startswith(word)), ""),
            options.get("default", ""),
        )

    monkeypatch.setattr("rich.prompt.Prompt.ask", answer)
    monkeypatch.setattr("rich.prompt.Confirm.ask", lambda question, **_: "qbittorrent" in question)
    answers, key = wizard.ask(Answers(), {"domain"}, ENTRIES, None, "inventories/home")
    assert answers.host == "nas"
    assert answers.vpn == "mullvad"
    assert set(answers.services) == {"gluetun", "caddy", "qbittorrent"}
    assert key == KEY
    assert not [question for question in asked if question.startswith("Domain")]
    assert [question for question in asked if question.startswith("User")]


def test_a_time_zone_is_judged_where_it_is_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = iter(["Europe/Berln", "Europe/Berlin"])
    monkeypatch.setattr(
        "rich.prompt.Prompt.ask",
        lambda question, **options: next(typed) if question == "Time zone" else options.get("default", ""),
    )
    monkeypatch.setattr("rich.prompt.Confirm.ask", lambda *_, **__: False)
    answers, _ = wizard.ask(Answers(), (), ENTRIES, None, "inventories/home")
    assert answers.timezone == "Europe/Berlin"
    assert "Did you mean 'Europe/Berlin'?" in capsys.readouterr().out


def test_a_server_of_ones_own_is_asked_for_and_written(home: Path) -> None:
    asked = [name for name, _ in wizard.QUESTIONS if wizard.applies(name, Answers(vpn="custom"))]
    assert asked[-4:] == ["vpn_type", "vpn_endpoint", "vpn_public_key", "vpn_address"]
    mullvad = [name for name, _ in wizard.QUESTIONS if wizard.applies(name, Answers(vpn="mullvad"))]
    assert mullvad[-2:] == ["vpn_type", "vpn_country"]
    words = ["--vpn", "custom", "--vpn-endpoint", "203.0.113.7:51820", "--vpn-public-key", KEY]
    code, output = run("-i", "inventories/home", *words, "--vpn-address", "198.18.255.2/32")
    assert code == 0, output
    text = (home / "inventories/home/group_vars/mediastack/vpn.yml").read_text()
    assert "\n    endpoint: {address: 203.0.113.7, port: 51820}\n" in text, "short lines, not one long one"
    assert yaml.safe_load(text)["mediastack_services_vpn"]["gluetun"] == {
        "provider": "custom",
        "type": "wireguard",
        "endpoint": {"address": "203.0.113.7", "port": 51820},
        "public_key": KEY,
        "addresses": ["198.18.255.2/32"],
    }


def test_without_a_terminal_the_wizard_says_so(home: Path) -> None:
    result = CliRunner().invoke(app, ["init", "-i", "inventories/home"])
    assert result.exit_code == 4
    assert "--non-interactive" in result.output


def test_the_time_zone_is_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "readlink", lambda _self: Path("/usr/share/zoneinfo/Europe/Berlin"))
    assert init.local_timezone() == "Europe/Berlin"
