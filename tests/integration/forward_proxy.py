"""A forward HTTP proxy that writes down what it fetched: what a home or office puts before the Internet.

Run with the port and the log file as arguments. It stands on the machine that serves the sandbox's packages, so it
asks this machine for everything, by the name that the client asked for.
"""

import http.client
import http.server
import sys
import urllib.parse
from pathlib import Path


class Proxy(http.server.BaseHTTPRequestHandler):
    """Answers `GET http://host/path` with what that host answers."""

    def do_GET(self) -> None:
        with Path(sys.argv[2]).open("a", encoding="utf-8") as log:
            log.write(self.path + "\n")
        wanted = urllib.parse.urlsplit(self.path)
        server = http.client.HTTPConnection("127.0.0.1", wanted.port or 80, timeout=30)
        server.request("GET", wanted.path, headers={"Host": wanted.netloc})
        answer = server.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Say nothing on the terminal."""


http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Proxy).serve_forever()
