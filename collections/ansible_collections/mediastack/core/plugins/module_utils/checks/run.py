"""Execute checks side by side and say how each one ended."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.checks.confined import confined, limits
from ansible_collections.mediastack.core.plugins.module_utils.checks.containers import (
    container,
    namespace,
    stack_equal,
)
from ansible_collections.mediastack.core.plugins.module_utils.checks.engine import snapshot
from ansible_collections.mediastack.core.plugins.module_utils.checks.hardened import hardened, items
from ansible_collections.mediastack.core.plugins.module_utils.checks.hardlink import hardlink
from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import (
    Accepted,
    Context,
    Failed,
    NotYet,
    Silent,
    Skipped,
)
from ansible_collections.mediastack.core.plugins.module_utils.checks.ports import ports
from ansible_collections.mediastack.core.plugins.module_utils.checks.storage import storage
from ansible_collections.mediastack.core.plugins.module_utils.checks.web import api, https
from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import DockerError
from ansible_collections.mediastack.core.plugins.module_utils.parallel import run_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import Check, Executor

KINDS: dict[str, Executor] = {
    "api": api,
    "confined": confined,
    "container": container,
    "hardened": hardened,
    "hardlink": hardlink,
    "https": https,
    "items": items,
    "limits": limits,
    "namespace": namespace,
    "ports": ports,
    "stack_equal": stack_equal,
    "storage": storage,
}
NEED_ENGINE = {"confined", "container", "hardlink", "limits", "namespace", "ports", "stack_equal"}
PAUSE = 0.5  # seconds between two attempts
STATUSES = ("pass", "fail", "warn", "skip")
SILENT = "silent"


def run(  # noqa: PLR0913 - what a run is told is independent
    checks: Sequence[Check],
    secrets: Mapping[str, str],
    *,
    timeout: float,
    parallel: int,
    wait: float = 0,
    check_mode: bool = False,
) -> list[dict[str, Any]]:
    """One result for each check that has something to say, in their order.

    {id, group, title, instance, status: pass|fail|warn|skip, evidence, remedy, seconds}. `warn` is a failure
    of a check whose severity is "warn", or one that the owner accepts.
    `timeout` limits a single request or command; a check as a whole gets thrice that.
    """
    context = Context(look(checks), secrets, timeout, check_mode, wait)
    jobs = [partial(_one, check, context) for check in checks]
    rounds = -(-len(jobs) // max(1, parallel))
    outcomes = run_all(jobs, parallel=parallel, timeout=(3 * timeout + wait) * max(1, rounds))
    results = [_result(check, outcome) for check, outcome in zip(checks, outcomes)]  # noqa: B905 - Python 3.9
    return [result for result in results if result["status"] != SILENT]


def look(checks: Iterable[Check]) -> Any:
    """The one look at Docker that these checks need: a Snapshot, or the reason why there is none."""
    if not any(check["kind"] in NEED_ENGINE for check in checks):
        return "Docker was not asked"
    images = [item["image"] for c in checks if c["kind"] == "stack_equal" for item in c["instances"]]
    try:
        return snapshot(images)
    except DockerError as error:
        return str(error)


def _one(check: Check, context: Context) -> tuple[str, str, float]:
    started = time.monotonic()
    try:
        status, evidence = "pass", _patient(check, context, started + context.wait)
    except Accepted as error:
        status, evidence = "warn", str(error)
    except Failed as error:
        status, evidence = "fail", str(error)
    except Skipped as error:
        status, evidence = "skip", str(error)
    except Silent:
        status, evidence = SILENT, ""
    return status, evidence, time.monotonic() - started


def _patient(check: Check, context: Context, deadline: float) -> str:
    """Execute it; again while nobody answers yet, until the monotonic time `deadline`."""
    while True:
        try:
            return KINDS.get(check["kind"], _unknown)(check, context)
        except NotYet:
            if time.monotonic() + PAUSE >= deadline:
                raise
        time.sleep(PAUSE)


def _unknown(check: Check, _context: Context) -> str:
    raise Failed(f"this server does not know checks of kind {check['kind']}")


def _result(check: Check, outcome: Any) -> dict[str, Any]:
    if isinstance(outcome, TimeoutError):
        outcome = ("fail", "not done in time", 0.0)
    elif isinstance(outcome, Exception):
        # A fault of the check itself. Its text may hold anything, so only its kind is told.
        outcome = ("fail", f"the check broke: {type(outcome).__name__}", 0.0)
    status, evidence, seconds = outcome
    if status == "fail" and check.get("severity") == "warn":
        status = "warn"
    told = {key: check.get(key) for key in ("id", "group", "title", "instance", "remedy")}
    return {**told, "status": status, "evidence": evidence, "seconds": round(seconds, 3)}


def counts(results: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many ended how, and how many there are."""
    statuses = [result["status"] for result in results]
    return {**{status: statuses.count(status) for status in STATUSES}, "total": len(statuses)}
