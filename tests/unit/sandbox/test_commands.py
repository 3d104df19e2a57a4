"""The exact commands that a sandbox is made with, and what they must never contain."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from mediastack_provision.sandbox import __main__ as sandbox_main
from mediastack_provision.sandbox import aptindex, machine, pool, rootfs, server
from mediastack_provision.sandbox.docker import Docker, DockerError

FORBIDDEN = {"SYS_TIME", "SYS_MODULE", "SYS_BOOT", "SYS_RAWIO"}


def pairs(argv: list[str], option: str) -> list[str]:
    return [argv[index + 1] for index, item in enumerate(argv) if item == option]


def test_server_argv() -> None:
    argv = server.server_argv("x", "image:1", "198.18.1.10", {22: 40022, 10443: 10443})
    assert argv[:2] == ["run", "--detach"]
    assert argv[-1] == "image:1"
    assert pairs(argv, "--publish") == ["127.0.0.1:40022:22", "127.0.0.1:10443:10443"]
    assert pairs(argv, "--label") == ["mediastack.sandbox=x"]
    assert pairs(argv, "--volume") == ["mediastack-sandbox-x-engine:/var/lib/docker"]
    assert pairs(argv, "--ip") == ["198.18.1.10"]


@pytest.mark.parametrize(
    "argv",
    [
        server.server_argv("x", "i", "198.18.1.10", {22: 1}),
        server.internet_argv("x", "i", "198.18.1.2", "198.18.1.10", ["/c/packages/debian13-1"]),
    ],
)
def test_no_container_can_change_the_machine(argv: list[str]) -> None:
    assert pairs(argv, "--cap-drop") == ["ALL"]
    assert not FORBIDDEN & set(pairs(argv, "--cap-add"))
    assert "--privileged" not in argv
    assert "host" not in [*pairs(argv, "--network"), *pairs(argv, "--pid")]
    assert all(item.startswith("127.0.0.1:") for item in pairs(argv, "--publish"))


def test_package_pools_are_mounted_read_only() -> None:
    argv = server.internet_argv("x", "i", "198.18.1.2", "198.18.1.10", ["/c/packages/debian13-1"])
    assert pairs(argv, "--mount") == [
        "type=bind,source=/c/packages/debian13-1,target=/srv/packages/debian13-1,readonly"
    ]


def test_the_network_does_not_translate_addresses() -> None:
    argv = server.network_argv("x", "198.18.1.0/24")
    assert pairs(argv, "--opt") == ["com.docker.network.bridge.enable_ip_masquerade=false"]
    assert argv[-1] == "mediastack-sandbox-x"


@pytest.mark.parametrize(("user", "sudo"), [("admin", True), ("root", False)])
def test_user_script_is_valid_shell(user: str, sudo: bool) -> None:
    script = server.user_script(user, "ssh-ed25519 AAAA comment")
    subprocess.run(["sh", "-n"], input=script, text=True, check=True, timeout=10)
    assert ("NOPASSWD" in script) is sudo


def test_known_hosts_names_the_port_and_drops_comments() -> None:
    assert server.known_hosts("127.0.0.1", 4022, ["ssh-ed25519 AAAA root@x"]) == "[127.0.0.1]:4022 ssh-ed25519 AAAA\n"


def test_debootstrap_argv() -> None:
    argv = rootfs.debootstrap_argv("trixie", ["systemd", "dbus"], "http://mirror/debian")
    assert argv[0] == "mmdebstrap"
    assert "--include=systemd,dbus" in argv
    assert argv[-3:] == ["trixie", "-", "http://mirror/debian"]


@pytest.mark.parametrize(
    ("targets", "identity", "mirror"),
    [
        ("Packages http://m.example/debian/ main\n", "debian", "http://m.example/debian"),
        ("Packages http://m.example/debian-security/ main\n", "debian", machine.DEFAULT_MIRROR),
        ("Packages https://other.example/node main\nPackages http://m.example/debian/ main\n", "debian",
         "http://m.example/debian"),
        ("Packages http://archive.example/ubuntu/ main\n", "ubuntu", machine.DEFAULT_MIRROR),
        ("", "debian", machine.DEFAULT_MIRROR),
    ],
)  # fmt: skip
def test_the_mirror_is_the_machines_own(targets: str, identity: str, mirror: str) -> None:
    assert machine.mirror_of(targets, identity) == mirror


def test_the_mirror_can_be_overridden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIASTACK_DEBIAN_MIRROR", "http://m.example/debian/")
    assert machine.mirror() == "http://m.example/debian"


def test_os_release_id() -> None:
    assert machine.os_release_id('NAME="Debian"\nVERSION_ID="13"\nID=debian\n') == "debian"
    assert machine.os_release_id("") == ""


def test_control_files_replace_debians_packages() -> None:
    text = pool.control("containerd.io", "5:1.7.24-1~debian.12~bookworm", "amd64")
    fields = dict(line.split(": ", 1) for line in text.splitlines())
    assert fields["Conflicts"] == fields["Replaces"] == "containerd, runc"
    assert set(pool.DOCKER_DEPENDS) == set(pool.DOCKER_PACKAGES)


def test_release_file_lists_each_index_with_its_hash() -> None:
    text = aptindex.release_file({"Suite": "trixie"}, {"main/binary-amd64/Packages": b"x"})
    assert text.startswith("Suite: trixie\nSHA256:\n")
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert f" {digest} 1 main/binary-amd64/Packages\n" in text


def fake_docker(tmp_path: Path, script: str) -> Docker:
    program = tmp_path / "docker"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Docker({"PATH": f"{tmp_path}:/usr/bin:/bin"})


def test_a_failing_command_is_shown_with_what_it_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = fake_docker(tmp_path, "echo no space left >&2; exit 1")
    monkeypatch.setenv("PATH", docker.environment["PATH"])
    with pytest.raises(DockerError, match=r"docker pull x failed:\nno space left"):
        docker.run("pull", "x")


@pytest.mark.parametrize("said", ["Error: No such image: x", "Error response from daemon: network x not found"])
def test_what_is_not_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    docker = fake_docker(tmp_path, f"echo '{said}' >&2; exit 1")
    monkeypatch.setenv("PATH", docker.environment["PATH"])
    assert docker.inspect("image", "x") is None


def test_a_network_that_is_removed_while_it_is_asked_for_has_no_subnet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sandboxes are removed beside those that are made."""
    script = f"""case "$*" in
"network ls"*) echo kept; [ -e {tmp_path}/asked ] || echo gone ;;
*gone*) : > {tmp_path}/asked; echo '[]'; echo "Error response from daemon: network gone not found" >&2; exit 1 ;;
*) echo '[{{"IPAM": {{"Config": [{{"Subnet": "198.18.1.0/24"}}]}}}}]' ;;
esac"""
    docker = fake_docker(tmp_path, script)
    monkeypatch.setenv("PATH", docker.environment["PATH"])
    assert docker.subnets() == ["198.18.1.0/24"]
    assert (tmp_path / "asked").exists()


def test_ports_of_servers_that_do_not_run_are_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = (
        '[{"HostConfig": {"PortBindings": {"22/tcp": [{"HostIp": "127.0.0.1", "HostPort": "40022"}]}}}, '
        '{"HostConfig": {"PortBindings": {}}}, {"HostConfig": {"PortBindings": null}}]'
    )
    script = f"""case "$*" in
"container ls --quiet --all --filter label=mediastack.sandbox") echo a; echo b; echo c ;;
"container inspect a b c") echo '{listed}' ;;
esac"""
    docker = fake_docker(tmp_path, script)
    monkeypatch.setenv("PATH", docker.environment["PATH"])
    assert docker.published("mediastack.sandbox") == {40022}


def test_an_engine_that_does_not_answer_is_not_absence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = fake_docker(tmp_path, "echo Cannot connect >&2; exit 1")
    monkeypatch.setenv("PATH", docker.environment["PATH"])
    with pytest.raises(DockerError, match="Cannot connect"):
        docker.exists("image", "x")


def test_what_to_do_next_fits_eighty_columns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of the demo, run in the checkout, as bin/demo does: paths are as they can be typed there."""
    inventory = tmp_path / "inventories" / "sandbox"
    inventory.mkdir(parents=True)
    link = tmp_path / "state" / "inventory"
    link.parent.mkdir()
    link.symlink_to(inventory)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sandbox_main, "scripts_dir", lambda: tmp_path / ".venv" / "bin")
    made = SimpleNamespace(name="demo", inventory=link, https_port=34483)
    text = sandbox_main.next_steps(made)  # type: ignore[arg-type]
    assert ".venv/bin/mediastack-provision plan -i inventories/sandbox\n" in text
    assert max(map(len, text.splitlines())) <= 80
    monkeypatch.chdir("/")
    assert "  shell  mediastack-provision sandbox shell demo\n" in sandbox_main.next_steps(made)  # type: ignore[arg-type]
