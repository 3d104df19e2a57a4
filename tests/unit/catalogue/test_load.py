"""Wrong entries are refused as strictly as wrong choices, with their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.mediastack.core.plugins.plugin_utils.catalogue import load
from ansible_collections.mediastack.core.plugins.plugin_utils.errors import ChoicesError

ENTRY = """\
name: wiki
title: Wiki
summary: Keeps notes
upstream: https://wiki.example
layer: infrastructure
image: registry.example/wiki:1.0
zone: apps
ports: {web: 3000}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def lines(*texts: str) -> list[str]:
    for number, text in enumerate(texts):
        Path(f"{number}.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ChoicesError) as caught:
        load([], ["."])
    return str(caught.value).splitlines()


def test_an_owners_own_service(tmp_path: Path) -> None:
    (tmp_path / "wiki.yml").write_text(ENTRY)
    service = load([], [tmp_path])["wiki"]
    assert service.role is None
    assert service.spec["ports"] == {"web": {"listen": 3000, "protocol": "tcp", "env": None, "publish": None}}
    assert service.spec["architectures"] == ["amd64", "arm64"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            ENTRY.replace("zone: apps", "zone: ap"),
            [
                "0.yml:7:7",
                "  zone: 'ap' is not a zone. Did you mean 'apps'?",
                "  Zones: vpn, proxied, apps, edge, host, native, socket.",
            ],
        ),
        (
            ENTRY.replace("layer: infrastructure\n", ""),
            ["0.yml", "  'layer' is missing.", "  layer: Section of the inventory and of the status table."],
        ),
        (
            ENTRY.replace(":1.0", ""),
            [
                "0.yml:6:8",
                "  image: 'registry.example/wiki' is not an image with a tag. Example:",
                "  lscr.io/linuxserver/radarr:6.3.0.",
            ],
        ),
        (
            ENTRY + "web: {port: wep, group: Notes}\n",
            ["0.yml:9:13", "  web.port: 'wep' is not a port that is known here. Did you mean 'web'?", "  Ports: web."],
        ),
        (
            ENTRY + 'environment: {TZ: "{timezon}"}\n',
            [
                "0.yml:9:19",
                "  environment.TZ: 'timezon' is not a placeholder that is known here. Did you",
                "  mean 'timezone'?",
                "  Placeholders: admin_email, admin_name, domain, gid, host, http_proxy,",
                "  input_ports, name, outbound_subnets, timezone, uid, umask, url.",
            ],
        ),
        (
            ENTRY + 'environment: {TZ: "{"}\n',
            [
                "0.yml:9:19",
                "  environment.TZ: '{' cannot be filled in: Single '{' encountered in format",
                "  string.",
                "  Write {{ and }} for braces that are meant.",
            ],
        ),
        (
            ENTRY + "volumes: {socket: {source: /var/run/docker.sock, target: /var/run/docker.sock}}\n",
            [
                "0.yml:9:19",
                "  volumes.socket: only the socket proxy may hold the Docker socket.",
                "  Let it require 'docker-api': the socket proxy shows it what it may see.",
            ],
        ),
        (
            ENTRY + "files: [{volume: configs, path: a, template: a.j2}]\nvolumes: {config: /config}\n",
            [
                "0.yml:9:18",
                "  files[0].volume: 'configs' is not a volume that is known here. Did you mean",
                "  'config'?",
                "  Volumes: config.",
            ],
        ),
        (
            ENTRY + "files: [{volume: config, path: ../a, template: a.j2}]\nvolumes: {config: /config}\n",
            [
                "0.yml:9:32",
                "  files[0].path: '../a' is not a path inside a folder. Example:",
                "  auth/config.toml.",
            ],
        ),
        ("- wiki\n", ["0.yml:1:1", "  A service file holds one mapping."]),
    ],
)
def test_refusals(text: str, expected: list[str]) -> None:
    assert lines(text) == [*expected, "1 problem. Nothing was touched."]


def test_two_of_one_name() -> None:
    assert lines(ENTRY, ENTRY) == [
        "1.yml:1:7",
        "  name: 'wiki' is already the service in 0.yml.",
        "  Give one of them another name.",
        "1 problem. Nothing was touched.",
    ]


def test_malformed() -> None:
    said = lines("name: wiki\ntitle: a: b\n")
    assert said[0] == "0.yml:2:9"
    assert said[1].startswith("  This is not YAML: mapping values are not allowed")
    assert said[-1] == "1 problem. Nothing was touched."


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "0.yml").write_bytes(b"name: wiki\ntitle: K\xe4se\n")
    with pytest.raises(ChoicesError, match=r"0\.yml:2:9\n  The byte 0xe4 is not UTF-8\."):
        load([], [tmp_path])
