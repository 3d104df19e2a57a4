"""Which layer of an inventory has the last word, and that none is lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.mediastack.core.plugins.plugin_utils.choices import merge
from ansible_collections.mediastack.core.plugins.plugin_utils.choices_layers import complete, folders, layers


@dataclass
class Group:
    name: str
    depth: int
    priority: int = 1
    vars: dict[str, Any] = field(default_factory=dict)


class Loader:
    """Reads like Ansible's, without its tags."""

    def find_vars_files(self, path: str, name: str) -> list[Any]:
        base = Path(path)
        inside = sorted((base / name).glob("*.yml")) if (base / name).is_dir() else []
        return [str(file).encode() for file in [*inside, *base.glob(f"{name}.yml")]]

    def load_from_file(self, file_name: str, **_: Any) -> Any:
        return yaml.safe_load(Path(file_name).read_text())


ALL, OURS, CHILD = Group("all", 0), Group("mediastack", 1), Group("attic", 2)


def write(base: Path, **files: str) -> None:
    for name, text in files.items():
        path = base / f"{name.replace('__', '/')}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def values(base: Path, groups: list[Group], host_vars: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    found = layers(Loader(), groups, "nas", host_vars or {}, [base])
    return [layer.variables for layer in found]


def test_order_of_precedence(tmp_path: Path) -> None:
    write(
        tmp_path,
        group_vars__all="mediastack_timezone: all",
        group_vars__mediastack__a="mediastack_timezone: group",
        group_vars__attic="mediastack_timezone: child",
        host_vars__nas="mediastack_timezone: host",
    )
    groups = [
        Group("attic", 2, vars={"mediastack_timezone": "inline child"}),
        Group("all", 0, vars={"mediastack_timezone": "inline all"}),
        OURS,
    ]
    found = values(tmp_path, groups, {"mediastack_timezone": "inline host"})
    assert [one["mediastack_timezone"] for one in found] == [
        *("inline all", "inline child", "all", "group", "child", "inline host", "host")
    ]


def test_files_of_one_group_are_one_layer(tmp_path: Path) -> None:
    write(
        tmp_path,
        group_vars__mediastack__a="mediastack_services: {radarr: {zone: apps}}",
        group_vars__mediastack__b="mediastack_services: {sonarr: {}}\nother: 1",
    )
    assert values(tmp_path, [ALL, OURS]) == [{"mediastack_services": {"radarr": {"zone": "apps"}, "sonarr": {}}}]


def test_secrets_are_left_where_they_are(tmp_path: Path) -> None:
    write(tmp_path, group_vars__mediastack__vault="mediastack_secrets: {radarr: {api_key: secret}}")
    assert values(tmp_path, [ALL, OURS]) == []


def test_a_host_keeps_what_its_group_chose(tmp_path: Path) -> None:
    write(
        tmp_path,
        group_vars__mediastack__a="mediastack_services_media: {radarr: {tag: '1'}, sonarr: {}}",
        host_vars__nas="mediastack_services_media: {radarr: {zone: vpn}, jellyfin: {}}",
    )
    found = layers(Loader(), [ALL, OURS], "nas", {}, [tmp_path])
    effective = {"mediastack_services_media": {"radarr": {"zone": "vpn"}, "jellyfin": {}}}
    choices = merge(complete(found, effective, lambda value: value))
    assert choices.instances == {"radarr": {"tag": "1", "zone": "vpn"}, "sonarr": {}, "jellyfin": {}}
    assert choices.path("radarr", "zone") == ("mediastack_services_media", "radarr", "zone")


def test_what_comes_from_elsewhere_has_the_last_word(tmp_path: Path) -> None:
    write(tmp_path, group_vars__mediastack__a="mediastack_services: {radarr: {zone: apps}}\nmediastack_timezone: A")
    found = layers(Loader(), [ALL, OURS], "nas", {}, [tmp_path])
    effective = {"mediastack_services": {"radarr": {"zone": "vpn"}}, "mediastack_timezone": "A"}
    merged = complete(found, effective, lambda value: value)
    assert merged[-1] == {"mediastack_services": {"radarr": {"zone": "vpn"}}}
    assert merge(merged).instances == {"radarr": {"zone": "vpn"}}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"radarr": {"zone": "apps"}}, {"radarr": {"tag": "1"}}, []),
        ({"radarr": {"zone": "apps"}}, {"radarr": {"zone": "apps"}}, []),
        ({"radarr": {"ports": {"web": 1}}}, {"radarr": {"ports": {"api": 2}}}, []),
        ({"radarr": {"zone": "apps"}}, {"radarr": {"zone": "vpn"}}, ["zone"]),
        ({"radarr": {"ports": {"web": 1}}}, {"radarr": {"ports": {"web": 2}}}, ["ports"]),
    ],
)
def test_variables_of_one_layer_must_agree(first: Any, second: Any, expected: list[str]) -> None:
    problems = merge([{"mediastack_services": first, "mediastack_services_media": second}]).problems
    assert [problem.path[2] for problem in problems] == expected


def test_a_more_specific_layer_may_disagree() -> None:
    choices = merge(
        [
            {"mediastack_services": {"radarr": {"zone": "apps"}}},
            {"mediastack_services_media": {"radarr": {"zone": "vpn"}}},
        ]
    )
    assert (choices.problems, choices.instances) == ([], {"radarr": {"zone": "vpn"}})
    assert choices.path("radarr", "zone")[0] == "mediastack_services_media"


def test_settings_merge_key_by_key() -> None:
    edge = merge(
        [{"mediastack_edge": {"proxy": "caddy", "domain": "a.example"}}, {"mediastack_edge": {"domain": "b.example"}}]
    )
    assert edge.values == {"mediastack_edge": {"proxy": "caddy", "domain": "b.example"}}


def test_folders_of_sources(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("")
    assert folders([str(tmp_path / "hosts.yml"), "nas,"], "/plays") == [tmp_path, Path("/plays")]
    assert folders([str(tmp_path)], None) == [tmp_path]
