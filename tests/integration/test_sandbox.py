"""Sandboxes: what is inside, what they can reach, and that they leave nothing behind."""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mediastack_provision.sandbox import lifecycle, names, state
from mediastack_provision.sandbox.docker import Docker, find_engine
from mediastack_provision.sandbox.images import INTERNET_ALIAS
from mediastack_provision.sandbox.state import Sandbox

PREFIX = f"t{secrets.token_hex(3)}"
KERNEL = ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding", "kernel/panic", "vm/swappiness", "fs/file-max")
RADARR = f"{names.REGISTRY}/lscr.io/linuxserver/radarr"
SETTINGS = json.dumps({"insecure-registries": [names.REGISTRY]})

TUNNEL = """\
set -e
printf 'nameserver %s\\n' {dns} > /etc/resolv.conf
ip route replace default via {box}
WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1 wireguard-go wg0
printf %s '{private}' > /tmp/key
wg set wg0 private-key /tmp/key peer '{public}' endpoint {address}:{port} allowed-ips 0.0.0.0/0
ip address add {own} dev wg0
ip link set wg0 mtu 1380 up
ip route add {address}/32 via {box}
ask() {{ python3 -c "import urllib.request as r; print(r.urlopen('$1', timeout=10).read().decode())"; }}
ask http://{echo}/
ip route replace default dev wg0
ask http://{echo}/
ask http://{gateway}/
ask http://ip.internet.test/
wg show wg0 transfer
"""


def objects(docker: Docker) -> dict[str, set[str]]:
    """All that the engine has but images and anonymous leftovers of others."""
    return {
        "containers": set(docker.lines("container", "ls", "--all", "--format", "{{.Names}}")),
        "networks": set(docker.lines("network", "ls", "--format", "{{.Name}}")),
        "volumes": set(docker.lines("volume", "ls", "--format", "{{.Name}}")),
    }


def kernel_settings() -> dict[str, str]:
    return {name: Path("/proc/sys", name).read_text() for name in KERNEL}


def firewall() -> str:
    done = subprocess.run(["iptables-save"], capture_output=True, text=True, timeout=20, check=False)
    return "".join(line for line in done.stdout.splitlines(keepends=True) if line[:1] not in "#:")


@pytest.fixture(scope="module")
def docker() -> Docker:
    return find_engine()


@pytest.fixture(scope="module", autouse=True)
def surroundings(tmp_path_factory: pytest.TempPathFactory, docker: Docker) -> Iterator[dict[str, str]]:
    """Keep the files of these sandboxes apart from the user's, and compare the machine before and after."""
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    before = kernel_settings()
    yield before
    for name in state.known():
        lifecycle.down(name)
    patch.undo()
    assert kernel_settings() == before
    leftovers = {item for found in objects(docker).values() for item in found if PREFIX in item}
    assert not leftovers


@pytest.fixture(scope="module")
def engine13() -> Sandbox:
    return lifecycle.up(f"{PREFIX}-a", "debian13", "engine", ports=(8989,))


@pytest.fixture(scope="module")
def bare12() -> Sandbox:
    return lifecycle.up(f"{PREFIX}-b", "debian12", "bare")


@pytest.fixture(scope="module")
def minimal13() -> Sandbox:
    return lifecycle.up(f"{PREFIX}-c", "debian13", "minimal")


def ssh(sandbox: Sandbox, script: str, *, ok: bool = True, timeout: float = 180) -> str:
    """Run a script on the server over SSH."""
    done = subprocess.run(
        sandbox.ssh_argv("sh", "-s"), input=script, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert (done.returncode == 0) is ok, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


@pytest.mark.parametrize("kind", ["engine13", "bare12", "minimal13"])
def test_a_real_debian_has_booted(kind: str, request: pytest.FixtureRequest) -> None:
    sandbox: Sandbox = request.getfixturevalue(kind)
    deadline = time.monotonic() + lifecycle.BOOT_LIMIT
    while (said := ssh(sandbox, "systemctl is-system-running || true")) in ("initializing", "starting"):
        assert time.monotonic() < deadline, ssh(sandbox, "systemctl list-jobs")
        time.sleep(0.2)
    assert said == "running", ssh(sandbox, "systemctl --failed --no-legend")
    version = ssh(sandbox, ". /etc/os-release; echo $VERSION_ID")
    assert sandbox.release == f"debian{version}"
    assert ssh(sandbox, "cat /proc/1/comm") == "systemd"
    assert ssh(sandbox, "findmnt -n -o FSTYPE /sys/fs/cgroup") == "cgroup2"


def test_kinds_differ_in_what_is_there(engine13: Sandbox, bare12: Sandbox, minimal13: Sandbox) -> None:
    probe = "for c in python3 sudo dockerd; do command -v $c >/dev/null && echo $c; done; true"
    assert ssh(minimal13, probe) == ""
    assert ssh(bare12, probe).split() == ["python3", "sudo"]
    assert ssh(engine13, f"export PATH=$PATH:/usr/sbin; {probe}").split() == ["python3", "sudo", "dockerd"]
    assert ssh(minimal13, "id -u") == "0"
    assert ssh(bare12, "id -un; sudo -n id -u").split() == ["admin", "0"]


def test_the_servers_key_is_known_and_no_other_is_accepted(bare12: Sandbox, engine13: Sandbox) -> None:
    argv = bare12.ssh_argv("true")
    assert subprocess.run(argv, check=False, timeout=20).returncode == 0
    wrong = [item.replace(bare12.known_hosts, engine13.known_hosts) for item in argv]
    done = subprocess.run(wrong, check=False, timeout=20, capture_output=True, text=True)
    assert done.returncode == 255
    assert "Host key verification failed" in done.stderr


def test_the_machine_is_out_of_reach(engine13: Sandbox) -> None:
    for command in ("sysctl -w kernel.panic=7", "sysctl -w vm.swappiness=1", "date -s 2001-01-01", "modprobe dummy"):
        ssh(engine13, f"sudo -n env PATH=$PATH:/usr/sbin {command}", ok=False)
    ssh(engine13, "sudo -n /usr/sbin/sysctl -q -w net.ipv4.conf.all.log_martians=1")


def test_ssh_and_web_are_published_on_loopback_only(docker: Docker, engine13: Sandbox) -> None:
    bindings = (docker.inspect("container", engine13.container) or {})["HostConfig"]["PortBindings"]
    assert {binding["HostIp"] for found in bindings.values() for binding in found} == {"127.0.0.1"}
    assert set(bindings) == {"22/tcp", f"{engine13.http_port}/tcp", f"{engine13.https_port}/tcp", "8989/tcp"}


def test_nothing_leads_out(engine13: Sandbox) -> None:
    assert ssh(engine13, "ip route show default").startswith(f"default via {engine13.internet_address} ")
    ssh(engine13, "getent hosts unknown.example", ok=False)
    for address in ("192.0.2.1", "8.8.8.8"):
        assert f"via {engine13.internet_address}" in ssh(engine13, f"ip route get {address}")
    assert "default" not in engine_routes(engine13)


def engine_routes(sandbox: Sandbox) -> str:
    return find_engine().run("exec", sandbox.internet, "ip", "route")


def test_the_nested_engine_pulls_by_tag_and_digest_and_runs(engine13: Sandbox) -> None:
    ssh(
        engine13,
        f"echo '{SETTINGS}' | sudo -n tee /etc/docker/daemon.json >/dev/null; sudo -n systemctl restart docker",
    )
    reference = next(item for item in served(engine13) if item.startswith("lscr.io/linuxserver/radarr:"))
    ssh(engine13, f"sudo -n docker pull -q {names.REGISTRY}/{reference}")
    digest = ssh(engine13, f"sudo -n docker inspect -f '{{{{index .RepoDigests 0}}}}' {names.REGISTRY}/{reference}")
    assert digest.startswith(f"{RADARR}@sha256:")
    ssh(engine13, f"sudo -n docker rmi -f {names.REGISTRY}/{reference} && sudo -n docker pull -q {digest}")
    ssh(engine13, "sudo -n docker network create --subnet 198.18.208.0/24 inner")
    said = ssh(
        engine13,
        "sudo -n docker run --rm --network inner --ip 198.18.208.9 --entrypoint cat "
        f"{digest} /proc/sys/net/ipv4/ip_forward /etc/hostname",
    )
    assert said
    assert ssh(engine13, "sudo -n docker info -f '{{.Driver}}'") == "overlay2"
    assert ssh(engine13, "docker compose version --short").startswith("2.")
    assert "manifest unknown" in ssh(engine13, f"sudo -n docker pull {RADARR}:0.0.0 2>&1 || true")


def served(sandbox: Sandbox) -> list[str]:
    """The references in a sandbox's registry."""
    script = (
        "import json, urllib.request as r\n"
        "ask = lambda path: json.load(r.urlopen('http://127.0.0.1:5000/v2/' + path, timeout=10))\n"
        "for name in ask('_catalog')['repositories']:\n"
        "    print(*(f'{name}:{tag}' for tag in ask(name + '/tags/list')['tags']), sep='\\n')\n"
    )
    return find_engine().run("exec", sandbox.internet, "python3", "-c", script).split()


def test_a_bare_server_installs_packages_without_any_internet(minimal13: Sandbox) -> None:
    ssh(minimal13, "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install python3 sudo")
    assert ssh(minimal13, "python3 -c 'print(6 * 7)'") == "42"


def test_dockers_own_repository_is_there_and_signed(bare12: Sandbox) -> None:
    url = f"{bare12.docker_repository}/gpg"
    source = (
        f"Types: deb\\nURIs: {bare12.docker_repository}\\nSuites: bookworm\\nComponents: stable\\n"
        "Signed-By: /etc/apt/keyrings/docker.asc\\n"
    )
    ssh(
        bare12,
        "set -e; sudo -n mkdir -p /etc/apt/keyrings\n"
        f"python3 -c \"import urllib.request as r; print(r.urlopen('{url}').read().decode())\" "
        "| sudo -n tee /etc/apt/keyrings/docker.asc >/dev/null\n"
        f"printf '{source}' | sudo -n tee /etc/apt/sources.list.d/docker.sources >/dev/null\n"
        "sudo -n apt-get -q update\n"
        "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get -q -y install docker-ce docker-compose-plugin\n",
    )
    assert ssh(bare12, "sudo -n docker compose version --short").startswith("2.")
    assert ssh(bare12, "systemctl is-active docker containerd").split() == ["active", "active"]
    ssh(bare12, "sudo -n rm /etc/apt/keyrings/docker.asc; sudo -n apt-get -q update 2>&1 | grep -q NO_PUBKEY")


def test_the_vpn_provider_carries_traffic(docker: Docker, engine13: Sandbox) -> None:
    account = engine13.wireguard
    script = TUNNEL.format(
        dns=account.dns, box=engine13.internet_address, private=account.private_key, public=account.public_key,
        address=account.address, port=account.port, own=account.addresses[0], echo=names.ECHO_ADDRESS,
        gateway=names.TUNNEL_GATEWAY,
    )  # fmt: skip
    said = docker.run(
        "run", "--rm", "--interactive", "--label", names.label(engine13.name), "--network", engine13.network,
        "--cap-add", "NET_ADMIN", "--device", "/dev/net/tun", INTERNET_ALIAS, "sh", "-s", stdin=script,
    )  # fmt: skip
    answers = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert len(answers) == 4
    direct, *tunnelled = [answer["public_ip"] for answer in answers]
    assert ipaddress.ip_address(direct) in ipaddress.ip_network(engine13.subnet)
    assert tunnelled == [names.VPN_ADDRESS] * 3
    assert {answer["city"] for answer in answers[1:]} == {"Tunnel City"}


def test_two_sandboxes_do_not_meet(engine13: Sandbox, bare12: Sandbox) -> None:
    assert engine13.subnet != bare12.subnet
    ports = [[item.port, item.http_port, item.https_port] for item in (engine13, bare12)]
    assert not set(ports[0]) & set(ports[1])
    assert engine13.wireguard.private_key != bare12.wireguard.private_key
    probe = f"timeout 3 bash -c ': < /dev/tcp/{bare12.server_address}/22'"
    ssh(engine13, probe, ok=False)
    assert {row.name for row in lifecycle.listing()} >= {engine13.name, bare12.name}


def test_up_again_changes_nothing(bare12: Sandbox) -> None:
    assert lifecycle.up(bare12.name, "debian12") == bare12


def test_a_stopped_sandbox_is_started_again(docker: Docker, bare12: Sandbox) -> None:
    docker.run("stop", "--time", "5", bare12.container, bare12.internet)
    assert lifecycle.up(bare12.name, "debian12") == bare12
    ssh(bare12, "sudo -n apt-get -q update")


def test_ansible_reaches_it_with_its_own_inventory(bare12: Sandbox) -> None:
    inventory = bare12.inventory
    length = "{{ mediastack_secrets.gluetun.wireguard_private_key | length }}"
    argv = ["ansible", "-i", str(inventory), "--vault-password-file", str(inventory / ".vault-password"), "mediastack"]
    done = subprocess.run(
        [*argv, "-m", "ansible.builtin.debug", "-a", f"msg={length}"],
        capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "44" in done.stdout
    done = subprocess.run(
        [*argv, "-m", "ansible.builtin.ping"], capture_output=True, text=True, timeout=60, check=False
    )
    assert "SUCCESS" in done.stdout, done.stdout + done.stderr


def test_down_removes_all_it_made_and_only_that(docker: Docker) -> None:
    name, foreign = f"{PREFIX}-d", f"{PREFIX}-foreign"
    docker.run("volume", "create", foreign)
    try:
        before, rules = objects(docker), firewall()
        lifecycle.up(name)
        made = {kind: items - before[kind] for kind, items in objects(docker).items()}
        assert all(any(name in item for item in items) for items in made.values())
        assert firewall() == rules
        assert lifecycle.down(name)
        left = {kind: {item for item in items if name in item} for kind, items in objects(docker).items()}
        assert left == {kind: set() for kind in left}
        assert foreign in objects(docker)["volumes"]
        assert not state.directory(name).exists()
        assert not lifecycle.down(name)
    finally:
        docker.run("volume", "rm", foreign)
