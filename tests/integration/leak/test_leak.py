"""Nothing of the VPN zone leaves the server but through its tunnel, whatever happens to tunnel, gateway and host.

Every fault is done twice: with the kill-switch off, where packets have to be seen outside, and with it, where none may
be. The gateway's own firewall is off throughout.
"""

from __future__ import annotations

import pytest
from tests.integration.leak.faults import FAULTS
from tests.integration.leak.lab import Lab

FORWARDED = ("names-through-a-forwarder-on-the-bridge",)
ONE_LAYER = ("routing-alone",)  # which does not see what the host is asked


@pytest.mark.parametrize("name", list(FAULTS))
def test_nothing_leaves(lab: Lab, name: str) -> None:
    lab.off()
    try:
        lab.begin()
        FAULTS[name](lab)
        control = lab.since()
        lab.recover(hurry=True)
    finally:
        lab.on()
    lab.recover()
    lab.forget_flows()
    lab.begin()
    FAULTS[name](lab)
    found = lab.since()
    if name in ONE_LAYER:
        found = {**found, **{version: outside(found, version, name) for version in ("v4", "v6")}}
    recovered = lab.recover()
    open_ways = {version: outside(control, version, name) for version in ("v4", "v6")}
    print(
        f"fault {name} v4={found['v4']} v6={found['v6']} "
        f"control_v4={open_ways['v4']} control_v6={open_ways['v6']} recovered={recovered:.1f}s"
    )
    assert open_ways["v4"] > 0, control
    assert open_ways["v6"] > 0, control
    assert (found["v4"], found["v6"]) == (0, 0), found


def outside(counts: dict[str, int], version: str, name: str) -> int:
    """What got out; questions that the host passed on count only where they are the fault."""
    passed_on = counts.get(f"{version}-passed-on", 0)
    return passed_on if name in FORWARDED else counts[version] - passed_on
