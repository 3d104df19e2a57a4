"""Run contract cases: start stand-ins on loopback, send the steps, compare the answers."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import os
import queue
import re
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import yaml

ROOT = Path(__file__).resolve().parents[3]
CONTRACTS = ROOT / "tests" / "contracts"
LISTENS = re.compile(r"listens on port (\d+)")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
START_SECONDS = 15


class StartError(AssertionError):
    """The program ended instead of listening; the text is its output."""


@dataclasses.dataclass
class Answer:
    """What came back; `data` is None unless the body is JSON."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def data(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclasses.dataclass
class Running:
    """A stand-in that listens."""

    contract: dict[str, Any]
    port: int

    def send(self, step: dict[str, Any]) -> Answer:
        method = next(name for name in METHODS if name in step)
        target = urllib.parse.quote(step[method], safe="/%?=&") + (
            "?" + urllib.parse.urlencode(step["query"]) if step.get("query") else ""
        )
        headers = {} if step.get("key") is False else dict(self.contract.get("key", {}))
        headers |= step.get("headers", {})
        body: bytes | None = None
        if "form" in step:
            body = urllib.parse.urlencode(step["form"]).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif "json" in step:
            body = json.dumps(step["json"]).encode()
            headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())


def load(name: str) -> dict[str, Any]:
    """A contract file."""
    contract: dict[str, Any] = yaml.safe_load((CONTRACTS / f"{name}.yml").read_text("utf-8"))
    return contract


def fill(value: Any, known: dict[str, Any]) -> Any:
    """Put `{name}` and `${name}` in place; a whole `${name}` keeps its type, a key `<<` is merged."""
    if isinstance(value, dict):
        filled = {fill(key, known): fill(entry, known) for key, entry in value.items()}
        base = filled.pop("<<", {})
        return {**base, **filled}
    if isinstance(value, list):
        return [fill(entry, known) for entry in value]
    if not isinstance(value, str):
        return value
    whole = re.fullmatch(r"\$\{(\w+)\}|\{(\w+):number\}", value)
    if whole:
        return known[whole[1]] if whole[1] else int(known[whole[2]])
    return re.sub(r"\$?\{(\w+)\}", lambda match: str(known.get(match[1], match[0])), value)


def pick(data: Any, path: str) -> Any:
    """Follow a dotted path."""
    for part in filter(None, path.split(".")):
        data = data[int(part)] if isinstance(data, list) else data[part]
    return data


def differences(expected: Any, found: Any, where: str = "answer") -> list[str]:
    """Where `found` lacks what is expected: objects are compared in part, lists by membership."""
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return [f"{where}: an object was expected, not {found!r}"]
        return [
            line
            for key, value in expected.items()
            for line in (
                differences(value, found[key], f"{where}.{key}") if key in found else [f"{where}.{key} is missing"]
            )
        ]
    if isinstance(expected, list) and expected:
        if not isinstance(found, list):
            return [f"{where}: a list was expected, not {found!r}"]
        return [
            f"{where}: no entry is like {entry!r} in {found!r}"
            for entry in expected
            if all(differences(entry, candidate) for candidate in found)
        ]
    return [] if expected == found else [f"{where}: {expected!r} was expected, not {found!r}"]


def mismatches(expect: dict[str, Any], answer: Answer) -> list[str]:
    """What is not as expected."""
    lines = []
    if answer.status != expect["status"]:
        lines.append(f"status {expect['status']} was expected, not {answer.status}: {answer.text[:300]}")
    for name, value in expect.get("headers", {}).items():
        if answer.headers.get(name) != value:
            lines.append(f"header {name}: {value!r} was expected, not {answer.headers.get(name)!r}")
    if "text" in expect and expect["text"] not in answer.text:
        lines.append(f"the text {expect['text']!r} is missing")
    if "absent" in expect and expect["absent"] in answer.text:
        lines.append(f"the text {expect['absent']!r} must not be there")
    if "json" in expect:
        lines += differences(expect["json"], answer.data)
    if "json_equal" in expect and answer.data != expect["json_equal"]:
        lines.append(f"{expect['json_equal']!r} was expected, not {answer.data!r}")
    return lines


def steps_of(entries: list[Any]) -> Iterator[dict[str, Any]]:
    """Steps; a list among them is a sequence used in several places."""
    for entry in entries:
        if isinstance(entry, list):
            yield from steps_of(entry)
        else:
            yield entry


class Scenario:
    """One scenario: its programs, its files, its steps."""

    def __init__(self, contract: dict[str, Any], scenario: dict[str, Any], folder: Path) -> None:
        self.contract, self.scenario, self.folder = contract, scenario, folder
        self.running: dict[str, Running] = {}
        self.known: dict[str, Any] = {"config": str(folder / "config"), "media": str(folder / "media")}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        for name in ("config", "media/movies", "media/tv", "media/downloads"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name, content in self.scenario.get("files", {}).items():
            (self.folder / name).write_text(content, "utf-8")
        try:
            for name in self.scenario.get("beside", []):
                other = load(name)
                beside = self.folder / name
                (beside / "config").mkdir(parents=True)
                running = self.start(other, {**self.known, "config": str(beside / "config")})
                self.running[name] = running
                self.known[f"{name}_port"] = str(running.port)
                for step in steps_of(other.get("prepare", [])):
                    self.step(step, running)
            self.running[""] = self.start(self.contract, self.known, self.scenario.get("environment", {}))
            self.known["port"] = str(self.running[""].port)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self, contract: dict[str, Any], known: dict[str, Any], extra: dict[str, str] | None = None) -> Running:
        """Start a program and wait until it says its port. Raises StartError."""
        wanted = fill({**contract.get("environment", {}), **(extra or {})}, known)
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "tests"),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **{name: value for name, value in wanted.items() if value != ""},
        }
        command = [sys.executable, "-m", contract["program"], *contract.get("arguments", [])]
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._stack.callback(self.end, process)
        return Running(contract, self.wait(process))

    @staticmethod
    def wait(process: subprocess.Popen[str]) -> int:
        """Read the output in a thread, so that the program never blocks on it."""
        lines: queue.Queue[str | None] = queue.Queue()
        assert process.stdout is not None
        stream = process.stdout

        def read() -> None:
            with contextlib.suppress(ValueError):
                for line in stream:
                    lines.put(line)
            lines.put(None)

        threading.Thread(target=read, daemon=True).start()
        said = []
        limit = time.monotonic() + START_SECONDS
        while time.monotonic() < limit:
            with contextlib.suppress(queue.Empty):
                line = lines.get(timeout=0.2)
                if line is None:
                    process.wait(5)
                    break
                said.append(line)
                match = LISTENS.search(line)
                if match:
                    return int(match[1])
        raise StartError("".join(said))

    @staticmethod
    def end(process: subprocess.Popen[str]) -> None:
        """SIGTERM must end it before an engine would lose its patience."""
        process.terminate()
        try:
            process.wait(10)
        finally:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()

    def step(self, step: dict[str, Any], running: Running) -> None:
        """Send one step and compare."""
        filled = fill({key: value for key, value in step.items() if key != "keep"}, self.known)
        limit = time.monotonic() + filled.get("until", 0)
        while True:
            answer = running.send(filled)
            wrong = mismatches(filled["expect"], answer)
            if not wrong or time.monotonic() >= limit:
                break
            time.sleep(0.05)
        label = next(f"{name} {filled[name]}" for name in METHODS if name in filled)
        assert not wrong, "\n".join([filled.get("name", label), label, *wrong])
        for name, path in step.get("keep", {}).items():
            self.known[name] = pick(answer.data, path)

    def run(self) -> None:
        """All steps, then what they left on disk."""
        for step in steps_of(self.scenario.get("steps", [])):
            self.step(step, self.running[step.get("at", "")])
        for name, content in self.scenario.get("leaves", {}).items():
            path = self.folder / name
            if content is None:
                assert not path.exists(), f"{name} is still there"
                continue
            text = path.read_text("utf-8")
            assert all(part in text for part in content.get("has", [])), text
            assert not any(part in text for part in content.get("lacks", [])), text
        if "same_file" in self.scenario:
            first, second = ((self.folder / name).stat() for name in self.scenario["same_file"])
            assert (first.st_ino, first.st_nlink) == (second.st_ino, 2)
