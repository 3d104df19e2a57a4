"""What derives from the schema is current, and accepts and refuses what the schema does."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from tools import generate, generate_roles, generate_schemas

from ansible_collections.mediastack.core.plugins.plugin_utils.schema import CHOICES

ROOT = Path(__file__).parents[3]
INVENTORIES = [
    file
    for file in sorted(ROOT.glob("inventories/*/group_vars/mediastack/*.yml"))
    if not file.read_bytes().startswith(b"$ANSIBLE_VAULT")
]
SCHEMA = json.loads((ROOT / "schemas/choices.json").read_text())


def test_generated_files_are_current() -> None:
    assert [str(path.relative_to(ROOT)) for path in generate.stale(ROOT)] == []


def test_check_names_what_is_stale(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    monkeypatch.setattr(generate, "outputs", lambda root: {root / "docs/services.md": "new\n"})
    assert generate.main(["--check"]) == 1
    assert "stale docs/services.md" in capsys.readouterr().out
    assert not (tmp_path / "docs").exists()
    assert generate.main([]) == 0
    assert (tmp_path / "docs/services.md").read_text() == "new\n"
    assert generate.main(["--check"]) == 0


def test_the_schema_for_editors_accepts_the_example() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    example = yaml.safe_load((ROOT / "tests/unit/fixtures/choices_example.yml").read_text())
    jsonschema.Draft202012Validator(SCHEMA).validate({**example, "ansible_user": "root"})


@pytest.mark.parametrize("file", INVENTORIES, ids=[str(file.relative_to(ROOT)) for file in INVENTORIES])
def test_the_schema_for_editors_accepts_our_inventories(file: Path) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(yaml.safe_load(file.read_text()) or {})


def test_templates_pass_where_values_are_limited() -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(
        {
            "mediastack_edge": {"http_port": "{{ port }}", "proxy": "{{ proxy }}"},
            "mediastack_media": {"root": "{{ x }}"},
        }
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"mediastack_servises": {}},
        {"mediastack_media": {"rot": "/srv"}},
        {"mediastack_services": {"radarr": {"zone": "vpm"}}},
        {"mediastack_services": {"radarr": {"provider": "mullvad"}}},
        {"mediastack_services": {"gluetun": {"provider": "mulvad"}}},
        {"mediastack_services_media": {"radarr-4k": {"service": "radar"}}},
        {"mediastack_timezone": 7},
    ],
)
def test_the_schema_for_editors_refuses(wrong: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(wrong)


def test_argument_specs_keep_what_the_role_says_itself() -> None:
    text = generate_schemas.argument_specs(
        "argument_specs: {main: {short_description: S, options: {stack_a: {type: int}, mediastack_old: {}}}}"
    )
    options = yaml.safe_load(text)["argument_specs"]["main"]["options"]
    assert list(options) == ["stack_a", *CHOICES]
    assert options["mediastack_media"]["options"]["uid"] == {
        "description": "Numeric id of the user",
        "type": "int",
        "default": 1900,
    }


def test_a_readme_says_what_the_role_says(tmp_path: Path) -> None:
    role = tmp_path / "demo"
    for folder in ("defaults", "tasks"):
        (role / folder).mkdir(parents=True)
    (role / "defaults/main.yml").write_text("demo_port: 80\n")
    (role / "tasks/main.yml").write_text("- name: One\n  tags: [configure]\n- name: Two\n  tags: install\n")
    options = {"demo_port": {"description": "Where C(it) listens", "type": "int"}}
    text = generate_roles.readme(role, {"main": {"short_description": "A demo", "options": options}})
    assert "# demo" in text
    assert "A demo." in text
    assert "| `demo_port` | int | `80` | Where `it` listens |" in text
    assert "`demo`, and by phase: `configure`, `install`." in text
