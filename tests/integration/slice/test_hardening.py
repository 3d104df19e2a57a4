"""A container that holds more than it declares is named by verify, in the kernel's words, and made anew by apply."""

from __future__ import annotations

from tests.integration.servers import Server

TAKES_EVERYTHING = """
image=$(docker inspect -f '{{.Config.Image}}' flaresolverr)
docker rm -f flaresolverr >/dev/null
docker run -d --name flaresolverr --label mediastack.managed=true --label mediastack.instance=flaresolverr \\
    --privileged --pid host --network host -v /run:/host --entrypoint sleep "$image" 600
"""
PROBLEMS = (
    "SYS_ADMIN",
    "its programs may gain privileges",
    "its system calls are not filtered",
    "shares the host's processes",
    "shares the host's network",
    "has the engine's socket, by /run",
)


def test_a_container_that_takes_more_than_declared_is_named(converged: Server) -> None:
    converged.root(TAKES_EVERYTHING)
    proof = converged.play("playbooks/verify.yml")
    assert proof.returncode != 0
    for problem in PROBLEMS:
        assert problem in proof.failure
    converged.apply()
    assert converged.play("playbooks/verify.yml").returncode == 0
