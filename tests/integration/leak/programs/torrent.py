"""On the server, in the gateway's namespace: the owner of the torrent client, who uses its Web API.

Usage: torrent.py ready PASSWORD   a torrent with a peer that sends, whatever it takes
       torrent.py dial PASSWORD    peers of both families to which it has never talked
       torrent.py state PASSWORD   JSON: {"seeds": connected peers, "downloaded": bytes}
"""

from __future__ import annotations

import http.client
import http.cookiejar
import json
import os
import random
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

API = "http://127.0.0.1:8080/api/v2/"
TORRENT, KEPT = "http://198.51.100.78:6969/leak.torrent", Path("/root/leak/leak.torrent")
PEERS = ("198.51.100.78", "[2001:db8:f::78]")
RATE = 48 << 10  # bytes a second: it lasts longer than the faults
# Nothing of its own keeps the client in: what is measured is the host. TCP goes where the routes lead.
CHOICES = {
    "current_network_interface": "",
    "current_interface_address": "",
    "bittorrent_protocol": 1,
    "enable_multi_connections_from_same_ip": True,
}
# Seconds: in all; until a torrent appears; until it is added again; until the client is started anew.
PATIENCE, ADDING, AGAIN, ANEW = 90, 2, 5, 15
COMPOSE = "docker compose -f /opt/mediastack/compose/mediastack/compose.yml up -d --no-deps --force-recreate"


class Client:
    """A session of the Web API."""

    def __init__(self, password: str) -> None:
        """Sign in."""
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar)
        self.post("auth/login", username="admin", password=password)

    def get(self, path: str) -> Any:
        """What it says."""
        with self.opener.open(API + path, timeout=5) as answer:
            return json.load(answer)

    def post(self, path: str, **fields: object) -> None:
        """Tell it something."""
        data = urllib.parse.urlencode(fields).encode()
        self.opener.open(API + path, data, timeout=5).close()

    def torrents(self) -> list[dict[str, Any]]:
        """What it has: our torrent, or nothing."""
        found: list[dict[str, Any]] = self.get("torrents/info")
        return found

    def add(self) -> None:
        """Add the torrent, from its beginning."""
        for one in self.torrents():
            self.post("torrents/delete", hashes=one["hash"], deleteFiles="true")
        boundary = os.urandom(12).hex()
        fields = {"savepath": "/config/leak", "autoTMM": "false", "dlLimit": str(RATE), "stopped": "false"}
        parts = [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
        head = b'name="torrents"; filename="leak.torrent"\r\nContent-Type: application/x-bittorrent\r\n\r\n'
        parts.append(head + KEPT.read_bytes())
        mark = f"--{boundary}\r\nContent-Disposition: form-data; ".encode()
        body = b"".join(mark + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        self.opener.open(urllib.request.Request(f"{API}torrents/add", body, kind), timeout=10).close()

    def dial(self, port: int) -> None:
        """Tell it of peers."""
        peers = "|".join(f"{peer}:{port}" for peer in PEERS)
        for one in self.torrents():
            self.post("torrents/addPeers", hashes=one["hash"], peers=peers)


def ready(password: str) -> None:
    """Until bytes come in from a peer; starts the client anew where it does not answer."""
    if not KEPT.exists():
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(TORRENT, timeout=10) as answer:
            KEPT.write_bytes(answer.read())
    client, said = None, ""
    began = added = answered = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        try:
            if client is None:
                client = Client(password)
                client.post("app/setPreferences", json=json.dumps(CHOICES))
            answered, found = time.monotonic(), client.torrents()
            said = json.dumps(found)
            if any(one["num_seeds"] and one["dlspeed"] for one in found):
                return
            if time.monotonic() - added > (AGAIN if found else ADDING):
                client.add()
                added = time.monotonic()
        except (OSError, http.client.HTTPException, ValueError) as error:
            client, said = None, str(error)
        if time.monotonic() - answered > ANEW:
            subprocess.run([*COMPOSE.split(), "qbittorrent"], capture_output=True, timeout=60, check=False)
            answered = time.monotonic()
        time.sleep(0.3)
    sys.exit(f"the torrent client has no peer: {said}")


def main() -> None:
    verb, password = sys.argv[1], Path(sys.argv[2]).read_text("utf-8").strip()
    if verb == "ready":
        ready(password)
        return
    client = Client(password)
    if verb == "dial":
        client.dial(random.randrange(20000, 60000))  # noqa: S311  nothing is secret here
        return
    found = client.torrents()
    print(json.dumps({key: sum(one[name] for one in found) for key, name in
                      (("seeds", "num_seeds"), ("downloaded", "downloaded"))}))  # fmt: skip


if __name__ == "__main__":
    main()
