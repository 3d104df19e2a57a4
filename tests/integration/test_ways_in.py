"""Servers as owners have them: no Python, no sudo, a sudo password, a busy package manager, a proxy, local."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.integration import playbook
from tests.integration.packages import site_packages
from tests.integration.servers import Server, server

PROXY_PORT = 3128


@pytest.fixture(scope="module")
def minimal() -> Iterator[Server]:
    """A server with neither python3 nor sudo, reached as root."""
    with server("it-minimal", kind="minimal") as made:
        made.choices.write_text(yaml.safe_dump({"mediastack_services": small()}), encoding="utf-8")
        yield made


@pytest.fixture(scope="module")
def usual() -> Iterator[Server]:
    """A server with a user who may use sudo."""
    with server("it-ways", release="debian12") as made:
        made.choices.write_text(yaml.safe_dump({"mediastack_services": small()}), encoding="utf-8")
        yield made


def small() -> dict[str, dict[str, bool]]:
    """All but one application switched off: the ways in are under test, not the stack."""
    gone = ("prowlarr", "sonarr", "radarr", "jellyfin", "seerr", "socket-proxy", "gluetun", "qbittorrent")
    return {name: {"enabled": False} for name in gone}


def start_proxy(made: Server) -> str:
    """Start the forward proxy beside the server; returns its URL."""
    box = made.sandbox.internet
    subprocess.run(
        ["docker", "cp", str(playbook.ROOT / "tests/integration/forward_proxy.py"), f"{box}:/proxy.py"], check=True
    )
    command = ["python3", "/proxy.py", str(PROXY_PORT), "/proxy.log"]
    subprocess.run(["docker", "exec", "-d", box, *command], check=True)
    return f"http://{made.sandbox.internet_address}:{PROXY_PORT}"


def fetched(made: Server) -> str:
    """What went through the proxy."""
    argv = ["docker", "exec", made.sandbox.internet, "cat", "/proxy.log"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def test_a_plan_of_a_server_without_python_says_all_is_new(minimal: Server) -> None:
    result = minimal.plan()
    assert "python3" in result.output
    assert "flaresolverr" in result.output
    assert "none" in minimal.root("command -v python3 || echo none")


def test_no_python_no_sudo_a_busy_package_manager_and_a_proxy(minimal: Server) -> None:
    proxy = start_proxy(minimal)
    minimal.root(
        "exec 9>/var/lib/dpkg/lock-frontend; "
        'nohup perl -e \'use Fcntl; open(F, "+<", "/var/lib/dpkg/lock-frontend"); '
        'fcntl(F, F_SETLK, pack("s s l! l! i", F_WRLCK, 0, 0, 0, 0)) or die; sleep 15\' >/dev/null 2>&1 &'
    )
    result = minimal.apply("-e", f"server_proxy={proxy}", "-e", f"server_proxy_bypass={minimal.sandbox.registry}")
    assert "python3" in fetched(minimal)
    assert minimal.containers()["flaresolverr"]["State"]["Running"]
    assert result.changed
    assert (
        minimal.apply("-e", f"server_proxy={proxy}", "-e", f"server_proxy_bypass={minimal.sandbox.registry}").changed
        == []
    )


def test_a_sudo_password(usual: Server) -> None:
    user = usual.sandbox.user
    usual.root(f"echo '{user}:correct horse' | chpasswd; grep -rl NOPASSWD /etc/sudoers.d | xargs sed -i s/NOPASSWD://")
    refused = usual.play("playbooks/apply.yml", "--tags", "base")
    assert refused.returncode != 0
    assert "sudo" in refused.output
    given = usual.sandbox.directory / "become"
    given.write_text("correct horse\n")
    accepted = usual.play("playbooks/apply.yml", "--tags", "base", "--become-password-file", str(given))
    assert accepted.returncode == 0, accepted.output[-3000:]
    assert "correct horse" not in accepted.output


def test_on_the_server_itself(minimal: Server) -> None:
    """Most homes have one box: the checkout on it, and a local connection."""
    project = tomllib.loads((playbook.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    site = site_packages(project["project"]["dependencies"])
    target = minimal.sandbox.container
    tree = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=playbook.ROOT, capture_output=True, check=True
    )
    packed = subprocess.run(
        ["tar", "-C", str(playbook.ROOT), "-cf", "-", "--files-from", "-"],
        input=tree.stdout,
        capture_output=True,
        check=True,
    )
    subprocess.run(["docker", "exec", target, "mkdir", "-p", "/root/mediastack"], check=True)
    subprocess.run(["docker", "cp", "-", f"{target}:/root/mediastack"], input=packed.stdout, check=True)
    for source, place in ((site, "/root/site"), (minimal.sandbox.inventory, "/root/mediastack/inventories/own")):
        subprocess.run(["docker", "cp", f"{Path(source).resolve()}/.", f"{target}:{place}"], check=True)
    proxy = f"-e server_proxy=http://{minimal.sandbox.internet_address}:{PROXY_PORT}"
    said = minimal.root(
        "cd /root/mediastack; export PYTHONPATH=/root/site PATH=/root/site/shims:$PATH HOME=/root LC_ALL=C.UTF-8; "
        "export MEDIASTACK_VAULT_PASSWORD_FILE=inventories/own/.vault-password; "
        "ansible-playbook playbooks/apply.yml -i inventories/own -c local "
        "-e ansible_python_interpreter=/usr/bin/python3 "
        f"{proxy} -e server_proxy_bypass={minimal.sandbox.registry} 2>&1"
    )
    assert "changed=0" in said
