"""ssh-audit judges SSH from outside, before and after: alone, and by its published policy for the release.

What it still says is known, each with its reason (tests/integration/audits/ssh-audit.yml): something new, and something
that is gone, fails.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
import yaml
from tests.integration.audits import auditors
from tests.integration.servers import RELEASES, Server, server

HARDEN = ("playbooks/harden.yml", "--tags", "ssh")


@dataclasses.dataclass(frozen=True)
class Said:
    """What ssh-audit says: names of algorithms that fail and that it warns of, and whether its policy passes."""

    fail: list[str]
    warn: list[str]
    policy: bool

    def line(self, name: str, before: Said) -> str:
        """The figures, as the gate collects them."""
        counts = [f"{len(said.fail)}/{len(said.warn)}" for said in (before, self)]
        return (
            f"\naudit {name} before={counts[0]} after={counts[1]} required=0/0 fail={len(self.fail)} "
            f"warn={len(self.warn)} policy={'passed' if self.policy else 'failed'}"
        )


def ask(made: Server) -> Said:
    """Ask it; OpenSSH 9.8 and later then lets nobody in for a while."""
    said = Said(**auditors.ssh_audit(made), policy=auditors.policy(made))
    auditors.wait_to_be_let_in(made)
    return said


@pytest.fixture(scope="module", params=RELEASES)
def judged(request: pytest.FixtureRequest) -> Iterator[tuple[Server, Said]]:
    """A server, hardened, and what was said of it as it came."""
    with server(f"it-ssh-audit-{request.param}", release=request.param, kind="bare") as made:
        before = ask(made)
        done = made.play(*HARDEN)
        assert done.returncode == 0, done.failure
        yield made, before


def test_as_the_level_hardened_has_it(judged: tuple[Server, Said]) -> None:
    made, before = judged
    after = ask(made)
    print(after.line(f"ssh-audit {made.sandbox.release}", before))
    assert before.fail
    assert not before.policy
    assert after.policy
    assert after.fail == []
    auditors.compare(frozenset(after.warn), auditors.reasons("ssh-audit")[made.sandbox.release])


def test_as_the_level_strict_has_it(judged: tuple[Server, Said]) -> None:
    """On Debian 12, no configuration satisfies ssh-audit with its policy and without: each level satisfies one."""
    made, before = judged
    made.choices.write_text(yaml.safe_dump({"ssh_level": "strict"}), encoding="utf-8")
    done = made.play(*HARDEN)
    assert done.returncode == 0, done.failure
    after = ask(made)
    print(after.line(f"ssh-audit-strict {made.sandbox.release}", before))
    assert (after.fail, after.warn) == ([], [])
    assert after.policy == (made.sandbox.release != "debian12")
