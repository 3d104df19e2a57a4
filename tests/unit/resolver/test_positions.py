"""Where keys stand, also in files that hold what only Ansible understands."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.mediastack.core.plugins.plugin_utils.errors import Place, Problem
from ansible_collections.mediastack.core.plugins.plugin_utils.positions import Places, read_positions, scan

NAMES = st.text(alphabet="abcdefgh_-", min_size=1, max_size=6)
TREES = st.recursive(
    st.sampled_from(["x", "a-b", "7", "on"]),
    lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=4),
    max_leaves=15,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "vars.yml"


def test_values_and_keys(file: Path) -> None:
    file.write_text("a:\n  b: [1, {c: 2}]\n")
    positions = read_positions(file)
    assert positions.place(("a", "b")) == Place(str(file), 2, 6)
    assert positions.place(("a", "b"), "key") == Place(str(file), 2, 3)
    assert positions.place(("a", "b", "[1]", "c")) == Place(str(file), 2, 14)
    assert positions.place(("a", "x", "y")) == Place(str(file), 1, 1)
    assert positions.place(("z",)) == Place(str(file))


def test_tags_and_vaulted_values(file: Path) -> None:
    file.write_text("a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  00\nb: !unknown {c: !unsafe 1}\n")
    assert read_positions(file).place(("b", "c")) == Place(str(file), 4, 17)


def test_encrypted_files_are_passed_over(file: Path) -> None:
    file.write_bytes(b"$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    assert (read_positions(file).marks, read_positions(file).problems) == ({}, [])


@pytest.mark.parametrize(
    "content", [b"", b"# nothing\n", b"--- \n", b"just text\n", b"[1, 2]\n", b"\xef\xbb\xbfa: 1\n"]
)
def test_odd_files_are_no_problem(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert read_positions(file).problems == []


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [(b"a: 1\nb: c: d\n", 2, 5), (b"a:\n\t- 1\n", 2, 1), (b"a: 1\nb: 'x\n", 3, 1), (b"a: \x07\n", 0, 0)],
)
def test_malformed_yaml_has_a_place(file: Path, content: bytes, line: int, column: int) -> None:
    file.write_bytes(content)
    (problem,) = read_positions(file).problems
    assert problem.place == Place(str(file), line, column)
    assert "not YAML" in problem.text


def test_not_utf8(file: Path) -> None:
    file.write_bytes("a: 1\nb: Käse\n".encode("latin-1"))
    (problem,) = read_positions(file).problems
    assert problem.place == Place(str(file), 2, 5)
    assert "iconv" in problem.remedy[0]


def test_a_key_that_stands_twice(file: Path) -> None:
    file.write_text("radarr:\n  zone: apps\n\nradarr: {}\n")
    (problem,) = read_positions(file).problems
    assert problem.place == Place(str(file), 4, 1)
    assert "line 1" in problem.text


def test_a_file_that_is_gone(file: Path) -> None:
    (problem,) = read_positions(file).problems
    assert "cannot be read" in problem.text


def test_the_most_specific_file_that_has_the_key(tmp_path: Path) -> None:
    (tmp_path / "group.yml").write_text("s: {radarr: {zone: vpm}}\n")
    (tmp_path / "host.yml").write_text("s: {radarr: {tag: 1}}\n")
    places = Places([str(tmp_path / "group.yml"), str(tmp_path / "host.yml")])
    assert places.find(Problem(("s", "radarr", "zone"), "")) == Place(str(tmp_path / "group.yml"), 1, 20)
    assert places.find(Problem(("s", "radarr"), "", at="key")) == Place(str(tmp_path / "host.yml"), 1, 5)
    assert places.find(Problem(("t",), "")) is None


def test_variables_in_the_inventory_file(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts.yml"
    hosts.write_text(
        "all:\n  children:\n    mediastack:\n      hosts:\n        nas: {v: 1}\n        attic: {v: 2}\n"
        "      vars:\n        w: 3\n    others:\n      vars: {w: 4}\n"
    )
    places = Places([], [str(hosts)], "attic", ["all", "mediastack"])
    assert places.find(Problem(("v",), "")) == Place(str(hosts), 6, 20)
    assert places.find(Problem(("w",), "")) == Place(str(hosts), 8, 12)


def test_scan_reads_what_ansible_reads(tmp_path: Path) -> None:
    for name in ("hosts.yml", "group_vars/mediastack/stack.yml", "host_vars/nas", "services/wiki.yaml", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a: b: c\n")
    found = {str(Path(p.place.file).relative_to(tmp_path)) for p in scan(tmp_path) if p.place}
    assert found == {"hosts.yml", "group_vars/mediastack/stack.yml", "host_vars/nas", "services/wiki.yaml"}


@given(st.dictionaries(NAMES, TREES, min_size=1, max_size=4), st.booleans())
def test_positions_are_exact(tmp_path_factory: pytest.TempPathFactory, tree: dict[str, object], flow: bool) -> None:
    file = tmp_path_factory.mktemp("positions") / "vars.yml"
    file.write_text(yaml.safe_dump(tree, default_flow_style=flow, width=40))
    lines = file.read_text().splitlines()
    positions = read_positions(file)

    def visit(value: object, path: tuple[str, ...]) -> None:
        if not isinstance(value, dict):
            return
        for key, inner in value.items():
            here = (*path, key)
            place = positions.place(here, "key")
            text = lines[place.line - 1][place.column - 1 :]
            assert text.startswith((key, f"'{key}'", f'"{key}"', "? "))
            if isinstance(inner, str):
                place = positions.place(here)
                assert lines[place.line - 1][place.column - 1 :].startswith((inner, f"'{inner}'"))
            visit(inner, here)

    visit(tree, ())
