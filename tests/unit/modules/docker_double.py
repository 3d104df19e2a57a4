"""A docker command line that answers from a table and remembers what it was asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import Docker, Output

if TYPE_CHECKING:
    from collections.abc import Sequence


class Recorder:
    """Answers the first entry whose words begin the command; an unknown command is the test's mistake."""

    def __init__(self, *answers: tuple[str, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[list[str]] = []

    def __call__(self, argv: Sequence[str], timeout: float) -> Output:
        words = list(argv[1:])
        self.asked.append(words)
        for start, answer in self.answers:
            if " ".join(words).startswith(start):
                said = answer(words) if callable(answer) else answer
                return said if isinstance(said, Output) else Output(0, said, "")
        raise AssertionError(f"not expected: docker {' '.join(words)}")

    @property
    def docker(self) -> Docker:
        return Docker(self)

    def commands(self, *verbs: str) -> list[str]:
        """What was asked that begins with one of these words."""
        lines = [" ".join(words) for words in self.asked]
        return [line for line in lines if line.startswith(verbs)]


def raw(name: str, state: str = "running", **more: Any) -> dict[str, Any]:
    """A container as `docker inspect` prints it."""
    health = more.pop("health", None)
    inner = {"Status": state, "StartedAt": "2026-01-01T00:00:00Z", "ExitCode": more.pop("exit_code", 0)}
    if health:
        inner["Health"] = {"Status": health, "Log": [{"ExitCode": 1, "Output": "connection refused\n"}]}
    labels = {"mediastack.managed": "true", "mediastack.instance": name, "com.docker.compose.service": name}
    return {
        "Id": f"id-{name}",
        "Name": f"/{name}",
        "Image": "sha256:image",
        "RestartCount": more.pop("restarts", 0),
        "State": inner,
        "Config": {"Image": f"{name}:1", "Labels": {**labels, "com.docker.compose.project": "stack"}},
        "HostConfig": {"NetworkMode": "net", "RestartPolicy": {"Name": "unless-stopped"}},
        "NetworkSettings": {"Networks": {"net": {"IPAddress": "198.18.0.5"}}},
        **more,
    }


def listing(*containers: dict[str, Any]) -> str:
    return json.dumps(containers)
