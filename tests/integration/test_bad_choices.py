"""Bad input by the owner: one clear error that names file, line, key, value and remedy, and no server is contacted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.integration import playbook

EXAMPLE = playbook.ROOT / "inventories" / "example"

# (id, text of an owner's file, what the message must contain)
CASES: list[tuple[str, str, list[str]]] = [
    ("unknown service", "mediastack_services: {sonnar: {}}", ["owner.yml:1:", "sonnar", "sonarr"]),
    ("unknown key", "mediastack_services:\n  radarr: {zoen: vpn}", ["owner.yml:2:", "zoen", "zone"]),
    ("unknown variable", "mediastack_timezon: Etc/UTC", ["owner.yml:1:1", "mediastack_timezon", "mediastack_timezone"]),
    ("unknown nested key", "mediastack_media: {rot: /srv}", ["owner.yml:1:", "rot", "root"]),
    ("wrong value", "mediastack_services:\n  radarr:\n    zone: vpm", ["owner.yml:3:11", "'vpm'", "vpn"]),
    ("wrong type", "mediastack_services:\n  radarr: {ports: {web: seven}}", ["owner.yml:2:", "ports.web", "seven"]),
    (
        "two on one port",
        "mediastack_services:\n  a: {service: jellyfin, publish: lan}\n  b: {service: jellyfin, publish: lan}",
        ["owner.yml:", "8096"],
    ),
    ("two managers of requests", "mediastack_services: {seerr: {}, jellyseerr: {}}", ["seerr", "jellyseerr"]),
    ("relative media root", "mediastack_media: {root: media}", ["owner.yml:1:", "mediastack_media.root", "media"]),
    ("not UTF-8", "mediastack_timezone: \udce9", ["owner.yml", "UTF-8"]),
    ("malformed", "mediastack_services: {radarr: [", ["owner.yml"]),
]


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """A copy of the example inventory; its server has an address that nothing routes to."""
    target = tmp_path / "home"
    shutil.copytree(EXAMPLE, target, ignore=shutil.ignore_patterns("vault.yml", ".vault-password"))
    (tmp_path / "password").write_text("test\n")
    return target


def run(inventory: Path) -> playbook.Result:
    password = inventory.parent / "password"
    return playbook.run("playbooks/apply.yml", inventory, "--vault-password-file", str(password), timeout=120)


def refused(result: playbook.Result, fragments: list[str]) -> None:
    assert result.returncode != 0, result.output
    assert result.on_host == []
    shown = result.failure if result.events else result.output
    missing = [fragment for fragment in fragments if fragment not in shown]
    assert not missing, f"{missing} not in:\n{shown}"


@pytest.mark.parametrize(("text", "fragments"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_is_refused_before_any_server_is_contacted(inventory: Path, text: str, fragments: list[str]) -> None:
    owner = inventory / "group_vars" / "mediastack" / "zz-owner.yml"  # the last file of a folder wins
    owner.write_bytes((text + "\n").encode("utf-8", "surrogateescape" if "\udce9" not in text else "replace"))
    if "\udce9" in text:
        owner.write_bytes(b"mediastack_timezone: caf\xe9\n")
    refused(run(inventory), fragments)


def test_a_member_of_the_vpn_needs_a_gateway(inventory: Path) -> None:
    for path in (inventory / "group_vars" / "mediastack").glob("*.yml"):
        path.unlink()
    owner = inventory / "group_vars" / "mediastack" / "owner.yml"
    owner.write_text("mediastack_schema: 1\nmediastack_services:\n  qbittorrent: {}\n")
    refused(run(inventory), ["owner.yml:3:", "qbittorrent", "gluetun"])


def test_a_secret_that_only_the_owner_has(inventory: Path) -> None:
    """The example's gateway needs a private key that nobody can generate."""
    refused(run(inventory), ["wireguard_private_key", "vault.yml"])


def test_a_vault_without_its_password(inventory: Path, tmp_path: Path) -> None:
    """Secrets have to be made and kept, and nobody said with which password."""
    owner = inventory / "group_vars" / "mediastack" / "zz-owner.yml"
    owner.write_text(f"mediastack_secrets: {{gluetun: {{wireguard_private_key: {'A' * 42}E=}}}}\n")
    result = playbook.run("playbooks/apply.yml", inventory, env={"HOME": str(tmp_path)}, timeout=120)
    refused(result, ["MEDIASTACK_VAULT_PASSWORD_FILE", "--vault-password-file"])
