"""The wheel is complete: alone in an empty container, its files read-only, it plans, applies and verifies."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.integration.packages import build_wheel, site_packages
from tests.integration.servers import Server

IMAGE = "mediastack-sandbox/server:debian13"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return site_packages([], build_wheel(tmp_path_factory.mktemp("wheel")))


def provision(server: Server, site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command as an ordinary user of an empty machine: no checkout, no writable packages."""
    state = server.sandbox.directory
    argv = ["docker", "run", "--rm", "--network", "host", "--label", f"mediastack.sandbox={server.sandbox.name}"]
    argv += ["--read-only", "--tmpfs", "/tmp", "--tmpfs", "/root", "-v", f"{site}:/site:ro", "-v", f"{state}:{state}"]
    argv += ["-e", "PYTHONPATH=/site", "-e", "PYTHONDONTWRITEBYTECODE=1", "-e", "HOME=/root"]
    argv += ["-e", f"MEDIASTACK_VAULT_PASSWORD_FILE={server.sandbox.inventory}/.vault-password"]
    argv += ["-e", "PATH=/site/shims:/usr/sbin:/usr/bin:/sbin:/bin", "--entrypoint", "python3", IMAGE]
    argv += ["-m", "mediastack_provision", *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=900, check=False)


def test_it_mends_and_verifies_without_the_checkout(converged: Server, site: Path) -> None:
    inventory = str(converged.sandbox.inventory)
    converged.root("docker rm -f sonarr")
    planned = provision(converged, site, "plan", "-i", inventory)
    assert planned.returncode == 2, planned.stdout + planned.stderr
    assert "sonarr" in planned.stdout
    applied = provision(converged, site, "apply", "-i", inventory)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    again = provision(converged, site, "plan", "-i", inventory)
    assert again.returncode == 0, again.stdout + again.stderr
    verified = provision(converged, site, "verify", "-i", inventory, "--json")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    events = [json.loads(line) for line in verified.stdout.splitlines()]
    checks = [event for event in events if event["event"] == "check"]
    assert len(checks) == events[-1]["checks"] > 0
    assert all(check["status"] == "pass" for check in checks)
