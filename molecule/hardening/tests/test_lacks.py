"""What a sandbox's kernel does not have: packages of it install, and files of it are ones that its programs read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ITEMS = Path(__file__).parents[3] / "roles/hardening/vars/main/services.yml"
NOT_STARTED = "printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d; chmod 0755 /usr/sbin/policy-rc.d"
APT = "DEBIAN_FRONTEND=noninteractive apt-get -q"
RULES = "/etc/audit/rules.d/60-mediastack.rules"
TIMESYNCD = "/usr/lib/systemd/systemd-timesyncd"
AS_ITSELF = "setpriv --reuid=systemd-timesync --regid=systemd-timesync --clear-groups"


def items() -> dict[str, dict[str, Any]]:
    found = yaml.safe_load(ITEMS.read_text(encoding="utf-8"))["__hardening_services"]
    return {item["name"]: item for item in found}


@pytest.fixture(scope="module")
def brought(host: Any) -> Iterator[Any]:
    """The server with packages that the role brings where the kernel has what they need; none of it is started."""
    names = " ".join(items()["audit"]["packages"] + items()["apparmor"]["packages"])
    with host.sudo():
        before = set(host.check_output("dpkg-query --show --showformat '${binary:Package}\\n'").split())
        host.check_output(f"{NOT_STARTED}; {APT} install --yes --no-install-recommends {names}")
        yield host
        after = set(host.check_output("dpkg-query --show --showformat '${binary:Package}\\n'").split())
        host.check_output(f"{APT} purge --yes {' '.join(sorted(after - before))}; rm /usr/sbin/policy-rc.d")
        host.check_output("systemctl reset-failed")


def test_rules_of_audit_are_read_to_the_last_line(brought: Any) -> None:
    """Without the kernel's audit each rule is refused when it is sent, which comes after it was understood."""
    text = items()["audit"]["files"][0]["content"]
    rules = [line for line in text.splitlines() if not line.startswith("#")]
    said = refused(brought, text)
    assert said.count("Error sending add rule data request (Operation not permitted)") == len(rules), said
    assert "unknown" not in said.lower()
    assert "Syscall name unknown: settimeofdays" in refused(brought, text.replace("settimeofday", "settimeofdays"))


def refused(host: Any, text: str) -> str:
    """What auditctl says of rules; `-i` lets it go on after one that is refused."""
    host.check_output(f"printf '%s\\n' -i > {RULES}; cat >> {RULES} <<'RULES'\n{text}RULES")
    host.check_output("augenrules --check")
    said: str = host.run(f"auditctl -R {RULES} 2>&1; rm {RULES}").stdout
    return said


def test_profiles_of_apparmor_are_understood(brought: Any) -> None:
    profiles = brought.check_output("find /etc/apparmor.d -maxdepth 1 -type f -size +0").split()
    assert profiles
    brought.check_output(f"apparmor_parser --skip-kernel-load --skip-cache --quiet {' '.join(profiles)}")


def test_the_time_service_reads_its_file(host: Any) -> None:
    """As its own user it neither needs nor gets the right to set the clock."""
    with host.sudo():
        run = f"SYSTEMD_LOG_TARGET=console timeout 3 {AS_ITSELF} {TIMESYNCD} 2>&1"
        said = host.run(run).stdout
        assert "Unknown" not in said, said
        assert "60-mediastack" not in said, said
        path = "/etc/systemd/timesyncd.conf.d/99-wrong.conf"
        said = host.run(f"printf '[Time]\\nNTQ=x\\n' > {path}; {run}; rm {path}").stdout
        assert "99-wrong.conf" in said, "a setting that is none would have been noticed"
