"""Which images are missing, and pulling them: several at once, bounded in tries, each failure explained."""

from __future__ import annotations

import platform
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import (
    Docker,
    familiar,
    pinned,
    repository_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

AT_ONCE = 3
MACHINES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "armv6l": "arm",
    "i686": "386",
    "riscv64": "riscv64",
}
# What the engine says, what it means to an owner, whether trying again can help. The first match counts.
REASONS = (
    ("no space left on device", "no space left on the server's disk. Free some, then run again", False),
    ("no matching manifest", "there is no build of it for this server's architecture ({arch})", False),
    ("unauthorized", "the registry wants a login. `docker login` there, or choose another image", False),
    (
        "authentication required",
        "the registry wants a login. `docker login` there, or choose another image",
        False,
    ),
    ("pull access denied", "it does not exist, or the registry wants a login. Check its name", False),
    ("denied", "the registry refuses access. `docker login` there, or choose another image", False),
    ("manifest unknown", "the registry has no such tag or digest. Check tag and digest", False),
    ("manifest for", "the registry has no such tag or digest. Check tag and digest", False),
    ("repository does not exist", "the registry has no such image. Check its name", False),
    ("repository name not known", "the registry has no such image. Check its name", False),
    ("name unknown", "the registry has no such image. Check its name", False),
    ("invalid reference format", "that is not the name of an image", False),
    ("toomanyrequests", "the registry limits pulls. Wait, or log in with `docker login`", False),
    ("no such host", "the registry's name cannot be resolved. Check the server's DNS", True),
    ("connection refused", "the registry does not answer", True),
    ("certificate", "the registry's certificate is not trusted by the engine", False),
    ("took longer than", "the pull took too long", True),
)


class PullError(Exception):
    """Images that cannot be had, one line each. Nothing that runs was touched."""


@dataclass(frozen=True)
class Wanted:
    """An image and who needs it."""

    reference: str
    digest: str | None = None
    instances: tuple[str, ...] = ()

    @property
    def asked(self) -> str:
        """What the engine is asked for."""
        return pinned(self.reference, self.digest)


def wanted_of(items: Sequence[Mapping[str, Any]]) -> list[Wanted]:
    """One entry per reference, with everyone who needs it."""
    merged: dict[str, Wanted] = {}
    for item in items:
        reference = item["reference"]
        before = merged.get(reference, Wanted(reference, item.get("digest") or None))
        users = sorted({*before.instances, *(item.get("instances") or ())})
        merged[reference] = Wanted(reference, before.digest or item.get("digest") or None, tuple(users))
    return list(merged.values())


def architecture() -> str:
    """Name of the machine's architecture, as images have it."""
    machine = platform.machine()
    return MACHINES.get(machine, machine)


def digest_in(repository_digests: Sequence[str], reference: str) -> str | None:
    """The digest that belongs to the reference's own repository."""
    repository = familiar(repository_of(reference))
    for text in repository_digests:
        name, _, digest = text.partition("@")
        if familiar(name) == repository:
            return digest
    return None


def local(docker: Docker, wanted: Sequence[Wanted]) -> dict[str, dict[str, Any]]:
    """What the engine has, by reference: ``{digest, arch}``."""
    if not wanted:
        return {}
    template = "{{json .RepoDigests}} {{json .RepoTags}} {{.Architecture}}"
    together = docker.run("image", "inspect", "--format", template, *[item.asked for item in wanted])
    lines = together.out.strip().splitlines()
    if len(lines) == len(wanted):
        return {wanted[index].reference: _parse(line, wanted[index]) for index, line in enumerate(lines)}
    found = {}
    for item in wanted:
        alone = docker.run("image", "inspect", "--format", template, item.asked)
        if alone.code == 0:
            found[item.reference] = _parse(alone.out.strip(), item)
    return found


def _parse(line: str, item: Wanted) -> dict[str, Any]:
    digests, _, rest = line.partition("] ")
    names = [text.strip('"') for text in digests.lstrip("[").split(",") if text]
    return {"digest": item.digest or digest_in(names, item.reference), "arch": rest.rpartition(" ")[2]}


def explain(said: str, arch: str) -> tuple[str, bool]:
    """What a refusal means, and whether trying again can help."""
    lowered = said.lower()
    for text, meaning, again in REASONS:
        if text in lowered:
            return meaning.format(arch=arch), again
    return "the pull failed", True


def pull(
    docker: Docker, item: Wanted, tries: int, timeout: float, sleep: Callable[[float], None] = time.sleep
) -> str | None:
    """Pull one image; None when it is here, otherwise the line for the owner."""
    arch = architecture()
    meaning, said = "", ""
    for attempt in range(1, tries + 1):
        done = docker.run("pull", "--quiet", item.asked, timeout=timeout)
        if done.code == 0:
            return None
        said = done.said
        meaning, again = explain(said, arch)
        if not again:
            break
        if attempt < tries:
            sleep(2.0**attempt)
    return complaint(item, f"{meaning}. The engine says: {said}")


def complaint(item: Wanted, reason: str) -> str:
    """One line that names image, services and reason."""
    users = f" (needed by {', '.join(item.instances)})" if item.instances else ""
    return f"{item.asked}{users}: {reason}"


def pull_all(docker: Docker, items: Sequence[Wanted], tries: int, timeout: float) -> None:
    """Pull several at once; raises PullError with every image that cannot be had."""
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        complaints = list(pool.map(lambda item: pull(docker, item, tries, timeout), items))
    lines = [text for text in complaints if text]
    if lines:
        raise PullError("\n".join([*lines, "Nothing that runs was touched."]))


def check_architecture(items: Sequence[Wanted], found: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise PullError for an image that is here but built for another machine."""
    arch = architecture()
    lines = [
        complaint(item, f"it is built for {found[item.reference]['arch']}, and this server is {arch}")
        for item in items
        if item.reference in found and found[item.reference]["arch"] not in ("", arch)
    ]
    if lines:
        raise PullError("\n".join([*lines, "Nothing that runs was touched."]))
