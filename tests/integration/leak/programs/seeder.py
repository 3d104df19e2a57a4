"""A peer of the torrent client's, on the far side: a tracker, and the real qBittorrent with all of one torrent.

Usage: seeder.py FOLDER

The tracker (BEP 3, 7 and 23) tells everybody of this one peer, by both families; it hands out the torrent, too.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import random
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PEERS = ("198.51.100.78", "2001:db8:f::78")
PORT, TRACKER = 6881, 6969
PIECE, PIECES = 1 << 18, 1024  # 256 MiB
# Limited here, too: a client alone that reads slowly leaves the line still for seconds.
SETTINGS = f"""[BitTorrent]
Session\\Port={PORT}
Session\\BTProtocol=TCP
Session\\GlobalUPSpeedLimit=48
Session\\DHTEnabled=false
Session\\LSDEnabled=false
Session\\MultiConnectionsPerIp=true

[LegalNotice]
Accepted=true

[Network]
PortForwardingEnabled=false

[Preferences]
WebUI\\Address=127.0.0.1
WebUI\\Port=18080
"""


def bencode(value: object) -> bytes:
    """A value as torrents and trackers write it."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, list):
        return b"l" + b"".join(bencode(item) for item in value) + b"e"
    if isinstance(value, Mapping):
        return b"d" + b"".join(bencode(key) + bencode(value[key]) for key in sorted(value)) + b"e"
    data = value.encode() if isinstance(value, str) else bytes(value)  # type: ignore[call-overload]
    return b"%d:%s" % (len(data), data)


def content(path: Path) -> bytes:
    """Fill a file with what no disk has by itself; the hashes of its pieces."""
    source, hashes = random.Random(4), []  # noqa: S311  nothing is secret here
    with path.open("wb") as stream:
        for _ in range(PIECES):
            piece = source.randbytes(PIECE)
            stream.write(piece)
            hashes.append(hashlib.sha1(piece, usedforsecurity=False).digest())
    return b"".join(hashes)


def answer() -> bytes:
    """What the tracker tells."""
    packed = [ipaddress.ip_address(peer).packed + struct.pack("!H", PORT) for peer in PEERS]
    return bencode({"interval": 30, "min interval": 1, "complete": 1, "peers": packed[0], "peers6": packed[1]})


class Tracker(BaseHTTPRequestHandler):
    """GET /announce, GET /leak.torrent."""

    torrent = b""

    def do_GET(self) -> None:
        """Answer."""
        body = self.torrent if self.path == "/leak.torrent" else answer()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """For both families."""

    address_family = socket.AF_INET6
    daemon_threads = True


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    info = {
        "name": "leak.bin",
        "length": PIECE * PIECES,
        "piece length": PIECE,
        "pieces": content(folder / "leak.bin"),
    }
    trackers = [f"http://{PEERS[0]}:{TRACKER}/announce", f"http://[{PEERS[1]}]:{TRACKER}/announce"]
    Tracker.torrent = bencode({"announce": trackers[0], "announce-list": [[one] for one in trackers], "info": info})
    own = folder / "own.torrent"  # without a tracker: it would only be told of itself
    own.write_bytes(bencode({"info": info}))
    settings = Path(os.environ["XDG_CONFIG_HOME"], "qBittorrent/qBittorrent.conf")
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(SETTINGS, "ascii")
    threading.Thread(target=Server(("::", TRACKER), Tracker).serve_forever, daemon=True).start()
    words = ["--confirm-legal-notice", "--skip-hash-check", f"--save-path={folder}", str(own)]
    sys.exit(subprocess.run(["qbittorrent-nox", *words], check=False).returncode)


if __name__ == "__main__":
    main()
