#!/usr/bin/env bash
# A container engine for the sandbox that leaves the machine as it was.
#
#   . bin/lib/engine.sh; engine_up      exports DOCKER_HOST when the private engine is the one to use
#   bin/lib/engine.sh up|down|status|env
#
# An engine that already answers `docker info` is used as it is. Otherwise Debian's engine is installed without its
# service, and a private one is started: its own socket, state and log, no firewall rules, no forwarding, no default
# bridge. Needs root only for the private engine.
#
# MEDIASTACK_CACHE moves the private engine's data (default /var/lib/mediastack-engine).

ENGINE_RUN=/run/mediastack-engine
ENGINE_SOCKET="$ENGINE_RUN/docker.sock"
ENGINE_PIDFILE="$ENGINE_RUN/docker.pid"
ENGINE_UNIT=mediastack-engine.service
ENGINE_DATA="${MEDIASTACK_CACHE:+$MEDIASTACK_CACHE/engine}"
ENGINE_DATA="${ENGINE_DATA:-/var/lib/mediastack-engine}"
ENGINE_LOG="$ENGINE_DATA/engine.log"

engine_say() { printf '%s\n' "engine: $*" >&2; }

engine_is_private_up() { DOCKER_HOST="unix://$ENGINE_SOCKET" timeout 20 docker info >/dev/null 2>&1; }

# The engine that the user's own environment points at, whatever it is.
engine_is_user_up() {
    [ "${DOCKER_HOST:-}" != "unix://$ENGINE_SOCKET" ] || return 1
    timeout 20 docker info >/dev/null 2>&1
}

engine_has_systemd() { [ -d /run/systemd/system ]; }

# Installs the engine's programs. The distribution's service is neither started now nor at the next boot: it would
# add firewall rules and switch forwarding on.
engine_install() {
    local policy=/usr/sbin/policy-rc.d kept='' packages=(docker.io) status=0
    if command -v dockerd >/dev/null 2>&1 && command -v docker >/dev/null 2>&1; then return 0; fi
    command -v apt-get >/dev/null 2>&1 || {
        engine_say "no container engine answers, and there is no apt-get to install one: install Docker Engine and try again"
        return 1
    }
    engine_say "installing Debian's engine (its own service stays off)"
    apt-get -qq -o DPkg::Lock::Timeout=300 update >&2 || return 1
    apt-cache show docker-cli >/dev/null 2>&1 && packages+=(docker-cli)
    if [ -e "$policy" ]; then
        kept="$policy.mediastack-kept"
        mv "$policy" "$kept" || return 1
    fi
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 0755 "$policy"
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 \
        install --no-install-recommends "${packages[@]}" >/dev/null || status=$?
    rm -f "$policy"
    [ -z "$kept" ] || mv "$kept" "$policy"
    if command -v systemctl >/dev/null 2>&1; then
        systemctl --quiet disable docker.service docker.socket containerd.service >&2 || true
    fi
    return "$status"
}

engine_start_private() {
    local argv=(
        dockerd --host "unix://$ENGINE_SOCKET" --pidfile "$ENGINE_PIDFILE"
        --data-root "$ENGINE_DATA" --exec-root "$ENGINE_RUN/exec"
        # A containerd that runs already is shared, but never its name space.
        --containerd-namespace mediastack --containerd-plugins-namespace mediastack-plugins
        --config-file "$ENGINE_RUN/daemon.json" --bridge none
        --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false --userland-proxy=true
        --log-level warn
    )
    install -d -m 0711 "$ENGINE_RUN" "$ENGINE_DATA" || return 1
    # A configuration file of our own, so that the machine's /etc/docker/daemon.json is not read.
    printf '{}\n' >"$ENGINE_RUN/daemon.json"
    engine_clear_stale_pidfile
    if engine_has_systemd && command -v systemd-run >/dev/null 2>&1; then
        systemctl reset-failed "$ENGINE_UNIT" >/dev/null 2>&1
        systemd-run --quiet --unit "$ENGINE_UNIT" --description "mediastack's private engine" \
            --property Delegate=yes --property KillMode=process --property TasksMax=infinity \
            --property LimitNOFILE=1048576 -- "$(command -v dockerd)" "${argv[@]:1}"
    else
        setsid "${argv[@]}" >>"$ENGINE_LOG" 2>&1 </dev/null &
        disown
    fi
}

# dockerd refuses to start when the number in its pid file belongs to any living process.
engine_clear_stale_pidfile() {
    engine_pid >/dev/null || rm -f "$ENGINE_PIDFILE"
}

# Prints the private engine's process id; fails when it does not run.
engine_pid() {
    local pid
    [ -s "$ENGINE_PIDFILE" ] || return 1
    pid=$(cat "$ENGINE_PIDFILE")
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] || return 1
    printf '%s\n' "$pid"
}

engine_wait() {
    local waited=0
    until engine_is_private_up; do
        waited=$((waited + 1))
        if [ "$waited" -gt 60 ]; then
            engine_say "the private engine does not answer after 60 s; its log:"
            if engine_has_systemd; then journalctl -u "$ENGINE_UNIT" -n 20 --no-pager >&2; else tail -n 20 "$ENGINE_LOG" >&2; fi
            return 1
        fi
        sleep 1
    done
}

# Makes an engine available to this shell and its children.
engine_up() {
    if engine_is_user_up; then
        return 0
    fi
    if engine_is_private_up; then
        export DOCKER_HOST="unix://$ENGINE_SOCKET"
        return 0
    fi
    if [ "$(id -u)" -ne 0 ]; then
        engine_say "no container engine answers for $(id -un): join the docker group, or run as root to get a private engine"
        return 1
    fi
    engine_install || return 1
    engine_say "starting a private engine ($ENGINE_DATA)"
    engine_pid >/dev/null || engine_start_private || return 1
    engine_wait || return 1
    export DOCKER_HOST="unix://$ENGINE_SOCKET"
}

# Stops the private engine, and only that one. Its images stay in the cache.
engine_down() {
    local pid waited=0
    pid=$(engine_pid) || return 0
    kill "$pid"
    while [ -d "/proc/$pid" ] && [ "$waited" -lt 300 ]; do
        sleep 0.1
        waited=$((waited + 1))
    done
    [ ! -d "/proc/$pid" ] || { engine_say "the private engine (process $pid) does not stop"; return 1; }
}

engine_status() {
    if engine_is_user_up; then
        printf 'existing engine %s\n' "${DOCKER_HOST:-(default)}"
    elif engine_is_private_up; then
        printf 'private engine unix://%s, process %s, data %s\n' "$ENGINE_SOCKET" "$(engine_pid)" "$ENGINE_DATA"
    else
        printf 'no engine\n'
        return 1
    fi
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    case "${1:-}" in
    up) engine_up ;;
    down) engine_down ;;
    status) engine_status ;;
    env) engine_up && printf 'export DOCKER_HOST=%s\n' "${DOCKER_HOST:-}" ;;
    *)
        printf 'usage: %s up|down|status|env\n' "$0" >&2
        exit 64
        ;;
    esac
fi
