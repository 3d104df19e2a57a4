"""The server is as the items say, nobody is locked out, and what the kernel refuses was passed over."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

# Another in each run: the history outlives the account.
PASSWORD = "Horse-7-" + "".join(secrets.choice("kQzVxW5Pt9") for _ in range(4)) + "-Battery"
USER = "hd-guest"


def test_kernel_settings_hold_now_and_after_a_boot(host: Any) -> None:
    assert host.sysctl("net.ipv4.conf.all.send_redirects") == 0
    assert host.sysctl("net.ipv4.tcp_fin_timeout") == 30
    kept = host.file("/etc/sysctl.d/60-mediastack-hardening.conf").content_string
    assert "kernel.kptr_restrict = 2" in kept
    assert "kexec" not in kept, "its item is excluded"
    assert "forward" not in kept


def test_modules_are_kept_out(host: Any) -> None:
    for name in ("dccp", "usb-storage"):
        assert f"install {name} /bin/false" in host.file("/etc/modprobe.d/60-mediastack-hardening.conf").content_string


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("/etc/cron.d", 0o700),
        ("/etc/ssh/sshd_config", 0o600),
        ("/var/log/dpkg.log", 0o640),
        ("/home/admin/.bashrc", 0o640),
        ("/etc/sudoers.d/mediastack-hardening", 0o440),
    ],
)
def test_permissions(host: Any, path: str, mode: int) -> None:
    with host.sudo():
        assert host.file(path).mode == mode


def test_the_banner_stands_there_and_what_it_replaced_is_kept(host: Any) -> None:
    assert "private system" in host.file("/etc/issue").content_string
    assert "private system" in host.file("/etc/issue.net").content_string
    with host.sudo():
        assert "Debian" in host.file("/etc/mediastack/replaced/etc/issue.net.json").content_string
        assert host.file("/etc/mediastack/replaced/etc/cron.allow.json").content_string == "null\n"


def test_login_definitions(host: Any) -> None:
    lines = host.file("/etc/login.defs").content_string.splitlines()
    assert "UMASK 027" in lines
    assert next(line for line in lines if line.startswith("PASS_MAX_DAYS")).split()[1] == "99999", "keys do not expire"


def test_what_is_made_in_a_login_is_private_and_what_sudo_makes_is_as_usual(host: Any) -> None:
    assert host.check_output("bash -lc umask") == "0027"
    with host.sudo():
        assert host.check_output("umask") == "0022"


def test_terminals_time_out_and_a_second_shell_does_not_complain(host: Any) -> None:
    done = host.run("bash -lc 'bash -lc \"echo \\$TMOUT\"'")
    assert (done.stdout.strip(), done.stderr) == ("900", "")


def test_core_dumps_are_off(host: Any) -> None:
    with host.sudo():
        assert host.check_output("su - admin -s /bin/bash -c 'ulimit -Hc'") == "0"


def test_units(host: Any) -> None:
    assert host.check_output("systemctl is-enabled dailyaidecheck.timer") == "enabled"
    assert host.check_output("systemctl is-active dailyaidecheck.timer") == "active"
    assert host.run("systemctl is-enabled debug-shell.service").stdout.strip() == "masked"
    assert host.check_output("systemctl list-units --failed --no-legend") == ""


def test_the_journal_is_kept_and_bounded(host: Any) -> None:
    with host.sudo():
        assert host.check_output("ls -d /var/log/journal/*/system.journal")
        said = host.check_output("journalctl -b -u systemd-journald -o cat | grep 'System Journal' | tail -1")
    assert "max 200" in said


def test_shared_memory_starts_no_program(host: Any) -> None:
    done = host.run("cp /bin/true /dev/shm/hd-true && /dev/shm/hd-true; code=$?; rm -f /dev/shm/hd-true; exit $code")
    assert done.rc == 126


def test_updates_are_set_up(host: Any) -> None:
    shown = host.check_output("apt-config dump")
    assert 'Unattended-Upgrade::Automatic-Reboot-Time "04:30"' in shown
    assert 'APT::Periodic::Unattended-Upgrade "1"' in shown
    with host.sudo():
        assert host.run("unattended-upgrade --dry-run --debug").rc == 0


@pytest.fixture
def guest(host: Any) -> Any:
    """Somebody with a password, who may use sudo with it."""
    with host.sudo():
        host.check_output(f"useradd --create-home --shell /bin/bash {USER}")
        host.check_output(f"echo '{USER}:{PASSWORD}' | chpasswd")
        host.check_output(f"echo '{USER} ALL=(ALL) ALL' > /etc/sudoers.d/{USER}")
    yield host
    with host.sudo():
        host.check_output(f"rm /etc/sudoers.d/{USER}; faillock --user {USER} --reset; userdel -r {USER} 2>/dev/null")


def attempts(host: Any, *passwords: str) -> list[bool]:
    """Whether sudo takes each of them, in one session: a new one opens the lock, for it came in otherwise."""
    tries = "; ".join(f"echo {password} | sudo -S -k true 2>/dev/null; echo $?" for password in passwords)
    with host.sudo():
        said = host.run(f"su {USER} -s /bin/bash -c '{tries}'").stdout
    return [line == "0" for line in said.split()]


def test_passwords_are_locked_for_a_while_and_open_again(guest: Any) -> None:
    assert attempts(guest, PASSWORD, *["wrong"] * 5, PASSWORD) == [True, *[False] * 5, False]
    with guest.sudo():
        guest.check_output(f"faillock --user {USER} --reset")
    assert attempts(guest, PASSWORD) == [True]


def test_a_key_without_a_password_is_let_in_while_its_account_is_locked(host: Any) -> None:
    with host.sudo():
        shadow = host.check_output("getent shadow admin").split(":")
        assert shadow[1] in ("!", "*", "!*"), "admin has no password"
        for _ in range(8):
            host.run('su nobody -s /bin/sh -c "echo wrong | su admin -c true"')
        assert "admin" in host.check_output("faillock --user admin")
        host.check_output("su - admin -c 'sudo -n true'")  # account and session of both
        host.check_output("faillock --user admin --reset")


def test_root_is_never_locked(host: Any) -> None:
    with host.sudo():
        host.check_output(f"echo 'root:{PASSWORD}' | chpasswd")
        for _ in range(8):
            host.run('su nobody -s /bin/sh -c "echo wrong | su root -c true"')
        done = host.run(f"su nobody -s /bin/sh -c \"echo '{PASSWORD}' | su root -c true\"")
        host.check_output("usermod -p '*' root")
    assert done.rc == 0, done.stderr


def test_a_weak_password_is_refused(guest: Any) -> None:
    with guest.sudo():
        assert guest.run(f"printf 'sunshine1\\nsunshine1\\n' | passwd {USER}").rc != 0
        other = PASSWORD.replace("Horse", "Bicycle")
        assert guest.run(f"printf '{other}\\n{other}\\n' | passwd {USER}").rc == 0


def test_files_of_the_system_are_recorded(host: Any) -> None:
    with host.sudo():
        done = host.run("for n in $(seq 120); do test -s /var/lib/aide/aide.db && exit; sleep 2; done; exit 1")
        assert done.rc == 0, host.run("systemctl status mediastack-aide.service").stdout
        assert "!/srv/media" in host.file("/etc/aide/aide.conf.d/10_mediastack").content_string


def test_packages(host: Any) -> None:
    assert host.package("debsums").is_installed
    assert not host.package("auditd").is_installed, "there is no audit in a container"
