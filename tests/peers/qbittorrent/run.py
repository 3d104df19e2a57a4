"""Seed a configuration when there is none, then become qbittorrent-nox."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from peers.framework import journal

# what the image's own default configuration says, as far as it matters here
DEFAULT = """[AutoRun]
enabled=false
program=

[BitTorrent]
Session\\AddTorrentStopped=false
Session\\DefaultSavePath=/downloads/
Session\\Port=6881
Session\\TempPath=/downloads/incomplete/

[LegalNotice]
Accepted=true

[Preferences]
Connection\\PortRangeMin=6881
WebUI\\Address=*
WebUI\\ServerDomains=*
"""


def main() -> None:
    """Never returns."""
    config = Path("/config/qBittorrent/qBittorrent.conf")
    if not config.exists():
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(DEFAULT, "utf-8")
    arguments = ["qbittorrent-nox", f"--webui-port={os.environ.get('WEBUI_PORT') or '8080'}"]
    if os.environ.get("TORRENTING_PORT"):
        arguments.append(f"--torrenting-port={os.environ['TORRENTING_PORT']}")
    journal.say(f"qBittorrent starts: {' '.join(arguments)}")
    sys.stdout.flush()
    os.execvp(arguments[0], arguments)  # noqa: S606


if __name__ == "__main__":
    main()
