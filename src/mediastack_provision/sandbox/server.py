"""Commands that start a sandbox's two containers and prepare the server for Ansible. Pure functions."""

from __future__ import annotations

from mediastack_provision.sandbox import names
from mediastack_provision.sandbox.ports import LOOPBACK

# Enough for systemd, sshd and a nested engine; nothing that could change the machine: no clock, no modules, no reboot.
CAPABILITIES = (
    "AUDIT_CONTROL", "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "KILL",
    "LINUX_IMMUTABLE", "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "SETFCAP", "SETGID",
    "SETPCAP", "SETUID", "SYS_ADMIN", "SYS_CHROOT", "SYS_NICE", "SYS_PTRACE",
)  # fmt: skip
BOX_CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_ADMIN", "NET_BIND_SERVICE", "NET_RAW", "SETGID", "SETUID",
    "SYS_ADMIN",
)  # fmt: skip
SECURITY = ["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined", "--device", "/dev/net/tun"]
ADMIN = "admin"


def network_argv(name: str, subnet: str) -> list[str]:
    """The command that makes a sandbox's network. Its gateway, the machine, is nobody's default route."""
    return [
        "network", "create", "--label", names.label(name), "--subnet", subnet,
        "--opt", "com.docker.network.bridge.enable_ip_masquerade=false", names.network(name),
    ]  # fmt: skip


def internet_argv(name: str, image: str, address: str, server_address: str, pools: list[str]) -> list[str]:
    """The command that starts a sandbox's Internet; `pools` are the directories with apt repositories."""
    mounts = [
        item
        for pool in pools
        for item in ("--mount", f"type=bind,source={pool},target=/srv/packages/{pool.rpartition('/')[2]},readonly")
    ]
    return [
        "run", "--detach", "--name", names.container(name, "internet"), "--hostname", "internet",
        "--label", names.label(name), "--network", names.network(name), "--network-alias", "internet", "--ip", address,
        "--env", f"SANDBOX_SERVER={server_address}", *_capabilities(BOX_CAPABILITIES), *SECURITY, *mounts,
        "--tmpfs", "/run:exec", image,
    ]  # fmt: skip


def server_argv(name: str, image: str, address: str, published: dict[int, int]) -> list[str]:
    """The command that starts a server; `published` maps the server's ports to the machine's loopback ports."""
    ports = [
        item
        for inside, outside in sorted(published.items())
        for item in ("--publish", f"{LOOPBACK}:{outside}:{inside}")
    ]
    return [
        "run", "--detach", "--name", names.container(name, "server"), "--hostname", name,
        "--label", names.label(name), "--network", names.network(name), "--ip", address, *_capabilities(CAPABILITIES),
        *SECURITY, "--cgroupns", "private", "--tmpfs", "/run", "--tmpfs", "/tmp",  # noqa: S108  the server's own
        "--volume", f"{names.volume(name)}:/var/lib/docker", "--stop-timeout", "20", *ports, image,
    ]  # fmt: skip


def _capabilities(wanted: tuple[str, ...]) -> list[str]:
    return ["--cap-drop", "ALL", *(item for name in wanted for item in ("--cap-add", name))]


def user_script(user: str, public_key: str) -> str:
    """Shell for the server: lets `user` in with a key; everyone but root becomes root by sudo without a password."""
    home = "/root" if user == "root" else f"/home/{user}"
    account = "" if user == "root" else (
        f"id {user} >/dev/null 2>&1 || useradd --create-home --shell /bin/bash {user}\n"
        f"printf '%s ALL=(ALL) NOPASSWD: ALL\\n' {user} > /etc/sudoers.d/{user}\n"
        f"chmod 0440 /etc/sudoers.d/{user}\n"
    )  # fmt: skip
    return (
        f"set -eu\n{account}"
        f"install -d -m 0700 -o {user} -g {user} {home}/.ssh\n"
        f"printf '%s\\n' '{public_key}' > {home}/.ssh/authorized_keys\n"
        f"chown {user}:{user} {home}/.ssh/authorized_keys\nchmod 0600 {home}/.ssh/authorized_keys\n"
    )


def known_hosts(host: str, port: int, public_keys: list[str]) -> str:
    """The lines of a known_hosts file for a server on a port of its own."""
    return "".join(f"[{host}]:{port} {' '.join(key.split()[:2])}\n" for key in public_keys)
