"""The shell script that makes a bare server ready, and what it reports. POSIX sh, nothing else is assumed."""

from __future__ import annotations

MARK = "mediastack-report"

SCRIPT = r"""
say() { echo "@MARK@ $1=$2"; }
finish() { say status "$1"; exit 0; }
have() { command -v "$1" 2>/dev/null; }
ask='import sys; print("%d.%d.%d" % sys.version_info[:3])'
uid=$(id -u)
say uid "$uid"
python=$(have python3)
say python "$python"
[ -z "$python" ] || say version "$("$python" -c "$ask" 2>/dev/null)"
say sudo "$(have sudo)"
needed=
[ -n "$python" ] || needed=python3
if [ @WANTS_SUDO@ = 1 ] && [ "$uid" = 0 ] && [ -z "$(have sudo)" ]; then needed="${needed:+$needed,}sudo"; fi
say needed "$needed"
[ -n "$needed" ] || finish ready
if [ -n "$(have apt-get)" ]; then manager=apt
elif [ -n "$(have dnf)" ]; then manager=dnf
elif [ -n "$(have pacman)" ]; then manager=pacman
else finish no-manager
fi
say manager "$manager"
if [ @INSTALL@ = 0 ]; then finish planned; fi
[ "$uid" = 0 ] || finish not-root

# Runs a command again while its words say that someone else holds the package manager's lock.
left=@WAIT@
patiently() {
    while :; do
        said=$("$@" 2>&1) && return 0
        case $said in
            *"ould not get lock"*|*"is locked"*|*"nable to lock"*|*"lock-frontend"*|*"db.lck"*) ;;
            *) echo "$said" >&2; return 1 ;;
        esac
        if [ "$left" -le 0 ]; then
            say detail "$(echo "$said" | tail -n 1 | tr -d '\n')"
            finish busy
        fi
        sleep 2
        left=$((left - 2))
    done
}
packages=$(echo "$needed" | tr , ' ')
case $manager in
    apt)
        export DEBIAN_FRONTEND=noninteractive
        lock="-o DPkg::Lock::Timeout=@WAIT@"
        # shellcheck disable=SC2086
        patiently apt-get $lock -q update || true
        # shellcheck disable=SC2086
        patiently apt-get $lock -q -y --no-install-recommends install $packages || finish failed ;;
    dnf)
        # shellcheck disable=SC2086
        patiently dnf -q -y install $packages || finish failed ;;
    pacman)
        packages=$(echo "$packages" | sed 's/python3/python/')
        # shellcheck disable=SC2086
        patiently pacman -Sy --noconfirm --needed $packages || finish failed ;;
esac
python=$(have python3)
[ -n "$python" ] || finish failed
say python "$python"
say version "$("$python" -c "$ask")"
say sudo "$(have sudo)"
say installed "$needed"
finish ready
"""


def script(*, wants_sudo: bool, install: bool, wait: int) -> str:
    """The script, for: is sudo wanted too, is it to install, how many seconds is a lock waited for."""
    values = {
        "MARK": MARK,
        "WANTS_SUDO": str(int(wants_sudo)),
        "INSTALL": str(int(install)),
        "WAIT": str(max(0, wait)),
    }
    text = SCRIPT
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


def parse_report(text: str) -> dict[str, str]:
    """What the script said, by key; the last word counts. Empty when it never ran."""
    report = {}
    for line in text.replace("\r", "").splitlines():
        mark, _, rest = line.strip().partition(" ")
        key, equals, value = rest.partition("=")
        if mark == MARK and equals:
            report[key] = value
    return report
