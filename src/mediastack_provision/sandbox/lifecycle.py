"""Make, find and remove sandboxes."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mediastack_provision.exits import Exit, UserError
from mediastack_provision.sandbox import inventory, machine, names, server, state
from mediastack_provision.sandbox.docker import DockerError, find_engine
from mediastack_provision.sandbox.images import INTERNET_ALIAS, KINDS, Images, alias, find_source, pool_alias
from mediastack_provision.sandbox.peers import PeerImages
from mediastack_provision.sandbox.ports import LOOPBACK, choose
from mediastack_provision.sandbox.progress import Progress
from mediastack_provision.sandbox.state import Sandbox, WireGuard

if TYPE_CHECKING:
    from ipaddress import IPv4Network

    from mediastack_provision.sandbox.docker import Docker

WAITING = "another process is building sandboxes: waiting for it"
BOOT_LIMIT = 90.0  # seconds
READY = ["test", "-e", "/run/ready"]  # what the Internet's services leave when all of them listen
HTTP_PORT, HTTPS_PORT = 10080, 10443  # asked for first; the same inside and outside, so that URLs can be clicked


@dataclass(frozen=True)
class Parts:
    """The images and package pools a sandbox is started from."""

    server: str
    internet: str
    pools: list[str]


def builder(docker: Docker, progress: Progress) -> Images:
    """What builds images from the checkout.

    Raises:
        UserError: when this installation is not a checkout.

    """
    return Images(docker, find_source(), machine.cache_directory(), machine.mirror(), progress)


def parts(docker: Docker, progress: Progress, release: machine.Release, kind: str) -> Parts:
    """The newest images: built where there is a checkout, else those that were built before."""
    try:
        images = builder(docker, progress)
    except UserError:
        pool = pool_alias(machine.cache_directory(), release)
        found = Parts(alias(release.name, kind), INTERNET_ALIAS, [str(pool.resolve())] if pool.is_dir() else [])
        if docker.exists("image", found.server) and docker.exists("image", found.internet):
            return found
        raise
    pool = images.pool(release)
    return Parts(images.server(release, kind), PeerImages(images).internet(), [str(pool)])


def build(images: Images, what: str) -> str:
    """Build one server (`<release>-<kind>`) or the `internet`; returns the image.

    Raises:
        UserError: when there is no such image, or it cannot be built.

    """
    with machine.locked(lambda: images.progress.say(WAITING)):
        if what == "internet":
            return PeerImages(images).internet()
        release, _, kind = what.partition("-")
        return images.server(machine.release(release), checked_kind(kind or "bare"))


def checked_kind(kind: str) -> str:
    """A kind of server image.

    Raises:
        UserError: when there is no such kind.

    """
    if kind not in KINDS:
        raise UserError(f"No sandbox server of kind {kind!r}: there are {', '.join(KINDS)}.")
    return kind


def up(
    name: str,
    release: str = machine.DEFAULT_RELEASE,
    kind: str = "bare",
    ports: tuple[int, ...] = (),
    progress: Progress | None = None,
) -> Sandbox:
    """Make a sandbox, or return the one of this name that is running.

    Args:
        name: what it is called
        release: a key of machine.RELEASES
        kind: one of images.KINDS: `minimal` has neither python3 nor sudo (SSH as root), `engine` has Docker baked in
        ports: more ports of the server to publish on free loopback ports
        progress: where to report; default: standard error

    Raises:
        UserError: what is wrong, and the remedy.

    """
    names.checked_name(name)
    checked_kind(kind)
    wanted = machine.release(release)
    progress = progress or Progress()
    docker = find_engine()
    if (found := _running(docker, name)) is not None:
        progress.say(f"sandbox {name} is running")
        inventory.write(found)
        return found
    with machine.locked(lambda: progress.say(WAITING)):
        used = parts(docker, progress, wanted, kind)
        _remove(docker, name)
        try:
            with progress.step(f"sandbox {name} ({release}, {kind})"):
                return _start(docker, name, wanted, kind, used, ports)
        except BaseException:
            _remove(docker, name)
            raise


def _running(docker: Docker, name: str) -> Sandbox | None:
    """The sandbox if it is there, started again where the engine or the machine had stopped it."""
    found = state.load(name)
    if found is None:
        return None
    for container in (found.internet, found.container):
        known = docker.inspect("container", container)
        if known is None:
            return None
        if not known["State"]["Running"]:
            docker.run("start", container)
        if container == found.internet:
            _wait(docker, container, READY)
    wait_for_ssh(found)
    return found


def _start(  # noqa: PLR0913, PLR0917  one value per decision that the caller has taken
    docker: Docker, name: str, release: machine.Release, kind: str, used: Parts, extra: tuple[int, ...]
) -> Sandbox:
    directory = state.create(name)
    subnet = _make_network(docker, name)
    box, address = names.address(subnet, names.INTERNET_HOST), names.address(subnet, names.SERVER_HOST)
    docker.run(*server.internet_argv(name, used.internet, box, address, used.pools))
    # Not those of a server that is starting again: it has none at the moment, and wants them back.
    published = choose(extra, HTTP_PORT, HTTPS_PORT, docker.published(names.LABEL))
    docker.run("volume", "create", "--label", names.label(name), names.volume(name))
    _wait(docker, names.container(name, "internet"), READY)
    docker.run(*server.server_argv(name, used.server, address, published.mapping()))
    sandbox = Sandbox(
        name=name,
        release=release.name,
        kind=kind,
        container=names.container(name, "server"),
        internet=names.container(name, "internet"),
        network=names.network(name),
        subnet=str(subnet),
        server_address=address,
        internet_address=box,
        host=LOOPBACK,
        port=published.ssh,
        user="root" if kind == "minimal" else server.ADMIN,
        private_key=str(directory / "id_ed25519"),
        known_hosts=str(directory / "known_hosts"),
        http_port=published.http,
        https_port=published.https,
        registry=names.REGISTRY,
        docker_repository=names.DOCKER_REPOSITORY,
        wireguard=_wireguard(docker, names.container(name, "internet")),
        ports={str(inside): outside for inside, outside in published.extra.items()},
    )
    _let_in(docker, sandbox)
    state.save(sandbox)
    inventory.write(sandbox)
    return sandbox


def _make_network(docker: Docker, name: str) -> IPv4Network:
    """Make the sandbox's network on a free subnet; another sandbox may take the same one at the same moment."""
    used = docker.subnets()
    while True:
        subnet = names.free_subnet(used)
        try:
            docker.run(*server.network_argv(name, str(subnet)))
        except DockerError as error:
            if "overlap" not in error.output:
                raise
            used.append(str(subnet))
        else:
            return subnet


def _wireguard(docker: Docker, box: str) -> WireGuard:
    """The account that the provider made for this sandbox."""
    folder = "/etc/mediastack-sandbox/wireguard"
    private, public = (docker.run("exec", box, "cat", f"{folder}/{key}") for key in ("client.key", "provider.pub"))
    return WireGuard(
        private_key=private.strip(),
        public_key=public.strip(),
        address=names.VPN_ADDRESS,
        port=names.VPN_PORT,
        addresses=[f"{names.TUNNEL_CLIENT}/32", f"{names.TUNNEL_CLIENT_V6}/128"],
        dns=names.TUNNEL_GATEWAY,
    )


def _let_in(docker: Docker, sandbox: Sandbox) -> None:
    """Give the server's user our key, and us the server's keys; both through the engine, so that neither is guessed."""
    key = sandbox.directory / "id_ed25519"
    if not key.exists():
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{names.PREFIX}-{sandbox.name}", "-f", str(key)]
        subprocess.run(argv, check=True, timeout=30, stdin=subprocess.DEVNULL)
    public = key.with_suffix(".pub").read_text(encoding="ascii").strip()
    _wait(docker, sandbox.container, ["systemctl", "is-active", "--quiet", "ssh.service"])
    docker.run("exec", "--interactive", sandbox.container, "sh", "-s", stdin=server.user_script(sandbox.user, public))
    keys = docker.run("exec", sandbox.container, "sh", "-c", "cat /etc/ssh/ssh_host_*_key.pub").splitlines()
    text = server.known_hosts(sandbox.host, sandbox.port, keys)
    (sandbox.directory / "known_hosts").write_text(text, encoding="ascii")
    wait_for_ssh(sandbox)


def wait_for_ssh(sandbox: Sandbox) -> None:
    """Wait until a command runs over SSH.

    Raises:
        UserError: when none does within BOOT_LIMIT.

    """
    deadline = time.monotonic() + BOOT_LIMIT
    while True:
        done = subprocess.run(
            sandbox.ssh_argv("true"), capture_output=True, text=True, timeout=BOOT_LIMIT, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode == 0:
            return
        if time.monotonic() > deadline:
            raise UserError(f"The sandbox server does not answer over SSH:\n{done.stderr.strip()}", Exit.FAILED)
        time.sleep(0.2)


def _wait(docker: Docker, container: str, command: list[str]) -> None:
    """Wait until a command succeeds in a container that is still running."""
    deadline = time.monotonic() + BOOT_LIMIT
    while True:
        try:
            docker.run("exec", container, *command)
        except DockerError as error:
            state_now = (docker.inspect("container", container) or {}).get("State", {})
            if state_now.get("Running") and time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            said = docker.logs(container)
            raise UserError(f"{container} does not start ({' '.join(command)}):\n{said}", Exit.FAILED) from error
        else:
            return


def down(name: str, progress: Progress | None = None) -> bool:
    """Remove all that a sandbox has made; returns whether there was anything."""
    names.checked_name(name)
    progress = progress or Progress()
    docker = find_engine()
    count = _remove(docker, name)
    had_files = state.directory(name).is_dir()
    inventory.forget(state.directory(name))
    state.forget(name)
    progress.say(f"sandbox {name}: removed" if count or had_files else f"sandbox {name}: there is none")
    return bool(count) or had_files


def _remove(docker: Docker, name: str) -> int:
    return sum(docker.remove(kind, names.label(name)) for kind in ("container", "network", "volume"))


@dataclass(frozen=True)
class Row:
    """One line of the list of sandboxes."""

    name: str
    release: str
    state: str
    ssh: str


def listing() -> list[Row]:
    """All sandboxes that this engine or this user's files know of."""
    docker = find_engine()
    running: dict[str, str] = {}
    for line in docker.lines(
        "container", "ls", "--all", "--filter", f"label={names.LABEL}", "--format",
        f'{{{{.Label "{names.LABEL}"}}}} {{{{.State}}}} {{{{.Names}}}}',
    ):  # fmt: skip
        name, status, container = line.split(" ", 2)
        if container == names.container(name, "server"):
            running[name] = status
    rows = []
    for name in sorted({*running, *state.known()}):
        known = state.load(name)
        where = f"{known.user}@{known.host}:{known.port}" if known else ""
        rows.append(Row(name, known.release if known else "", running.get(name, "gone"), where))
    return rows


def prune(progress: Progress | None = None) -> None:
    """Remove the images and package pools that sandboxes are made from; images in use stay."""
    progress = progress or Progress()
    docker = find_engine()
    docker.remove("container", names.label(names.CACHE))
    kept = sum(not docker.discard_image(image) for image in _our_images(docker))
    machine.clear_cache()
    progress.say("sandbox images and package pools: removed" + (f", but for {kept} images in use" if kept else ""))


def _our_images(docker: Docker) -> list[str]:
    """Tags and ids of our images, and of unnamed stages of their builds: those stand on a root file system of ours."""
    ours = docker.ids("image", names.label(names.CACHE))
    roots = {layer for image in ours for layer in docker.layers(image)[:1]}
    unnamed = docker.lines("image", "ls", "--quiet", "--filter", "dangling=true")
    stages = [image for image in unnamed if image not in ours and roots.intersection(docker.layers(image)[:1])]
    return [*stages, *ours]
