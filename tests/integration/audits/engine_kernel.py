"""The kernel under the engine, from a container of its own; and a sandbox that may write some of its settings."""

from __future__ import annotations

import contextlib
import dataclasses
import shlex
from collections.abc import Iterable, Iterator, Mapping

from tests.integration.audits import writable
from tests.integration.servers import Server

from mediastack_provision.project import state_dir
from mediastack_provision.sandbox.docker import Docker, find_engine

# What writing a kernel setting takes, and no more: an engine may itself have less than everything.
OPTIONS = (
    *("--rm", "--interactive", "--network", "none", "--cap-drop", "ALL", "--cap-add", "SYS_ADMIN"),
    *("--security-opt", "systempaths=unconfined", "--security-opt", "apparmor=unconfined"),
)


@dataclasses.dataclass(frozen=True)
class EngineKernel:
    """Reads and writes where the engine runs, be that here or in a virtual machine. `image` has a shell."""

    docker: Docker
    image: str

    def shell(self, script: str) -> str:
        """Run a script that sees the whole of /proc/sys."""
        return self.docker.run("run", *OPTIONS, "--entrypoint", "/bin/sh", self.image, "-s", stdin=script)

    def boot(self) -> str:
        """The kernel's own name for this boot."""
        return self.shell("cat /proc/sys/kernel/random/boot_id\n").strip()

    def read(self, names: Iterable[str]) -> dict[str, str]:
        """The value of each setting that this kernel has."""
        lines = [f"[ ! -e {file} ] || echo {name}=$(cat {file})" for name, file in files(names)]
        pairs = (line.partition("=") for line in self.shell("\n".join([*lines, ""])).splitlines())
        return {name: " ".join(value.split()) for name, _, value in pairs}

    def write(self, values: Mapping[str, str]) -> None:
        """Set them; what the kernel refuses is seen by reading."""
        lines = [f"echo {shlex.quote(values[name])} > {file} || true" for name, file in files(values)]
        self.shell("\n".join([*lines, ""]))


def files(names: Iterable[str]) -> list[tuple[str, str]]:
    """Each name with its file."""
    return [(name, shlex.quote(writable.path_of(name))) for name in names]


@contextlib.contextmanager
def writing(made: Server) -> Iterator[list[str]]:
    """The kernel settings that a server may write until the end: none, unless that was asked for.

    Each becomes a mount of its own in that one container; all others stay as they can only be read. They are closed
    again before they are put back, so that nothing writes them afterwards.
    """
    if not writable.asked():
        yield []
        return
    docker = find_engine()
    image = (docker.inspect("container", made.sandbox.container) or {})["Image"]
    wanted = writable.wanted()
    for name, reason in writable.split(wanted)[1].items():
        print(f"\nkernel setting left alone: {name}: {reason}")
    path = state_dir() / "test-kernel-settings.json"
    with writable.borrowed(EngineKernel(docker, image), path, wanted) as names:
        places = " ".join(file for _name, file in files(names))
        made.root(f"for f in {places}; do mount --bind $f $f; mount -o remount,bind,rw $f; done")
        print(f"\nkernel settings written for this audit: {', '.join(names)}")
        try:
            yield names
        finally:
            made.root(f"for f in {places}; do umount $f || true; done", check=False)
