"""FlareSolverr 3: answers its API, fetches plain pages, solves nothing."""

from __future__ import annotations

import os
import time
from typing import Any

from peers.framework import web
from peers.framework.client import UnreachableError, call
from peers.framework.web import Request, Response

VERSION = "3.5.0"
MAX_TIMEOUT = 5.0


class FlareSolverr(web.Application):
    """No key; commands over POST /v1."""

    name = "FlareSolverr (stand-in)"

    def __init__(self) -> None:
        """Add the routes."""
        super().__init__()
        self._sessions: set[str] = set()
        self.route("GET", "/", self.index, open_to_all=True)
        self.route("GET", "/health", lambda request: {"status": "ok"}, open_to_all=True)
        self.route("POST", "/v1", self.command, open_to_all=True)

    def index(self, request: Request) -> dict[str, Any]:
        """GET /."""
        return {"msg": "FlareSolverr is ready!", "version": VERSION, "userAgent": "mediastack-standin"}

    def command(self, request: Request) -> Response:
        """POST /v1: an error is status 500 with `status: error`."""
        body, start = request.object(), int(time.time() * 1000)
        try:
            result: dict[str, Any] = {"status": "ok", "message": "", **self._run(body)}
        except (UnreachableError, ValueError) as error:
            result = {"status": "error", "message": f"Error: {error}"}
        result |= {"startTimestamp": start, "endTimestamp": int(time.time() * 1000), "version": VERSION}
        return Response(200 if result["status"] == "ok" else 500, result)

    def _run(self, body: dict[str, Any]) -> dict[str, Any]:
        name = body.get("cmd")
        if not name:
            raise ValueError("Request parameter 'cmd' is mandatory.")
        if name == "sessions.list":
            return {"sessions": sorted(self._sessions)}
        if name == "sessions.create":
            session = str(body.get("session") or f"session-{len(self._sessions) + 1}")
            self._sessions.add(session)
            return {"session": session, "message": "Session created successfully."}
        if name == "sessions.destroy":
            if body.get("session") not in self._sessions:
                raise ValueError("The session doesn't exist.")
            self._sessions.discard(body["session"])
            return {"message": "The session has been removed."}
        if name in {"request.get", "request.post"}:
            return self._fetch(name, body)
        raise ValueError(f"Request parameter 'cmd' = '{name}' is invalid.")

    def _fetch(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        url = body.get("url")
        if not url:
            raise ValueError("Request parameter 'url' is mandatory in 'request.get' command.")
        method = "POST" if name == "request.post" else "GET"
        seconds = min(float(body.get("maxTimeout") or 60000) / 1000, MAX_TIMEOUT)
        answer = call(method, str(url), timeout=seconds)
        text = answer.body.decode("utf-8", "replace")
        solution = {"url": url, "status": answer.status, "cookies": [], "headers": answer.headers,
                    "response": text, "userAgent": "mediastack-standin"}  # fmt: skip
        return {"message": "Challenge not detected!", "solution": solution}


def main() -> None:
    """Serve on HOST and PORT, as the real one reads them."""
    web.serve(
        FlareSolverr(),
        os.environ.get("HOST", "*").replace("0.0.0.0", "*"),
        int(os.environ.get("PORT", "8191")),
    )


if __name__ == "__main__":
    main()
