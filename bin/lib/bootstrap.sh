# shellcheck shell=bash
# What bin/demo and bin/test need on a fresh Debian or Ubuntu machine. Sourced; every step is re-runnable
# and says what it does. Nothing is installed twice: each step has a cheap test or a stamp of its inputs.

set -euo pipefail

MEDIASTACK_SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export MEDIASTACK_SRC
readonly MEDIASTACK_VENV="$MEDIASTACK_SRC/.venv"
_bootstrap_started=$SECONDS

say() { printf '\033[1m==>\033[0m %s \033[2m(%ds)\033[0m\n' "$*" "$((SECONDS - _bootstrap_started))"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

become_root() {
    [ "$(id -u)" -eq 0 ] && return
    command -v sudo >/dev/null || die "this needs root: run it as root, or install sudo"
    say "Root is needed for packages and containers: continuing with sudo"
    exec sudo --preserve-env=HOME,TERM,CI,http_proxy,https_proxy,no_proxy "$@"
}

missing_packages() {
    local package
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$package"
    done
}

install_system_packages() {
    command -v apt-get >/dev/null || die "bin/demo and bin/test set up Debian and Ubuntu machines; this one has no apt-get"
    local wanted missing
    wanted=(ca-certificates curl git iproute2 mmdebstrap nftables openssh-client openssl python3 python3-venv unzip
        wget wireguard-tools xz-utils)
    missing=$(missing_packages "${wanted[@]}")
    [ -z "$missing" ] && return
    say "Installing system packages: $missing"
    apt-get -qq -o DPkg::Lock::Timeout=300 update
    # shellcheck disable=SC2086  # a list of package names
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $missing >/dev/null
}

# The newest Python from 3.11 on; versions that only a version manager's shim promises do not count.
find_python() {
    local candidate
    for candidate in python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    die "Python 3.11 or newer is needed (Debian 12, Ubuntu 24.04 or later have it)"
}

make_venv() {
    local stamp python
    stamp=$(sha256sum "$MEDIASTACK_SRC/pyproject.toml" "$MEDIASTACK_SRC/constraints.txt" | sha256sum | cut -c1-16)
    [ "$(cat "$MEDIASTACK_VENV/.stamp" 2>/dev/null)" = "$stamp" ] && return
    python=$(find_python)
    say "Creating the Python environment with $("$python" --version)"
    [ -x "$MEDIASTACK_VENV/bin/python" ] || "$python" -m venv "$MEDIASTACK_VENV"
    "$MEDIASTACK_VENV/bin/pip" install --quiet 'pip==26.3'
    "$MEDIASTACK_VENV/bin/pip" install --quiet --constraint "$MEDIASTACK_SRC/constraints.txt" \
        --group "$MEDIASTACK_SRC/pyproject.toml:test" --group "$MEDIASTACK_SRC/pyproject.toml:lint" --editable "$MEDIASTACK_SRC"
    echo "$stamp" > "$MEDIASTACK_VENV/.stamp"
}

# From Galaxy; where that cannot be reached, from the community package on PyPI, which carries the same files.
install_collections() {
    local target stamp
    target="$MEDIASTACK_SRC/.ansible/collections"
    stamp=$(sha256sum "$MEDIASTACK_SRC/collections/requirements.yml" | cut -c1-16)
    [ "$(cat "$target/.stamp" 2>/dev/null)" = "$stamp" ] && return
    say "Installing the pinned Ansible collections"
    mkdir -p "$target"
    if ! timeout 120 "$MEDIASTACK_VENV/bin/ansible-galaxy" collection install --timeout 15 \
        --requirements-file "$MEDIASTACK_SRC/collections/requirements.yml" --collections-path "$target" >/dev/null 2>&1; then
        say "Galaxy cannot be reached: taking the collections from the ansible package on PyPI"
        "$MEDIASTACK_VENV/bin/python" "$MEDIASTACK_SRC/tools/collections_from_pypi.py" "$target"
    fi
    echo "$stamp" > "$target/.stamp"
}

bootstrap() {
    become_root "$@"
    cd "$MEDIASTACK_SRC"
    install_system_packages
    make_venv
    install_collections
    export PATH="$MEDIASTACK_VENV/bin:$PATH"
}
