"""What the kill-switch lets through, what it refuses, and the whole server behind a tunnel of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import yaml
from tests.integration import playbook
from tests.integration.leak.lab import FILES, KILLSWITCH, Lab

from mediastack_provision.sandbox import names

HARDEN = ("playbooks/harden.yml", "--tags", "killswitch")
OTHERS = "zz-modes.yml"
HOST = {
    "killswitch_mode": "host",
    "killswitch_interfaces": ["wgtest0"],
    "killswitch_endpoints": [{"gateway": "host", "addresses": ["203.0.113.20"], "port": 51820}],
}
# UDP, TCP, ICMP and names from the server itself, twice each, both families.
PROBES = """
for i in 1 2; do
  for t in 198.51.100.77 2001:db8:f::77; do
    timeout 1 bash -c "echo leakprobe > /dev/udp/$t/9999" || true
    timeout 1 bash -c "echo leakprobe > /dev/tcp/$t/8081" || true
    timeout 1 bash -c "echo leakprobe > /dev/udp/$t/53" || true
  done
done
"""


@contextmanager
def chosen(lab: Lab, choices: dict[str, object]) -> Iterator[None]:
    """Choices beside the lab's own, for a while."""
    path = lab.server.choices.with_name(OTHERS)
    path.write_text(yaml.safe_dump(choices), encoding="utf-8")  # the last file of the folder has the last word
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def harden(lab: Lab) -> playbook.Result:
    result = lab.server.play(*HARDEN)
    assert result.returncode == 0, result.output[-4000:]
    return result


def test_a_run_without_changes_reaches_the_server_once(lab: Lab) -> None:
    result = harden(lab)
    assert result.changed == []
    assert [task for task in result.on_host if task.startswith("killswitch")] == [
        "killswitch : Learn what keeps the VPN zone in"
    ]


def test_other_members_of_the_shared_bridge_keep_their_internet(lab: Lab) -> None:
    lab.root(
        "nsenter --net=/proc/$(docker inspect -f '{{.State.Pid}}' caddy)/ns/net -- "
        "timeout 5 bash -c 'exec 3<>/dev/tcp/198.51.100.77/8081'"
    )


def test_the_lan_reaches_a_published_port_of_the_zone(lab: Lab) -> None:
    address = lab.server.sandbox.server_address
    answer = lab.box(
        "python3 -c 'import urllib.request, urllib.error as e, sys\n"
        f'try: print(urllib.request.urlopen("http://{address}:8080/", timeout=5).status)\n'
        "except e.HTTPError as error: print(error.code)'"
    )
    assert answer.strip() in ("200", "401", "403")


def test_the_engines_resolver_does_not_ask_the_hosts(lab: Lab) -> None:
    """The generator asks it all the time; a container that is told no resolver shows that the way is there."""
    lab.begin()
    image = lab.root("docker inspect -f '{{.Image}}' qbittorrent").strip()
    ask = 'import socket; socket.getaddrinfo("leakprobe-v4.example", 80)'
    lab.root(
        f"docker run --rm --network mediastack_egress_gluetun --entrypoint standin-python {image} -c '{ask}'",
        check=False,
    )
    control = lab.since()
    lab.begin()
    lab.root(f"docker exec gluetun standin-python -c '{ask}'", check=False)
    found = lab.since()
    print(f"fault names-through-the-engine v4={found['v4']} v6={found['v6']} control_v4={control['v4']} control_v6=-")
    assert control["v4"] > 0
    assert found["v4"] == 0


REFUSALS: list[tuple[dict[str, object], str]] = [
    (
        {"killswitch_endpoints": [{"gateway": "gluetun", "addresses": ["nowhere.example"], "port": 51820}]},
        "'nowhere.example' does not resolve",
    ),
    ({"mediastack_services_vpn": {"gluetun": {"outbound_subnets": ["198.18.0.0/15"]}}}, "overlaps the stack's network"),
    (
        {"mediastack_services_vpn": {"gluetun": {"outbound_subnets": [f"{names.TUNNEL_CLIENT}/32"]}}},
        "tunnel's own addr",
    ),
    ({"killswitch_mode": "host", "killswitch_interfaces": ["wg0"]}, "has no entry for the gateway 'host'"),
    ({**HOST, "killswitch_interfaces": []}, "killswitch_interfaces: is empty"),
    ({**HOST, "mediastack_network": {"lan": ["192.0.2.0/24"]}}, "from where this run is connected"),
]


@pytest.mark.parametrize(("choices", "message"), REFUSALS)
def test_what_is_refused_changes_nothing(lab: Lab, choices: dict[str, object], message: str) -> None:
    before = lab.root(f"sha256sum {FILES}/*; ip rule; nft -s list table inet mediastack_killswitch")
    with chosen(lab, choices):
        result = lab.server.play(*HARDEN)
    assert result.returncode != 0
    assert message in result.failure, result.output[-3000:]
    assert result.changed == []
    assert lab.root(f"sha256sum {FILES}/*; ip rule; nft -s list table inet mediastack_killswitch") == before


REFUSING_NFT = """cat > /usr/local/sbin/nft <<'NFT'
#!/bin/sh
[ "$1" != -f ] || { echo no such module >&2; exit 1; }
exec /usr/sbin/nft "$@"
NFT
chmod 755 /usr/local/sbin/nft
"""


def test_what_the_kernel_does_not_take_changes_nothing(lab: Lab) -> None:
    """As on a kernel without a module: nft answers with an error."""
    other = {"gateway": "gluetun", "addresses": ["203.0.113.21"], "port": 1}
    before = lab.root(f"sha256sum {FILES}/*")
    lab.root(REFUSING_NFT)
    try:
        with chosen(lab, {"killswitch_endpoints": [other]}):
            result = lab.server.play(*HARDEN)
    finally:
        lab.root("rm /usr/local/sbin/nft")
    assert result.returncode != 0
    assert "this kernel does not take it" in result.failure, result.output[-3000:]
    assert result.changed == []
    assert lab.root(f"sha256sum {FILES}/*") == before
    lab.recover()


def test_the_whole_server_behind_a_tunnel(lab: Lab) -> None:
    lab.begin()
    lab.root(PROBES)
    control = lab.since()
    with chosen(lab, HOST):
        harden(lab)
        try:
            assert harden(lab).changed == []
            lab.begin()
            lab.root(PROBES)
            found = lab.since()
            # The LAN stays within reach, and this run has come in over it.
            lab.root(f"timeout 5 bash -c 'exec 3<>/dev/tcp/{lab.server.sandbox.internet_address}/5000'")
        finally:
            lab.server.choices.with_name(OTHERS).unlink()
            harden(lab)
    print(
        f"fault whole-server v4={found['v4']} v6={found['v6']} "
        f"control_v4={control['v4']} control_v6={control['v6']} recovered=0.0s"
    )
    assert control["v4"] > 0
    assert control["v6"] > 0
    assert (found["v4"], found["v6"]) == (0, 0), found


def test_switched_off_nothing_is_left(lab: Lab) -> None:
    with chosen(lab, {"killswitch_mode": "off"}):
        harden(lab)
        assert harden(lab).changed == []
        assert "killswitch" not in lab.root(
            "nft list tables; ls -R /etc/systemd/system; ls -A /etc/mediastack/killswitch"
        )
        assert "ms-" not in lab.root("ip rule; ip -6 rule")
        assert lab.root("systemctl is-active docker").strip() == "active"
    harden(lab)
    lab.root(f"{KILLSWITCH} check")
    lab.recover()
