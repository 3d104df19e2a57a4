"""The action plugin in a real ansible-playbook, against inventories as owners write them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
PLAY = """\
- hosts: mediastack
  gather_facts: false
  tasks:
    - mediastack.core.resolve:
      register: resolved
    - ansible.builtin.copy:
        content: "{{ ansible_facts.mediastack_stack | to_json }}"
        dest: "{{ out }}/{{ inventory_hostname }}.json"
        mode: "0600"
      delegate_to: localhost
      check_mode: false
"""
CONFIGURATION = """\
[defaults]
collections_path = {root}/collections
roles_path = {root}/roles
inject_facts_as_vars = false
callbacks_enabled = mediastack.core.inventory_problems
[inventory]
ignore_patterns = ^services$
"""
HOSTS = "all: {children: {mediastack: {hosts: {%s}, vars: {ansible_connection: local}}}}\n"


@pytest.fixture
def owner(tmp_path: Path) -> Owner:
    return Owner(tmp_path)


class Owner:
    """An inventory in a folder of its own, and what comes of it."""

    def __init__(self, base: Path) -> None:
        self.base = base
        (base / "out").mkdir()
        self.write("inventory/hosts.yml", HOSTS % "nas: {}")
        self.write("plays/play.yml", PLAY)
        self.write("ansible.cfg", CONFIGURATION.format(root=ROOT))

    def write(self, name: str, text: str) -> None:
        path = self.base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def play(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "-i",
            str(self.base / "inventory"),
            *arguments,
        ]
        command += ["-e", f"out={self.base / 'out'}", "-e", f"ansible_python_interpreter={sys.executable}"]
        environment = os.environ | {"ANSIBLE_CONFIG": str(self.base / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
        return subprocess.run(
            [*command, str(self.base / "plays/play.yml")],
            env=environment,
            cwd=self.base,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def stack(self, host: str = "nas", *arguments: str) -> dict[str, Any]:
        done = self.play(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        loaded: dict[str, Any] = json.loads((self.base / "out" / f"{host}.json").read_text())
        return loaded


def test_a_hosts_services_do_not_drop_its_groups(owner: Owner) -> None:
    owner.write("inventory/group_vars/all.yml", "mediastack_services: {jellyfin: {}}")
    owner.write(
        "inventory/group_vars/mediastack/media.yml",
        "mediastack_services: {sonarr: {}}\nmediastack_services_media: {radarr: {tag: '1.0'}}",
    )
    owner.write(
        "inventory/host_vars/nas/own.yml",
        "mediastack_services: {prowlarr: {}}\nmediastack_services_media: {radarr: {publish: none}}",
    )
    stack = owner.stack()
    assert set(stack["instances"]) == {"jellyfin", "sonarr", "radarr", "prowlarr"}
    assert stack["instances"]["radarr"]["image"]["tag"] == "1.0"
    assert stack["instances"]["radarr"]["ports"][0]["publish"] is None


def test_every_place_where_ansible_takes_variables_from(owner: Owner) -> None:
    owner.write(
        "inventory/hosts.yml",
        "all:\n  vars: {mediastack_services: {jellyfin: {}}}\n  children:\n    mediastack:\n      hosts:\n"
        "        nas: {ansible_connection: local, mediastack_services: {seerr: {}}, tag: '{{ 1 + 1 }}.0'}\n",
    )
    owner.write("plays/group_vars/mediastack.yml", "mediastack_services: {radarr: {tag: '{{ tag }}'}}")
    extra = json.dumps({"mediastack_services_media": {"sonarr": {}}})
    stack = owner.stack("nas", "-e", extra)
    assert set(stack["instances"]) == {"jellyfin", "seerr", "radarr", "sonarr"}
    assert stack["instances"]["radarr"]["image"]["tag"] == "2.0"


def test_an_owners_own_service_and_check_mode(owner: Owner) -> None:
    owner.write(
        "inventory/services/wiki.yml",
        "name: wiki\ntitle: Wiki\nsummary: Keeps notes\nupstream: https://wiki.example\nlayer: infrastructure\n"
        "image: registry.example/wiki:1.0\nzone: apps\nports: {web: 3000}\n",
    )
    owner.write("inventory/group_vars/mediastack.yml", "mediastack_services: {wiki: {}}")
    stack = owner.stack("nas", "--check", "--diff")
    assert stack["instances"]["wiki"]["reference"] == "registry.example/wiki:1.0"


def test_two_servers_limited_to_one(owner: Owner) -> None:
    owner.write("inventory/hosts.yml", HOSTS % "nas: {}, attic: {}")
    owner.write(
        "inventory/group_vars/mediastack.yml",
        "zone: apps\nmediastack_services: {radarr: {host: nas, zone: '{{ zone }}'}}",
    )
    owner.write("inventory/host_vars/attic.yml", "zone: edge\nmediastack_services: {jellyfin: {}}")
    assert set(owner.stack("nas", "--limit", "nas")["instances"]) == {"radarr"}
    assert set(owner.stack("attic")["instances"]) == {"jellyfin"}


def test_says_where_a_mistake_is(owner: Owner) -> None:
    owner.write("inventory/group_vars/mediastack/media.yml", "mediastack_services_media:\n  radarr:\n    zone: vpm\n")
    owner.write("inventory/host_vars/nas.yml", "mediastack_servises: {}\n")
    owner.write("inventory/hosts.yml", HOSTS % "nas: {mediastack_timezone: 7}")
    done = owner.play()
    assert done.returncode == 2
    said = " ".join((done.stdout + done.stderr).split())
    for line in (
        "inventory/group_vars/mediastack/media.yml:3:11",
        "mediastack_services_media.radarr.zone: 'vpm' is not a zone. Did you mean 'vpn'?",
        "Zones: vpn, proxied, apps, edge, host, native, socket.",
        "inventory/host_vars/nas.yml:1:1",
        "Did you mean 'mediastack_services'?",
        "inventory/hosts.yml:1:66",
        "3 problems. Nothing was touched.",
    ):
        assert line in said
    assert not list((owner.base / "out").iterdir())


def test_a_server_named_on_the_command_line(owner: Owner) -> None:
    owner.write("plays/play.yml", PLAY.replace("hosts: mediastack", "hosts: all\n  connection: local"))
    extra = json.dumps({"mediastack_services": {"radarr": {}}})
    assert set(owner.stack("box", "-i", "box,", "--limit", "box", "-e", extra)["instances"]) == {"radarr"}


def test_a_time_zone_that_does_not_exist(owner: Owner) -> None:
    owner.write("inventory/group_vars/mediastack.yml", "mediastack_timezone: Europe/Berln\n")
    done = owner.play()
    said = " ".join((done.stdout + done.stderr).split())
    assert "'Europe/Berln' is not a time zone. Did you mean 'Europe/Berlin'?" in said


def test_a_name_that_stands_twice(owner: Owner) -> None:
    owner.write("inventory/group_vars/mediastack.yml", "mediastack_services:\n  radarr: {}\n  radarr: {zone: vpn}\n")
    done = owner.play()
    assert done.returncode == 2
    said = " ".join((done.stdout + done.stderr).split())
    assert "inventory/group_vars/mediastack.yml:3:3" in said
    assert "'radarr' stands here a second time" in said


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"mediastack_timezone: a: b\n", "1:23"),
        (b"mediastack_timezone: K\xe4se\n", "1:23"),
        (b"a:\n  b: 1\n c: 2\n", "3:2"),
    ],
)
def test_says_where_a_file_cannot_be_read(owner: Owner, content: bytes, place: str) -> None:
    path = owner.base / "inventory/group_vars/mediastack.yml"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    done = owner.play()
    assert done.returncode != 0
    assert f"inventory/group_vars/mediastack.yml:{place}" in done.stdout + done.stderr
    assert "1 problem. Nothing was touched." in done.stdout + done.stderr
