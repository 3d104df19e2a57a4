"""A torrent in the VPN zone: the real qBittorrent there, its peer and a tracker on the far side."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediastack_provision.sandbox import names
from mediastack_provision.sandbox.docker import find_engine
from mediastack_provision.sandbox.peers import SERVED_LABEL

if TYPE_CHECKING:
    from tests.integration.leak.lab import Lab

PROGRAM = Path(__file__).parent / "programs" / "seeder.py"
IMAGE = "lscr.io/linuxserver/qbittorrent:5.2.3"
FOLDER = "/root/leak"  # on the server
PASSWORD = f"{FOLDER}/password"
# The peer answers through the tunnel alone: a flow that got out would go on in the kernels when its client is gone.
ANSWERS = """nft -f - <<'NFT'
table inet leak {
    chain output {
        type filter hook output priority 0;
        oifname "eth0" ip saddr 198.51.100.78 drop
        oifname "eth0" ip6 saddr 2001:db8:f::78 drop
    }
}
NFT
ip address add 198.51.100.78/32 dev inet; ip -6 address add 2001:db8:f::78/128 dev inet nodad
"""
# By the provider's way in: libtorrent listens to each address on its own device alone.
LISTENS = """for i in $(seq 300); do
    nsenter --net=/run/netns/provider bash -c ': < /dev/tcp/198.51.100.78/6969 && : < /dev/tcp/198.51.100.78/6881' \\
        2>/dev/null && exit 0
    sleep 0.1
done
exit 1
"""
# In the provider's namespace: what the tunnel carries to and from the peer.
CARRIED = """nsenter --net=/run/netns/provider nft -f - <<'NFT'
table inet leak {
    counter to {}
    counter from {}
    chain forward {
        type filter hook forward priority 0;
        iifname "wg0" ip daddr 198.51.100.78 counter name "to"
        oifname "wg0" ip saddr 198.51.100.78 counter name "from"
    }
}
NFT
"""
COUNTERS = "nsenter --net=/run/netns/provider nft -j list counters table inet leak"


class Swarm:
    """The torrent client of a lab, and its peer."""

    def __init__(self, lab: Lab) -> None:
        """Nothing runs yet."""
        self.lab = lab
        self.box = lab.server.sandbox.internet
        self.container = names.container(lab.server.sandbox.name, "peer")

    def start(self) -> None:
        """The peer on the far side, then the client's torrent."""
        self.lab.box(ANSWERS + CARRIED)
        self._start_peer()
        password = self.lab.server.secrets()["qbittorrent"]["web_password"]
        self.lab.root(f"umask 077; printf %s {shlex.quote(password)} > {PASSWORD}")

    def _start_peer(self) -> None:
        """The image that the sandbox's registry serves, beside the sandbox's Internet; it ends with the sandbox."""
        engine = find_engine()
        label = (engine.inspect("container", self.box) or {})["Config"]["Labels"][SERVED_LABEL]
        image = json.loads(label)[IMAGE]
        engine.run(
            "create", "--name", self.container, "--label", names.label(self.lab.server.sandbox.name),
            "--network", f"container:{self.box}", "--cap-drop", "ALL", "--entrypoint", "standin-python",
            image, "-u", f"/{PROGRAM.name}", "/srv/leak",
        )  # fmt: skip
        engine.run("cp", "--quiet", str(PROGRAM), f"{self.container}:/{PROGRAM.name}")
        engine.run("start", self.container)
        self.lab.box(LISTENS)

    def tell(self, verb: str) -> str:
        """Have the client's owner do something."""
        return self.lab.enter(f"timeout 120 python3 -I {FOLDER}/torrent.py {verb} {PASSWORD}")

    def ready(self) -> None:
        """Wait until the client gets bytes from its peer."""
        self.tell("ready")

    def state(self) -> dict[str, int]:
        """``{"seeds": connected peers, "downloaded": bytes}``, as the client says."""
        found: dict[str, int] = json.loads(self.tell("state"))
        return found

    def carried(self) -> dict[str, int]:
        """Bytes of the torrent that the tunnel has carried so far, counted at its far end: ``{"to": n, "from": n}``."""
        listed: list[dict[str, Any]] = json.loads(self.lab.box(COUNTERS))["nftables"]
        return {one["counter"]["name"]: one["counter"]["bytes"] for one in listed if "counter" in one}
