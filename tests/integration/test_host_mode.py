"""The whole server behind a VPN client of its own: nothing of its own traffic leaves past the tunnel.

A WireGuard client as a provider's package sets one up (user space; routes and rules as wg-quick makes them), up, down
and killed, and the tables flushed. What the server sends obeys the routes, or is bound to the uplink. SSH and the LAN
stay within reach throughout, and come back where a change takes them away.
"""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from tests.integration.leak.lab import KILLSWITCH, Lab, control_of
from tests.integration.lockout import AGAIN, HARDEN, PATIENCE, SECONDS, at_rest, outage, wait_until
from tests.integration.servers import Server, on_releases, server

from ansible_collections.mediastack.core.plugins.plugin_utils.killswitch import plan, units
from mediastack_provision.sandbox.docker import find_engine

KEPT = Path(__file__).resolve().parents[2] / "build" / "host_mode"
WORDS = ("--tags", "killswitch")
LINK = "wgtest0"
UPLINK = "eth0"
CHOICES = {
    "killswitch_mode": "host",
    "killswitch_interfaces": [LINK],
    "killswitch_endpoints": [{"gateway": "host", "addresses": ["203.0.113.10"], "port": 51820}],
}
CLIENT = f"""[Unit]
Description=a native VPN client
[Service]
Environment=LOG_LEVEL=error WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1
ExecStartPre=rm -f /var/run/wireguard/{LINK}.sock
ExecStart=/usr/local/bin/wireguard-go -f {LINK}
ExecStartPost=/bin/bash /root/client-up
ExecStopPost=-/bin/bash /root/client-down
"""
# As wg-quick: its own packets are marked, the main table's default does not count, all else goes through the tunnel.
UP = """set -eu
for i in $(seq 100); do [ -S /var/run/wireguard/LINK.sock ] && break; sleep 0.05; done
python3 - <<'PY'
import socket
import time
with socket.socket(socket.AF_UNIX) as link:
    for again in range(50):
        if link.connect_ex("/var/run/wireguard/LINK.sock") == 0:
            break
        time.sleep(0.1)
    link.sendall(b"SETTINGS")
    assert b"errno=0" in link.recv(1000)
PY
ip address add 198.18.255.2/32 dev LINK; ip -6 address add 2001:db8:ffff::2/128 dev LINK nodad
ip link set LINK mtu 1380 up
/bin/bash /root/client-down 2>/dev/null || true
for f in -4 -6; do
    ip $f route replace default dev LINK table 51820
    ip $f rule add not fwmark 51820 table 51820 priority 32000
    ip $f rule add table main suppress_prefixlength 0 priority 31999
done
"""
DOWN = "for f in -4 -6; do ip $f rule del priority 32000; ip $f rule del priority 31999; done\n"
CARRIES = "timeout 3 bash -c 'exec 3<>/dev/tcp/198.18.255.1/80'"
# WireGuard asks again only after five seconds for a handshake that was lost.
UNTIL = "for i in $(seq 100); do {} && exit 0; sleep 0.2; done; exit 1"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every release in a soak, the newest in the gate."""
    on_releases(metafunc, "lab")


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with server(f"it-host-{request.param}", release=request.param, kind="bare") as made:
        found = Lab(made, KEPT / request.param)
        try:
            set_up(found)
            yield found
        finally:
            found.keep()


def set_up(lab: Lab) -> None:
    """The native client, what sends, and the kill-switch in host mode."""
    made = lab.server
    lab.surround()
    argv = ["docker", "exec", made.sandbox.internet, "cat", "/usr/bin/wireguard-go"]
    program = subprocess.run(argv, env=find_engine().environment, capture_output=True, timeout=60, check=True).stdout
    write(lab, "/usr/local/bin/wireguard-go", program, "755")
    write(lab, "/root/client-up", UP.replace("SETTINGS", settings(made)).replace("LINK", LINK).encode(), "600")
    write(lab, "/root/client-down", DOWN.encode(), "600")
    write(lab, "/etc/systemd/system/client.service", CLIENT.encode(), "644")
    lab.root("systemctl daemon-reload; systemctl start client.service")
    lab.root(UNTIL.format(CARRIES))
    choose(made)
    result = made.play(HARDEN, *WORDS)
    assert result.returncode == 0, result.output[-4000:]
    lab.unit("host", UPLINK)


def settings(made: Server) -> str:
    """The client's configuration in WireGuard's own words (its cross-platform interface)."""
    given = made.sandbox.wireguard
    private, public = (base64.b64decode(key).hex() for key in (given.private_key, given.public_key))
    lines = [
        f"private_key={private}", "fwmark=51820", "replace_peers=true", f"public_key={public}",
        f"endpoint={given.address}:{given.port}", "persistent_keepalive_interval=5",
        "allowed_ip=0.0.0.0/0", "allowed_ip=::/0",
    ]  # fmt: skip
    return "set=1\\n" + "\\n".join(lines) + "\\n\\n"


def write(lab: Lab, path: str, content: bytes, mode: str) -> None:
    argv = ["docker", "exec", "-i", lab.server.sandbox.container, "sh", "-c", f"cat > {path}; chmod {mode} {path}"]
    subprocess.run(argv, env=find_engine().environment, input=content, timeout=60, check=True)


def choose(made: Server, **choices: object) -> None:
    made.choices.write_text(yaml.safe_dump({**CHOICES, **choices}), encoding="utf-8")


def tunnel_up(lab: Lab) -> None:
    """The tunnel carries; what is bound to the uplink does not go by it."""
    lab.root(UNTIL.format(CARRIES))


def tunnel_down(lab: Lab) -> None:
    lab.root("systemctl stop client.service")


def tunnel_killed(lab: Lab) -> None:
    lab.root("systemctl kill --signal=KILL client.service")


def link_down(lab: Lab) -> None:
    lab.root(f"ip link set {LINK} down")


def tables_flushed(lab: Lab) -> None:
    """The watcher's own table stands, and it puts the other back."""
    lab.root("systemctl stop client.service; nft flush ruleset")


def table_deleted(lab: Lab) -> None:
    lab.root("systemctl stop client.service; nft delete table inet mediastack_killswitch 2>/dev/null || true")


FAULTS: dict[str, Callable[[Lab], None]] = {
    f"host-{act.__name__.replace('_', '-')}": act
    for act in (tunnel_up, tunnel_down, tunnel_killed, link_down, tables_flushed, table_deleted)
}


@pytest.mark.parametrize("name", list(FAULTS))
def test_nothing_of_the_server_leaves(lab: Lab, name: str) -> None:
    lab.off()
    try:
        control = control_of(lambda: seen(lab, name))
    finally:
        lab.on()
    lab.forget_flows()
    found = seen(lab, name, look=True)
    began = time.monotonic()
    lab.root(UNTIL.format(f"{KILLSWITCH} check && {CARRIES}"))
    print(
        f"fault {name} v4={found['v4']} v6={found['v6']} control_v4={control['v4']} control_v6={control['v6']} "
        f"recovered={time.monotonic() - began:.1f}s"
    )
    assert control["v4"] > 0, control
    assert control["v6"] > 0, control
    assert (found["v4"], found["v6"]) == (0, 0), found


def seen(lab: Lab, name: str, *, look: bool = False) -> dict[str, int]:
    """What is seen outside for a while; the tunnel is up again afterwards."""
    lab.begin()
    FAULTS[name](lab)
    try:
        time.sleep(2)
        if look:
            within_reach(lab)
        return lab.since()
    finally:
        lab.root("systemctl restart client.service || { journalctl -n 20 --no-pager -u client.service; exit 1; }")


def within_reach(lab: Lab) -> None:
    """SSH anew, the LAN from the server, and the server from the LAN."""
    sandbox = lab.server.sandbox
    wait_until(lab.server, True, AGAIN)
    lab.root(f"timeout 5 bash -c 'exec 3<>/dev/tcp/{sandbox.internet_address}/5000'")
    lab.box(f"timeout 5 bash -c 'read -r line < /dev/tcp/{sandbox.server_address}/22; [ \"${{line%%-*}}\" = SSH ]'")


def test_a_run_without_changes_changes_nothing(lab: Lab) -> None:
    result = lab.server.play(HARDEN, *WORDS)
    assert result.returncode == 0, result.output[-4000:]
    assert result.changed == []


def wrong(lab: Lab) -> tuple[str, ...]:
    """Words for ansible-playbook: what the role would do if it did not know from where it is reached."""
    choose(lab.server, killswitch_rollback_seconds=SECONDS)
    table = lab.root(f"cat {units.TABLE}")
    rules = json.loads(lab.root(f"cat {units.RULES}"))
    subnet = lab.server.sandbox.subnet
    assert subnet in table
    made = {
        "problems": [], "notices": [], "active": True, "ready": True, "differs": True, "restart": False, "absent": [],
        "table": table.replace(subnet, "192.0.2.0/24"), "rules": rules, "units": {units.BOOT: True, units.WATCH: True},
        "restore": plan.RESTORE, "guarded_paths": [units.TABLE, units.RULES],
    }  # fmt: skip
    made["files"] = [{"path": units.TABLE, "content": made["table"], "owner": "root", "group": "root", "mode": "0644"}]
    return ("-e", json.dumps({"__killswitch_plan": made}))


def test_a_wrong_lan_locks_nobody_out(lab: Lab) -> None:
    with outage(lab.server, "killswitch-host-lan"):
        result = lab.server.play(HARDEN, *WORDS, *wrong(lab))
    assert result.returncode != 0
    assert "back at its old rules" in result.failure, result.output[-4000:]
    at_rest(lab.server)
    lab.root(f"{KILLSWITCH} check")


def test_a_controller_that_dies_locks_nobody_out(lab: Lab) -> None:
    with outage(lab.server, "killswitch-host-controller-killed"):
        result = lab.server.play(HARDEN, *WORDS, *wrong(lab), kill_at=1)
        assert result.returncode == -9
        lab.root(f"{KILLSWITCH} apply", check=False)  # as the watcher would before long
        wait_until(lab.server, False, 10)
        wait_until(lab.server, True, SECONDS + PATIENCE)
    at_rest(lab.server)
    lab.root(f"{KILLSWITCH} check")
