"""What a server is: system, disks, paths, users. Reads only, and works on the barest machine."""

from __future__ import annotations

import grp
import hashlib
import os
import platform
import pwd
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FAMILIES = {
    "debian": "debian",
    "ubuntu": "debian",
    "arch": "arch",
    "cachyos": "arch",
    "fedora": "redhat",
    "rhel": "redhat",
    "centos": "redhat",
    "suse": "suse",
    "alpine": "alpine",
}
REMOTE = ("nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p", "ceph", "glusterfs", "fuse.rclone", "autofs")
# Asked only when a path of ours is on them: memory, and what containers see as their root.
PASSING = ("tmpfs", "devtmpfs", "overlay", "squashfs", "nsfs", "ramfs", "efivarfs")
HASHED_BYTES = 1 << 20
APT_LOCKS = (
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
)


def parse_os_release(text: str) -> dict[str, str]:
    """``{id, version_id, codename, pretty, family}``."""
    values = {}
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            values[key] = value.strip().strip("\"'")
    names = [values.get("ID", ""), *values.get("ID_LIKE", "").split()]
    return {
        "id": values.get("ID", ""),
        "version_id": values.get("VERSION_ID", ""),
        "codename": values.get("VERSION_CODENAME", ""),
        "pretty": values.get("PRETTY_NAME", ""),
        "family": next((FAMILIES[name] for name in names if name in FAMILIES), values.get("ID", "")),
    }


def os_release() -> dict[str, str]:
    """The same of this machine."""
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        text = read(path)
        if text:
            return parse_os_release(text)
    return parse_os_release("")


def read(path: str) -> str:
    """A small text file; empty where it is not."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def parse_mounts(text: str) -> list[dict[str, str]]:
    """``{path, device, kind}`` of each mount in /proc/self/mountinfo; a later one hides an earlier one."""
    found = {}
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        fields, rest = left.split(), right.split()
        if not fields[4:] or not rest[1:]:
            continue
        path = fields[4].encode("ascii", "backslashreplace").decode("unicode_escape")
        found[path] = {"path": path, "device": rest[1], "kind": rest[0]}
    return sorted(found.values(), key=lambda item: item["path"])


def filesystems(paths: Sequence[str]) -> list[dict[str, Any]]:
    """``{path, device, total, free}`` of what holds data. Remote and passing ones only with a path of ours."""
    mounts = parse_mounts(read("/proc/self/mountinfo"))
    asked = {mount_of(path, mounts) for path in paths}
    found = []
    for mount in mounts:
        if mount["kind"] in (*REMOTE, *PASSING) and mount["path"] not in (*asked, "/"):
            continue
        try:
            size = os.statvfs(mount["path"])
        except OSError:
            continue
        if size.f_blocks and Path(mount["path"]).is_dir():
            total, free = size.f_blocks * size.f_frsize, size.f_bavail * size.f_frsize
            found.append({"path": mount["path"], "device": mount["device"], "total": total, "free": free})
    return found


def mount_of(path: str, mounts: Iterable[dict[str, str]]) -> str:
    """The mount point that a path is, or would be, on."""
    above = [item["path"] for item in mounts if (path + "/").startswith(item["path"].rstrip("/") + "/")]
    return max(above, key=len, default="/")


def describe_path(path: str) -> dict[str, Any]:
    """``{exists, is_dir, device, owner, group, mode}``; of what does not exist, the device it would be on."""
    try:
        found = Path(path).stat()
    except OSError:
        parent = next((above for above in Path(path).parents if above.exists()), Path("/"))
        device = parent.stat().st_dev
        return {
            "exists": False,
            "is_dir": False,
            "device": device,
            "owner": None,
            "group": None,
            "mode": None,
        }
    return {
        "exists": True,
        "is_dir": stat.S_ISDIR(found.st_mode),
        "device": found.st_dev,
        "owner": name_of("user", found.st_uid),
        "group": name_of("group", found.st_gid),
        "mode": f"{stat.S_IMODE(found.st_mode):04o}",
    }


def describe_state(path: str) -> dict[str, Any]:
    """``{kind, uid, gid, owner, group, mode, sha256}``, kind ``missing`` alone where nothing is.

    Links are not followed. Only a file of up to 1 MiB has ``sha256``; it is None of anything else.
    """
    try:
        found = os.lstat(path)
        regular = stat.S_ISREG(found.st_mode)
        content = Path(path).read_bytes() if regular and found.st_size <= HASHED_BYTES else None
    except OSError:
        return {"kind": "missing"}
    return {
        "kind": "file" if regular else "directory" if stat.S_ISDIR(found.st_mode) else "other",
        "uid": found.st_uid,
        "gid": found.st_gid,
        "owner": name_of("user", found.st_uid),
        "group": name_of("group", found.st_gid),
        "mode": f"{stat.S_IMODE(found.st_mode):04o}",
        "sha256": None if content is None else hashlib.sha256(content).hexdigest(),
    }


def name_of(kind: str, number: int) -> str:
    """Name of a user or group, or its number."""
    try:
        return pwd.getpwuid(number).pw_name if kind == "user" else grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def users(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """``{name: {uid, gid, group, home, shell, comment}}`` of those that exist."""
    found = {}
    for name in names:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        found[name] = {
            "uid": entry.pw_uid,
            "gid": entry.pw_gid,
            "group": name_of("group", entry.pw_gid),
            "home": entry.pw_dir,
            "shell": entry.pw_shell,
            "comment": entry.pw_gecos,
        }
    return found


def groups(names: Iterable[str]) -> dict[str, int]:
    """``{name: gid}`` of those that exist."""
    found = {}
    for name in names:
        try:
            found[name] = grp.getgrnam(name).gr_gid
        except KeyError:
            continue
    return found


def timezone() -> str:
    """The zone's name; Etc/UTC where nothing says otherwise."""
    try:
        target = str(Path("/etc/localtime").readlink())
    except OSError:
        target = ""
    _, found, name = target.partition("zoneinfo/")
    return name if found else read("/etc/timezone").strip() or "Etc/UTC"


def held(locks: str, inodes: Iterable[tuple[int, int]]) -> bool:
    """Whether /proc/locks names one of these (device, inode). Taking the lock would disturb apt."""
    wanted = {f"{os.major(device):02x}:{os.minor(device):02x}:{inode}" for device, inode in inodes}
    return any(field in wanted for line in locks.splitlines() for field in line.split())


def apt_busy() -> bool:
    """Whether another process installs packages right now."""
    inodes = []
    for path in APT_LOCKS:
        try:
            found = Path(path).stat()
        except OSError:
            continue
        inodes.append((found.st_dev, found.st_ino))
    return held(read("/proc/locks"), inodes)


def has_tun() -> bool:
    """Whether a container can be given /dev/net/tun."""
    try:
        return Path("/dev/net/tun").is_char_device()
    except OSError:
        return False


def basics() -> dict[str, Any]:
    """What needs no question to anyone else."""
    return {
        "os": os_release(),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "uid": os.geteuid(),
        "sudo": shutil.which("sudo") is not None,
        "tun": has_tun(),
        "timezone": timezone(),
        "apt_busy": apt_busy(),
    }
