"""The sandbox's inventory, its saved connection, and the images its registry serves."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest
import yaml

from mediastack_provision.exits import UserError
from mediastack_provision.sandbox import images, inventory, peers, state
from mediastack_provision.sandbox.state import Sandbox, WireGuard

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "inventories" / "sandbox"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))


def sandbox(name: str = "x") -> Sandbox:
    return Sandbox(
        name=name, release="debian13", kind="bare", container="c", internet="i", network="n", subnet="198.18.1.0/24",
        server_address="198.18.1.10", internet_address="198.18.1.2", host="127.0.0.1", port=4022, user="admin",
        private_key="/k", known_hosts="/h", http_port=10080, https_port=10443, registry="r:5000",
        docker_repository="http://d", ports={"8989": 5},
        wireguard=WireGuard("secret", "public", "203.0.113.10", 51820, ["198.18.255.2/32"], "198.18.255.1"),
    )  # fmt: skip


def test_what_is_saved_is_read_again_and_nobody_else_can() -> None:
    state.create("x")
    state.save(sandbox())
    assert state.load("x") == sandbox()
    assert state.known() == ["x"]
    path = sandbox().directory / state.CONNECTION
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"name": "x"}', "null", '{"wireguard": {"a": 1}}'])
def test_a_broken_connection_file_is_no_sandbox(text: str) -> None:
    (state.create("x") / state.CONNECTION).write_text(text)
    assert state.load("x") is None
    with pytest.raises(UserError, match="There is no sandbox 'x'"):
        state.require("x")


def test_forgetting_removes_one_sandbox_only() -> None:
    for name in ("x", "y"):
        state.create(name)
        state.save(sandbox(name))
    state.forget("x")
    assert state.known() == ["y"]


def test_the_inventory_reaches_the_server_with_plain_values() -> None:
    state.create("x")
    inventory.write(sandbox())
    text = (sandbox().inventory / inventory.CONNECTION).read_text(encoding="utf-8")
    variables = yaml.safe_load(text)
    assert (variables["ansible_host"], variables["ansible_port"], variables["ansible_become"]) == (
        "127.0.0.1",
        4022,
        True,
    )
    assert "{{" not in text
    assert "secret" not in text
    hosts = yaml.safe_load((SHIPPED / "hosts.yml").read_text(encoding="utf-8"))
    assert hosts["mediastack"]["hosts"] == {"sandbox": None}


def test_the_connection_says_all_that_the_inventory_asks_of_the_sandbox() -> None:
    said = yaml.safe_load(inventory.connection(sandbox()))["sandbox"]
    for path in (SHIPPED / "group_vars/mediastack").glob("s*.yml"):
        for first, second in re.findall(r"sandbox\.(\w+)(?:\.(\w+))?", path.read_text(encoding="utf-8")):
            assert first in said, f"{path.name}: sandbox.{first}"
            assert not second or second in said[first], f"{path.name}: sandbox.{first}.{second}"


def test_an_inventory_of_its_own_has_the_key_in_an_encrypted_vault() -> None:
    state.create("x")
    inventory.write(sandbox())
    vault = sandbox().inventory / inventory.VAULT
    first = vault.read_bytes()
    assert first.startswith(b"$ANSIBLE_VAULT")
    assert b"secret" not in first
    assert stat.S_IMODE((sandbox().inventory / ".vault-password").stat().st_mode) == 0o600
    inventory.write(sandbox())
    assert vault.read_bytes() == first, "a vault that has the key is not written again"


def test_every_service_of_the_sandbox_has_an_image_in_its_registry() -> None:
    served = {peer.reference for peer in peers.load(ROOT / "tests").peers}
    catalogue = {}
    for path in ROOT.glob("roles/*/services/*.yml"):
        entry = yaml.safe_load(path.read_text(encoding="utf-8"))
        catalogue[entry["name"]] = entry["image"]
    choices = yaml.safe_load((SHIPPED / "group_vars/mediastack/stack.yml").read_text(encoding="utf-8"))
    chosen = {
        (overrides or {}).get("service", name)
        for key, services in choices.items()
        if key.startswith("mediastack_services")
        for name, overrides in services.items()
    }
    assert {catalogue[name] for name in chosen | {"caddy"}} <= served


BOX = "mediastack-sandbox/box:1"


def image(had: dict[str, str], box: str = BOX, layers: int = 5) -> dict[str, object]:
    labels = {peers.BOX_LABEL: box, peers.SERVED_LABEL: json.dumps(had)}
    return {"Id": "previous", "Config": {"Labels": labels}, "RootFS": {"Layers": ["x"] * layers}}


@pytest.mark.parametrize(
    ("previous", "expected"),
    [
        (image({"a:1": "A", "b:1": "B"}), ("previous", {"b:1": "B2", "c:1": "C"})),
        (image({"a:1": "A", "b:1": "B", "gone:1": "G"}), (BOX, None)),
        (image({"a:1": "A"}, box="other"), (BOX, None)),
        (image({"a:1": "A"}, layers=100), (BOX, None)),
        ({"Id": "x", "Config": {"Labels": None}, "RootFS": {"Layers": []}}, (BOX, None)),
        (None, (BOX, None)),
    ],
)
def test_a_registry_is_filled_up_or_made_anew(
    previous: dict[str, object] | None, expected: tuple[str, dict[str, str] | None]
) -> None:
    served = {"a:1": "A", "b:1": "B2", "c:1": "C"}
    start, missing = expected
    assert peers.starting_point(previous, BOX, served) == (start, served if missing is None else missing)


def test_without_a_checkout_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="clone the repository"):
        images.find_source(tmp_path)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("bare", "server:debian13"), ("engine", "server:debian13-engine"), ("minimal", "server:debian13-minimal")],
)
def test_image_aliases(kind: str, name: str) -> None:
    assert images.alias("debian13", kind) == f"mediastack-sandbox/{name}"
