"""What a server makes impossible is refused in one clear message, and nothing on that server changes."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator

import pytest
import yaml
from tests.integration import playbook
from tests.integration.servers import Server, server

# Everything that a run could change, as one fingerprint. Facts that a read leaves behind do not count.
FINGERPRINT = """
touched() { find /etc /opt /srv /usr/local /var/lib/mediastack -xdev -type f -newer /run/before 2>/dev/null || true; }
touched | sort
docker ps -a --format '{{.Names}} {{.Image}} {{.Status}}' 2>/dev/null | sed 's/ Up .*/ Up/' | sort
docker network ls --format '{{.Name}}' 2>/dev/null | sort
"""


@pytest.fixture(scope="module")
def made() -> Iterator[Server]:
    with server("it-refuse") as fresh:
        yield fresh


@pytest.fixture
def untouched(made: Server) -> Iterator[Server]:
    """A server that a refused run must leave as it was."""
    yield made
    made.choices.unlink(missing_ok=True)


def choose(made: Server, **choices: object) -> None:
    made.choices.write_text(yaml.safe_dump(choices), encoding="utf-8")


def refused(made: Server, *fragments: str, words: tuple[str, ...] = ()) -> None:
    """The run fails with this message, and the server is as before."""
    made.root("touch /run/before; sleep 0.01")
    before = made.root(FINGERPRINT)
    result = made.play("playbooks/apply.yml", *words)
    assert result.returncode != 0, result.output[-3000:]
    missing = [fragment for fragment in fragments if fragment not in result.failure]
    assert not missing, f"{missing} not in:\n{result.failure}"
    assert result.changed in ([], ["Make the secrets that are missing"])
    assert made.root(FINGERPRINT) == before


def test_a_foreign_container_with_a_name_of_ours(untouched: Server) -> None:
    untouched.root(
        "tar -C / -c bin/true | docker import - foreign:1 >/dev/null; docker create --name radarr foreign:1 x"
    )
    try:
        refused(untouched, "radarr", "not ours")
    finally:
        untouched.root("docker rm -f radarr")


def test_a_foreign_network_on_a_subnet_of_ours(untouched: Server) -> None:
    untouched.root("docker network create --subnet 198.18.208.0/24 theirs")
    try:
        refused(untouched, "198.18.208.0", "theirs")
    finally:
        untouched.root("docker network rm theirs")


def test_a_process_on_a_port_of_ours(untouched: Server) -> None:
    port = untouched.sandbox.https_port
    untouched.root(f"systemd-run --quiet --unit squatter python3 -m http.server {port} --bind 0.0.0.0; sleep 1")
    try:
        refused(untouched, str(port), "python3")
    finally:
        untouched.root("systemctl stop squatter")


def test_too_little_disk(untouched: Server) -> None:
    choose(untouched, mediastack_images={"mirror": untouched.sandbox.registry, "free_space": "900TiB"})
    refused(untouched, "921600.0 GiB", "mediastack_images.free_space")


def test_an_operating_system_that_is_not_supported(untouched: Server) -> None:
    untouched.root("cp -L /etc/os-release /run/os-release; printf 'ID=plan9\\nVERSION_ID=4\\n' > /etc/os-release")
    try:
        refused(untouched, "plan9", "Debian")
    finally:
        untouched.root(
            "rm /etc/os-release; ln -s ../usr/lib/os-release /etc/os-release; cp /run/os-release /usr/lib/os-release"
        )


def test_a_user_without_sudo(untouched: Server) -> None:
    untouched.root("chmod a-x $(command -v sudo)")
    try:
        refused(untouched, "sudo")
    finally:
        untouched.root("chmod 4755 $(readlink -f $(command -v sudo) || echo /usr/bin/sudo)")


def test_a_server_that_does_not_answer(untouched: Server) -> None:
    result = untouched.play("playbooks/apply.yml", "-e", "ansible_port=1")
    assert result.returncode != 0
    assert "unreachable" in result.output.lower()
    assert result.on_host == []


def test_a_media_root_split_over_filesystems(untouched: Server) -> None:
    untouched.root("mkdir -p /srv/media/downloads; mount -t tmpfs none /srv/media/downloads")
    choose(untouched, mediastack_media={"separate_filesystems": "fail"})
    try:
        refused(untouched, "/srv/media", "filesystem")
    finally:
        untouched.root("umount /srv/media/downloads; rmdir /srv/media/downloads")


def test_an_image_that_cannot_be_pulled_leaves_the_old_stack_running(untouched: Server) -> None:
    untouched.apply()
    before = {name: item["Id"] for name, item in untouched.containers().items()}
    choose(untouched, mediastack_services={"radarr": {"tag": "0.0.0-nowhere"}})
    result = untouched.play("playbooks/apply.yml")
    assert result.returncode != 0
    assert "0.0.0-nowhere" in result.failure
    assert "radarr" in result.failure
    assert {name: item["Id"] for name, item in untouched.containers().items()} == before
    assert all(item["State"]["Running"] for item in untouched.containers().values())


def test_a_second_run_stops_at_once_and_says_who_holds_it(untouched: Server) -> None:
    untouched.apply()
    untouched.root("docker rm -f $(docker ps -aq); rm -rf /opt/mediastack/compose")
    first: list[playbook.Result] = []
    thread = threading.Thread(target=lambda: first.append(untouched.play("playbooks/apply.yml")))
    thread.start()
    try:
        wait_for_lease(untouched)
        started = time.monotonic()
        second = untouched.play("playbooks/apply.yml")
        assert second.returncode != 0
        assert (
            subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip() in second.failure
        )
        assert second.changed == []
        assert thread.is_alive(), f"the second run took {time.monotonic() - started:.0f} s and outlived the first"
    finally:
        thread.join()
    assert first[0].returncode == 0, first[0].output[-3000:]


def wait_for_lease(made: Server) -> None:
    deadline = time.monotonic() + 60
    while "yes" not in made.root("test -s /run/mediastack/lease.json && echo yes || echo no"):
        assert time.monotonic() < deadline, "no lease was taken"
        time.sleep(0.2)
