"""A forward HTTP proxy that writes down what it fetched: what a home or office puts before the Internet.

Run with the port and the log file as arguments; fetches only plain HTTP, from the sandbox's own network.
"""

import http.server
import sys
import urllib.error
import urllib.request
from pathlib import Path


class Proxy(http.server.BaseHTTPRequestHandler):
    """Answers `GET http://host/path` with what that host answers."""

    def do_GET(self) -> None:
        with Path(sys.argv[2]).open("a", encoding="utf-8") as log:
            log.write(self.path + "\n")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self.path, timeout=30) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Say nothing on the terminal."""


http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Proxy).serve_forever()
