"""hardlink: real files, real links, a `docker` command that enters no container."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.modules.verify_doubles import container, context

from ansible_collections.mediastack.core.plugins.module_utils.checks.hardlink import hardlink
from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import Accepted, Failed, Skipped

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="taking another uid needs root")

UID = 1900
# docker exec --user uid:gid id command…: the same on this machine, as that user; EXTRA may stand before it.
ENTER = """#!/bin/sh
[ "$1" = exec ] || exit 1
user=$3; shift 4
export UMASK=0002
exec setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups "$@"
"""
NO_SHELL = "#!/bin/sh\necho 'exec: \"sh\": executable file not found in $PATH' >&2\nexit 127\n"

Install = Callable[[str], None]


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every user can reach; pytest's own is for one user only."""
    with tempfile.TemporaryDirectory(prefix="mediastack-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def install(place: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    def put(script: str) -> None:
        program = place / "bin" / "docker"
        program.parent.mkdir(exist_ok=True)
        program.write_text(script)
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    return put


@pytest.fixture
def media(place: Path) -> Path:
    """A media root that uid 1900 owns."""
    root = place / "media"
    for folder in (root, root / "torrents", root / "movies"):
        folder.mkdir()
        os.chown(folder, UID, UID)
        folder.chmod(0o2775)
    return root


def check(media: Path, target: Path | None = None, reader: int = UID) -> dict[str, Any]:
    torrents = str(media / "torrents")
    return {
        "writer": {"container": "qbittorrent", "uid": UID, "gid": UID, "directory": torrents},
        "reader": {
            "container": "radarr",
            "uid": reader,
            "gid": UID,
            "source": torrents,
            "target": str(target or media / "movies"),
        },
    }


BOTH = (container("qbittorrent", pid=os.getpid()), container("radarr", pid=os.getpid()))


def left(media: Path) -> list[Path]:
    return [path for path in media.rglob("*") if not path.is_dir()]


@pytest.mark.parametrize("script", [ENTER, NO_SHELL], ids=["shell", "no-shell"])
def test_one_inode_two_links_and_nothing_left(install: Install, media: Path, script: str) -> None:
    install(script)
    evidence = hardlink(check(media), context(*BOTH))
    assert evidence.startswith("inode ")
    assert evidence.endswith(", links 2")
    assert left(media) == []


@pytest.mark.parametrize("script", [ENTER, NO_SHELL], ids=["shell", "no-shell"])
def test_two_filesystems_fail_and_nothing_is_left(install: Install, media: Path, script: str) -> None:
    install(script)
    other = media / "other"
    other.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"uid={UID},size=1m", "mediastack-test", str(other)], check=True)
    try:
        with pytest.raises(Failed, match=r"radarr, as uid 1900, cannot link.*(cross-device|Cross-device)"):
            hardlink(check(media, other), context(*BOTH))
        assert left(media) == []
    finally:
        subprocess.run(["umount", str(other)], check=True)


def test_two_filesystems_are_a_warning_where_the_owner_accepts_copies(install: Install, media: Path) -> None:
    install(ENTER)
    other = media / "other"
    other.mkdir()
    folders = {"downloads": str(media / "torrents"), "library": str(other), "may_copy": True}
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"uid={UID},size=1m", "mediastack-test", str(other)], check=True)
    try:
        with pytest.raises(Accepted, match=r"are on two filesystems: imports are copies"):
            hardlink({**check(media, other), **folders}, context(*BOTH))
    finally:
        subprocess.run(["umount", str(other)], check=True)


def test_accepting_copies_excuses_nothing_else(install: Install, media: Path) -> None:
    install(ENTER)
    os.chown(media / "movies", 0, 0)
    (media / "movies").chmod(0o755)
    folders = {"downloads": str(media / "torrents"), "library": str(media / "movies"), "may_copy": True}
    with pytest.raises(Failed, match=r"cannot link.*ermission") as caught:
        hardlink({**check(media), **folders}, context(*BOTH))
    assert not isinstance(caught.value, Accepted)


@pytest.mark.parametrize("script", [ENTER, NO_SHELL], ids=["shell", "no-shell"])
def test_a_bind_mount_of_the_same_filesystem_fails_too(install: Install, media: Path, script: str) -> None:
    """Volumes mounted one by one: one filesystem, and yet no link. This is what breaks homes."""
    install(script)
    apart = media / "apart"
    apart.mkdir()
    subprocess.run(["mount", "--bind", str(media / "movies"), str(apart)], check=True)
    try:
        with pytest.raises(Failed, match=r"cannot link.*(cross-device|Cross-device)"):
            hardlink(check(media, apart), context(*BOTH))
        assert left(media) == []
    finally:
        subprocess.run(["umount", str(apart)], check=True)


@pytest.mark.parametrize("script", [ENTER, NO_SHELL], ids=["shell", "no-shell"])
def test_a_library_of_somebody_else_fails(install: Install, media: Path, script: str) -> None:
    install(script)
    os.chown(media / "movies", 0, 0)
    (media / "movies").chmod(0o755)
    with pytest.raises(Failed, match=r"radarr, as uid 1900, cannot link.*ermission"):
        hardlink(check(media), context(*BOTH))
    assert left(media) == []


def test_a_download_folder_that_cannot_be_written_fails(install: Install, media: Path) -> None:
    install(ENTER)
    (media / "torrents").chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(Failed, match="qbittorrent, as uid 1900, cannot write"):
        hardlink(check(media), context(*BOTH))


def test_a_folder_that_is_not_there_fails(install: Install, media: Path) -> None:
    install(ENTER)
    with pytest.raises(Failed, match=r"cannot link.*No such file"):
        hardlink(check(media, media / "nowhere"), context(*BOTH))
    assert left(media) == []


def test_a_copy_instead_of_a_link_fails(install: Install, media: Path) -> None:
    """A filesystem in between that answers a link with a copy."""
    install(ENTER.replace('"$@"', 'env PATH="$(dirname "$0"):$PATH" "$@"'))
    fake = media.parent / "bin" / "ln"
    fake.write_text('#!/bin/sh\nexec cp "$1" "$2"\n')
    fake.chmod(0o755)
    with pytest.raises(Failed, match=r"inode \d+ became \d+, links 1"):
        hardlink(check(media), context(*BOTH))
    assert left(media) == []


def test_a_container_that_does_not_run_fails(install: Install, media: Path) -> None:
    install(ENTER)
    with pytest.raises(Failed, match="radarr is exited"):
        hardlink(check(media), context(BOTH[0], container("radarr", status="exited", pid=0)))


def test_check_mode_writes_nothing(media: Path) -> None:
    with pytest.raises(Skipped, match="check mode"):
        hardlink(check(media), context(*BOTH, check_mode=True))
