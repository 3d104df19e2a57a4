"""Directories, owners, modes, policies; and text files that parse back whatever legal names they hold."""

from __future__ import annotations

import base64
import configparser
import hashlib
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.render.support import ROLES, ROOT, example_secrets, example_stack, rendered

from ansible_collections.mediastack.core.plugins.plugin_utils.render import content
from ansible_collections.mediastack.core.plugins.plugin_utils.render.text import (
    TemplateError,
    UnsafeValueError,
    caddy_string,
    environment,
    one_line,
    qt_string,
    render_text,
    toml_string,
)

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,12}[a-z0-9])?", fullmatch=True)


@pytest.fixture
def stack() -> dict[str, Any]:
    return example_stack()


def texts(result: dict[str, Any]) -> dict[str, str]:
    """Every file's text by the end of its path."""
    return {
        Path(file["path"]).name: file.get("content") or result["secret_contents"][file["secret"]]
        for file in result["files"]
    }


def by_path(entries: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {entry["path"]: entry for entry in entries}


def test_every_file_has_exactly_one_text_an_owner_and_a_directory(stack: dict[str, Any]) -> None:
    result = rendered(stack)
    directories = by_path(result["directories"])
    for file in result["files"]:
        assert ("content" in file) != ("secret" in file), file["path"]
        assert "secret" not in file or file["secret"] in result["secret_contents"]
        assert re.fullmatch(r"0[0-7]{3}", file["mode"])
        assert isinstance(file["owner"], int)
        assert isinstance(file["group"], int)
        assert file["policy"] in ("managed", "seed")
        assert str(Path(file["path"]).parent) in directories, f"nobody makes the folder of {file['path']}"
    for path in directories:
        parent = str(Path(path).parent)
        assert parent in directories or path in ("/opt/mediastack", "/srv/media/downloads", "/srv/media/library")
    assert len(directories) == len(result["directories"]), "no folder is listed twice"
    assert set(result["secret_contents"]) == {file["secret"] for file in result["files"] if "secret" in file}


def test_owners_and_modes(stack: dict[str, Any]) -> None:
    result = rendered(stack)
    files, directories = by_path(result["files"]), by_path(result["directories"])
    secret = files["/opt/mediastack/secrets/radarr/api_key"]
    assert (secret["owner"], secret["group"], secret["mode"]) == (0, 0, "0400")
    assert directories["/opt/mediastack/secrets"]["mode"] == "0700"
    assert directories["/opt/mediastack/secrets/radarr"]["mode"] == "0700"
    compose = files["/opt/mediastack/compose/mediastack/compose.yml"]
    assert (compose["owner"], compose["mode"]) == (0, "0640")
    config = files["/opt/mediastack/config/qbittorrent/qBittorrent/qBittorrent.conf"]
    assert (config["owner"], config["mode"], config["policy"]) == (1900, "0600", "seed")
    assert directories["/opt/mediastack/config/qbittorrent/qBittorrent"]["owner"] == 1900
    assert directories["/opt/mediastack/config/gluetun/auth"]["owner"] == 0
    assert directories["/opt/mediastack/config/jellyfin/cache"]["owner"] == 1900
    library = directories["/srv/media/library/movies"]
    assert (library["owner"], library["group"], library["mode"]) == (1900, 1900, "2775")
    assert "/srv/media" not in directories, "the root is the owner's"
    assert "/var/run/docker.sock" not in directories


def test_each_manager_has_a_library_and_a_category_of_its_own(stack: dict[str, Any]) -> None:
    result = rendered(stack)
    directories = by_path(result["directories"])
    assert "/srv/media/library/movies-4k" in directories
    assert "/srv/media/downloads/torrents/radarr-4k" in directories
    categories = json.loads(texts(result)["categories.json"])
    assert categories == {
        name: {"save_path": f"/media/downloads/torrents/{name}"} for name in ("radarr", "radarr-4k", "sonarr")
    }


def test_a_container_sees_the_media_root_where_its_volume_says(stack: dict[str, Any]) -> None:
    for volume in stack["instances"]["qbittorrent"]["volumes"]:
        if volume["name"] == "media":
            volume["target"] = "/data"
    result = texts(rendered(stack))
    assert json.loads(result["categories.json"])["radarr"]["save_path"] == "/data/downloads/torrents/radarr"
    assert qbittorrent(result["qBittorrent.conf"])["BitTorrent"]["Session\\TempPath"] == (
        "/data/downloads/torrents/incomplete"
    )


def test_the_password_hash_is_qbittorrents_and_stable() -> None:
    stored = content.password_hash("correct horse", "qbittorrent")
    salt, derived = (base64.b64decode(part) for part in stored.split(":"))
    assert len(salt) == 16
    assert derived == hashlib.pbkdf2_hmac("sha512", b"correct horse", salt, 100_000, 64)
    assert content.password_hash("correct horse", "qbittorrent") == stored
    assert content.password_hash("correct horse", "second").split(":")[0] != stored.split(":")[0]


# A reader of Qt's INI dialect, as far as strings go: sections, `key=value`, `;` comments, quotes and escapes.
def qbittorrent(text: str) -> dict[str, dict[str, str]]:
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in text.splitlines():
        if not line or line.startswith(";"):
            continue
        if line.startswith("["):
            current = sections.setdefault(line.strip("[]"), {})
            continue
        key, _, value = line.partition("=")
        assert key not in current, f"{key} stands twice"
        current[key] = qt_unquote(value)
    return sections


def qt_unquote(value: str) -> str:
    if not value.startswith('"'):
        assert not set(value) & set(';,"\\'), f"{value} would end early"
        return value
    result: list[int] = []
    inner, position = value[1:-1], 0
    assert value.endswith('"')
    while position < len(inner):
        character = inner[position]
        assert character != '"', "a quote in the middle ends the string"
        if character != "\\":
            result.append(ord(character))
            position += 1
        elif inner[position + 1] == "x":
            digits = re.match(r"[0-9a-fA-F]+", inner[position + 2 :])
            assert digits
            result.append(int(digits[0], 16))
            position += 2 + len(digits[0])
        else:
            result.append(ord(inner[position + 1]))
            position += 2
    return b"".join(unit.to_bytes(2, "big") for unit in result).decode("utf-16-be")


@given(TEXT)
def test_qt_strings_read_back(value: str) -> None:
    quoted = qt_string(value)
    assert quoted.isascii()
    assert "\n" not in quoted
    assert qt_unquote(quoted) == value


@given(TEXT)
def test_toml_strings_read_back(value: str) -> None:
    assert tomllib.loads(f"x = {toml_string(value)}") == {"x": value}


@given(st.text(max_size=20))
def test_caddy_tokens_are_one_word_or_refused(value: str) -> None:
    try:
        quoted = caddy_string(value)
    except UnsafeValueError:
        assert re.search(r"[{}\x00-\x1f\x7f-\x9f\u2028\u2029]", value)
        return
    assert caddy_tokens(quoted) == [[value]]


def test_a_line_break_would_be_another_setting() -> None:
    for text in ("a\nb", "a\rb", "\x00", "a\x85b", "a\u2028b"):
        with pytest.raises(UnsafeValueError, match="line break or control character"):
            one_line(text)


def test_qbittorrent_conf(stack: dict[str, Any]) -> None:
    conf = qbittorrent(texts(rendered(stack))["qBittorrent.conf"])
    preferences, session = conf["Preferences"], conf["BitTorrent"]
    assert preferences["WebUI\\Username"] == "admin"
    hashed = re.fullmatch(r"@ByteArray\((.+)\)", preferences["WebUI\\Password_PBKDF2"])
    assert hashed
    assert hashed[1] == content.password_hash("sentinel-qbittorrent-web_password", "qbittorrent")
    assert set(preferences["WebUI\\ServerDomains"].split(";")) == {
        "qbittorrent",
        "gluetun",
        "qbittorrent.home.example",
        "localhost",
        "127.0.0.1",
    }
    assert preferences["WebUI\\HostHeaderValidation"] == "true"
    assert preferences["WebUI\\TrustedReverseProxiesList"] == "172.31.240.26"
    assert session["Session\\Interface"] == "tun0", "the client's own kill-switch"
    assert session["Session\\DisableAutoTMMByDefault"] == "false", "or category paths are not used"


def test_without_gateway_and_edge_nothing_refers_to_them(stack: dict[str, Any]) -> None:
    qbittorrent_instance = stack["instances"]["qbittorrent"]
    qbittorrent_instance |= {
        "gateway": None,
        "route": None,
        "network": {"mode": "bridge", "attachments": [{"network": "zone_apps", "address": "172.31.240.7"}]},
    }
    del stack["instances"]["caddy"]
    stack["projects"][0]["instances"].remove("caddy")
    stack["edge"], stack["routes"] = {"proxy": None}, []
    conf = qbittorrent(texts(rendered(stack))["qBittorrent.conf"])
    assert "Session\\Interface" not in conf["BitTorrent"]
    assert "WebUI\\TrustedReverseProxiesList" not in conf["Preferences"]
    assert "gluetun" not in conf["Preferences"]["WebUI\\ServerDomains"]


def test_gluetun_control_server(stack: dict[str, Any]) -> None:
    config = tomllib.loads(texts(rendered(stack))["config.toml"])
    (role,) = config["roles"]
    assert role["auth"] == "apikey"
    assert role["apikey"] == "sentinel-gluetun-control_api_key"
    assert "GET /v1/portforward" in role["routes"]


def test_seerr_settings_are_data(stack: dict[str, Any]) -> None:
    assert json.loads(texts(rendered(stack))["settings.json"]) == {"main": {"apiKey": "sentinel-seerr-api_key"}}


# A reader of the Caddyfile's grammar: words, quotes, comments and blocks, one list of words per line.
def caddy_tokens(text: str) -> list[list[str]]:
    lines = []
    for line in text.splitlines():
        words: list[str] = []
        for quoted, bare in re.findall(r'"((?:\\.|[^"\\])*)"|(#.*|\S+)', line):
            if bare.startswith("#"):
                break
            words.append(bare or re.sub(r"\\(.)", r"\1", quoted))
        if words or '""' in line:
            lines.append(words or [""])
    return lines


def caddy_sites(text: str) -> dict[str, list[list[str]]]:
    """Top-level blocks by their first word; asserts that braces balance."""
    sites: dict[str, list[list[str]]] = {}
    name, depth = "", 0
    for words in caddy_tokens(text):
        if depth == 0:
            assert words[-1] == "{", words
            name = words[0] if len(words) > 1 else ""
            assert name not in sites, f"{name} stands twice"
            sites[name] = []
        else:
            sites[name].append(words)
        depth += (words[-1] == "{") - (words == ["}"])
        assert depth >= 0
    assert depth == 0
    return sites


def test_caddyfile_internal(stack: dict[str, Any]) -> None:
    sites = caddy_sites(texts(rendered(stack))["Caddyfile"])
    assert ["admin", "off"] in sites[""]
    assert ["local_certs"] in sites[""]
    assert ["protocols", "h1", "h2"] in sites[""], "no UDP port is published"
    assert set(sites) == {
        "",
        "(headers)",
        "(site)",
        "http://",
        "http://127.0.0.1:2019",
        *(f"https://{route['host']}" for route in stack["routes"]),
    }
    assert ["redir", "https://{host}{uri}", "308"] in sites["http://"]
    for route in stack["routes"]:
        site = sites[f"https://{route['host']}"]
        assert ["import", "site"] in site
        assert any(words[:2] == ["reverse_proxy", route["upstream"]] for words in site)
    assert ["header_up", "Host", "{host}"] in sites["https://qbittorrent.home.example"]
    assert ["X-Content-Type-Options", "nosniff"] in sites["(headers)"]
    assert sites["(site)"].count(["import", "headers"]) == 2, "an answer, and an error"


def test_caddyfile_on_another_port_redirects_there(stack: dict[str, Any]) -> None:
    stack["edge"]["https_port"] = 8443
    sites = caddy_sites(texts(rendered(stack))["Caddyfile"])
    assert ["redir", "https://{host}:8443{uri}", "308"] in sites["http://"]


def test_caddyfile_acme_and_off(stack: dict[str, Any]) -> None:
    stack["edge"] |= {"tls": "acme", "acme": {"email": None, "directory": "https://192.0.2.1:14000/dir"}}
    sites = caddy_sites(texts(rendered(stack))["Caddyfile"])
    assert ["email", "admin@example.org"] in sites[""]
    assert ["acme_ca", "https://192.0.2.1:14000/dir"] in sites[""]
    assert ["local_certs"] not in sites[""]
    assert any(words[0] == "Strict-Transport-Security" for words in sites["(headers)"])
    stack["edge"] |= {"tls": "off"}
    sites = caddy_sites(texts(rendered(stack))["Caddyfile"])
    assert "http://radarr.home.example" in sites
    assert "http://" not in sites
    assert not any(name.startswith("https://") for name in sites)


@given(LABEL, LABEL, LABEL, st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=16))
def test_any_legal_name_renders_to_files_that_parse(instance: str, host: str, domain: str, admin: str) -> None:
    stack = example_stack()
    stack["admin"]["name"] = admin
    renamed = stack["instances"].pop("qbittorrent") | {"name": instance, "container": instance}
    if instance in stack["instances"]:
        return
    renamed["route"] = f"{host}.{domain}"
    stack["instances"][instance] = renamed
    stack["projects"][0]["instances"] = list(stack["instances"])
    stack["secrets"] = [
        secret | {"instance": instance} if secret["instance"] == "qbittorrent" else secret
        for secret in stack["secrets"]
    ]
    stack["routes"] = [{"host": f"{host}.{domain}", "instance": instance, "upstream": "gluetun:8080"}]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(content, "PBKDF2_ROUNDS", 1)  # its cost is not under test here
        result = texts(rendered(stack))
    conf = qbittorrent(result["qBittorrent.conf"])
    assert conf["Preferences"]["WebUI\\Username"] == admin
    assert f"{host}.{domain}" in conf["Preferences"]["WebUI\\ServerDomains"].split(";")
    sites = caddy_sites(result["Caddyfile"])
    assert any(words[0] == "reverse_proxy" for words in sites[f"https://{host}.{domain}"])


def test_what_a_template_asks_for_and_does_not_exist_is_an_error_with_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "arr/templates"
    folder.mkdir(parents=True)
    (folder / "x.j2").write_text("{{ nonsense }}")
    env = environment([str(tmp_path), ROLES])
    with pytest.raises(TemplateError, match=r"arr/templates/x\.j2: 'nonsense' is undefined"):
        render_text(env, "arr", "x.j2", {})
    with pytest.raises(TemplateError, match=r"missing\.j2"):
        render_text(env, "arr", "missing.j2", {})


SERVICE_ROLES = ("downloaders", "edge", "gluetun")


@pytest.mark.parametrize("role", SERVICE_ROLES)
def test_every_text_template_says_who_owns_the_file(role: str) -> None:
    (template,) = (ROOT / "roles" / role / "templates").glob("*.j2")
    assert re.search(r"{{ (managed|seed) }}", template.read_text())


def test_configparser_agrees_on_the_sections(stack: dict[str, Any]) -> None:
    parser = configparser.RawConfigParser(delimiters=("=",), comment_prefixes=(";",), strict=True)
    parser.read_string(texts(rendered(stack))["qBittorrent.conf"])
    assert parser.sections() == ["BitTorrent", "LegalNotice", "Preferences"]


def test_secrets_never_reach_files_that_others_may_read(stack: dict[str, Any]) -> None:
    result = rendered(stack)
    for file in result["files"]:
        if "content" in file:
            for values in example_secrets(stack).values():
                for value in values.values():
                    assert value not in file["content"]
        else:
            assert file["mode"] in ("0400", "0600")
