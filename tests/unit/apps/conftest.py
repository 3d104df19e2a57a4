"""The stand-in applications as plain processes on loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.unit import ports

TESTS = Path(__file__).resolve().parents[2]
API_KEY = "0123456789abcdef0123456789abcdef"

Start = Callable[..., str]


def wait_for(process: subprocess.Popen[bytes], said: str, log: Path) -> None:
    """Wait for its own word: somebody else may answer on a port that it did not get."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if said in log.read_text():
            return
        if process.poll() is not None:
            raise RuntimeError(f"the stand-in ended: {log.read_text()}")
        time.sleep(0.03)
    raise RuntimeError(f"the stand-in does not listen: {log.read_text()}")


@pytest.fixture
def standin(tmp_path: Path) -> Iterator[Start]:
    """start("servarr.radarr", {"RADARR__SERVER__PORT": "{port}", …}) -> its address."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(program: str, variables: dict[str, str], *arguments: str) -> str:
        port = ports.free()
        home = tmp_path / program
        home.mkdir(exist_ok=True)
        given = {name: text.format(port=port, home=home) for name, text in variables.items()}
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(TESTS), "PYTHONUNBUFFERED": "1", **given}
        log = home / "log"
        with log.open("ab") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", f"peers.{program}", *arguments],
                env=environment,
                stdout=stream,
                stderr=stream,
                cwd=home,
            )
        processes.append(process)
        wait_for(process, f"listens on port {port}\n", log)
        return f"http://127.0.0.1:{port}"

    yield start
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def servarr(standin: Start) -> Start:
    """servarr("radarr") -> its address; the key is API_KEY."""

    def start(name: str, method: str = "Forms", **more: str) -> str:
        prefix = name.upper()
        variables = {
            "CONFIG_DIRECTORY": "{home}",
            f"{prefix}__SERVER__PORT": "{port}",
            f"{prefix}__AUTH__APIKEY": API_KEY,
            f"{prefix}__AUTH__REQUIRED": "Enabled",
            **({f"{prefix}__AUTH__METHOD": method} if method else {}),
            **more,
        }
        return standin(f"servarr.{name}", variables)

    return start


@pytest.fixture
def jellyfin(standin: Start) -> Start:
    """jellyfin(setup_seconds) -> its address."""

    def start(setup_seconds: float = 0) -> str:
        variables = {
            "JELLYFIN_DATA_DIR": "{home}",
            "STANDIN_PORT": "{port}",
            "STANDIN_SETUP_SECONDS": str(setup_seconds),
        }
        return standin("jellyfin.server", variables)

    return start


@pytest.fixture
def seerr(standin: Start) -> Start:
    """seerr("seerr") -> its address; the key is API_KEY."""

    def start(variant: str) -> str:
        variables = {"CONFIG_DIRECTORY": "{home}", "PORT": "{port}", "HOST": "127.0.0.1", "API_KEY": API_KEY}
        return standin("seerr.server", variables, variant)

    return start
