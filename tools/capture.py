"""Write docs/captures/*.txt: what the command really prints, on a terminal of 80 columns.

    python -m tools.capture [wizard|error|plan|apply|harden-check|harden|status|verify|audit …]

A wizard and an error need nothing; the others run against a sandbox named `capture`, which is made for them and
removed afterwards. Run it again after a change of the output; review the difference like any other.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect

from mediastack_provision.sandbox import lifecycle, machine, state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
CAPTURES = ROOT / "docs" / "captures"
PROGRAM = "mediastack-provision"
SANDBOX = "capture"
COLUMNS, ROWS, SECONDS = 80, 50, 900
SHOWN_HOME = "/home/me"
KEY = base64.b64encode(bytes(range(32))).decode()  # no key of anything
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")
MISTAKE = ("  radarr: {}", "  radarr: {zone: vpm}")


@dataclass(frozen=True)
class Scene:
    """One capture: what is typed, and what the questions are answered with."""

    words: tuple[str, ...]
    codes: tuple[int, ...] = (0,)
    answers: Mapping[str, str] = field(default_factory=dict)


WIZARD = Scene(
    ("init", "-i", "inventories/home"),
    answers={
        r"Server: ": "nas.home.example",
        r"User to log in": "admin",
        r"Time zone": "Europe/Berlin",
        r"Folder for downloads": "",
        r"Domain for": "home.example",
        r"VPN provider": "protonvpn",
        r"VPN type": "",
        r"Country of": "Switzerland",
        r"\[y/n\]": "",
        r"WireGuard private key": KEY,
    },
)
ALONE = {"wizard": WIZARD, "error": Scene(("validate", "-i", "inventories/home"), (4,))}
ON_A_SERVER = {
    "plan": Scene(("plan",), (2,)),
    "apply": Scene(("apply",)),
    "harden-check": Scene(("harden", "--check"), (2,)),
    "harden": Scene(("harden",)),
    "status": Scene(("status",)),
    "verify": Scene(("verify",), (0, 3)),
    "audit": Scene(("audit", "--install"), (0, 3)),
}


def play(scene: Scene, folder: Path, home: Path) -> str:
    """Run a scene in a pseudo-terminal; its text as it stays on the screen.

    Raises:
        RuntimeError: when it ends with a code that the scene does not expect.

    """
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("MEDIASTACK_", "XDG_"))},
        "HOME": str(home),
        "PYTHONPATH": str(ROOT / "src"),
        "TERM": "dumb",  # no redrawing: a capture shows what stays
        "NO_COLOR": "1",
        "COLUMNS": str(COLUMNS),
    }
    arguments = ["-m", "mediastack_provision", *scene.words]
    child = pexpect.spawn(
        sys.executable, arguments, env=env, cwd=folder, encoding="utf-8", timeout=SECONDS, dimensions=(ROWS, COLUMNS)
    )
    shown: list[str] = []
    questions = list(scene.answers)
    while (index := child.expect([*questions, pexpect.EOF])) < len(questions):
        # The rest of the question: prompts end with ": " and wait.
        asked = str(child.before) + str(child.after)
        child.expect(r": $")
        shown += [asked, str(child.before), ": "]
        child.sendline(scene.answers[questions[index]])
    shown.append(str(child.before))
    child.close()
    text = screen("".join(shown), home)
    if child.exitstatus not in scene.codes:
        raise RuntimeError(f"{' '.join(scene.words)} ended with {child.exitstatus}:\n{text}")
    return f"$ {PROGRAM} {' '.join(scene.words)}\n{text}\n(exit code {child.exitstatus})\n"


def screen(raw: str, home: Path) -> str:
    """The text without control codes, and with the home of an owner instead of a temporary one."""
    text = CONTROL.sub("", raw).replace("\r\n", "\n").replace("\r", "").replace(str(home), SHOWN_HOME)
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def captures(wanted: list[str], base: Path) -> Iterator[tuple[str, str]]:
    """(name, text) of every scene that was asked for."""
    home = base / "me"
    home.mkdir()
    scenes = {name: scene for name, scene in ALONE.items() if not wanted or name in wanted}
    if scenes:
        text = play(WIZARD, home, home)
        if "wizard" in scenes:
            yield "wizard", text
    if "error" in scenes:
        media = home / "inventories/home/group_vars/mediastack/media.yml"
        media.write_text(media.read_text(encoding="utf-8").replace(*MISTAKE), encoding="utf-8")
        yield "error", play(ALONE["error"], home, home)
    scenes = {name: scene for name, scene in ON_A_SERVER.items() if not wanted or name in wanted}
    if scenes:
        yield from on_a_server(scenes, base / "server")


def on_a_server(scenes: Mapping[str, Scene], home: Path) -> Iterator[tuple[str, str]]:
    """Scenes against a fresh sandbox, in the order in which an owner would play them."""
    lifecycle.down(SANDBOX)
    lifecycle.up(SANDBOX, machine.DEFAULT_RELEASE, "bare", ())
    try:
        inventory = state.require(SANDBOX).inventory
        shutil.copytree(inventory, home / "inventories" / "nas")
        for name, scene in scenes.items():
            yield name, play(scene, home, home)
    finally:
        lifecycle.down(SANDBOX)


def main() -> int:
    """Write the captures named on the command line, or all of them."""
    CAPTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="capture-") as base:
        for name, text in captures(sys.argv[1:], Path(base)):
            path = CAPTURES / f"{name}.txt"
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
