"""Nothing of the VPN zone leaves the server but through its tunnel, whatever happens to tunnel, gateway and host.

Every fault is done twice: with the kill-switch off, where packets have to be seen outside, and with it, where none may
be. The gateway's own firewall is off throughout.
"""

from __future__ import annotations

import json
import time

import pytest
from tests.integration.leak.faults import FAULTS
from tests.integration.leak.lab import Lab, control_of

FORWARDED = ("names-through-a-forwarder-on-the-bridge",)
TORRENT = ("torrent-client-astray",)
ONE_LAYER = ("routing-alone",)  # which does not see what the host is asked
VERSIONS = ("v4", "v6")
PATIENCE = 30  # seconds, for bytes of a slow transfer on a busy machine
TIMES = 3  # that a fault is done in a soak


def test_the_torrent_client_has_a_peer(lab: Lab) -> None:
    """The real qBittorrent, and a transfer that the tunnel carries: counted at its far end."""
    moved(lab, "before the faults")


@pytest.mark.parametrize("name", list(FAULTS))
def test_nothing_leaves(lab: Lab, name: str, soak: bool) -> None:
    control = control_of(lambda: without(lab, name))
    for _ in range(TIMES if soak else 1):
        found = within(lab, name)
        recovered = lab.recover()
        print(
            f"fault {name} v4={found['v4']} v6={found['v6']} "
            f"control_v4={control['v4']} control_v6={control['v6']} recovered={recovered:.1f}s",
            flush=True,
        )
        lab.swarm.ready()
        assert (found["v4"], found["v6"]) == (0, 0), found
    assert control["v4"] > 0, control
    assert control["v6"] > 0, control


def without(lab: Lab, name: str) -> dict[str, int]:
    """The fault without the kill-switch: what is seen of the way that the fault opens."""
    lab.off()
    try:
        lab.begin()
        FAULTS[name](lab)
        counts = lab.since()
        lab.recover(hurry=True)
    finally:
        lab.on()
    lab.recover()
    lab.forget_flows()
    lab.swarm.ready()
    control = {**counts, **{version: way_out(counts, version, name) for version in VERSIONS}}
    print(f"control {name} {json.dumps(control, sort_keys=True)}")
    return control


def within(lab: Lab, name: str) -> dict[str, int]:
    """The fault with the kill-switch: every packet of the zone that is seen outside."""
    lab.begin()
    FAULTS[name](lab)
    counts = lab.since()
    if name in ONE_LAYER:
        passed_on = {version: counts.get(f"{version}-passed-on", 0) for version in VERSIONS}
        return {**counts, **{version: counts[version] - passed_on[version] for version in VERSIONS}}
    return counts


def way_out(counts: dict[str, int], version: str, name: str) -> int:
    """What a control shows: questions that the host passed on count only where they are the fault, and so do peers."""
    passed_on, peers = (counts.get(f"{version}-{kind}", 0) for kind in ("passed-on", "peer"))
    if name in FORWARDED:
        return passed_on
    return peers if name in TORRENT else counts[version] - passed_on - peers


def test_the_torrent_client_has_a_peer_again(lab: Lab) -> None:
    moved(lab, "after the faults")


def moved(lab: Lab, when: str) -> None:
    """Fails unless bytes of the torrent come through the tunnel, and none past it."""
    lab.swarm.ready()
    lab.begin()
    before, moved_on = lab.swarm.carried(), {"to": 0, "from": 0}
    for _ in range(PATIENCE):
        time.sleep(1)
        moved_on = {way: count - before[way] for way, count in lab.swarm.carried().items()}
        if all(moved_on.values()):
            break
    state = lab.swarm.state()
    print(f"torrent {when}: peers={state['seeds']} bytes_to_them={moved_on['to']} bytes_from_them={moved_on['from']}")
    assert state["seeds"] > 0
    assert moved_on["to"] > 0
    assert moved_on["from"] > 0
    since = lab.since()
    assert (since["v4"], since["v6"]) == (0, 0), since
