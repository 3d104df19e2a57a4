"""Checks that ask over HTTP: api, https."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.mediastack.core.plugins.module_utils import certificate
from ansible_collections.mediastack.core.plugins.module_utils.apps import auth
from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import (
    Accepted,
    Context,
    Failed,
    NotYet,
)
from ansible_collections.mediastack.core.plugins.module_utils.http import Client, HttpError, UnreachableError

if TYPE_CHECKING:
    from ansible_collections.mediastack.core.plugins.module_utils.checks.outcome import Check

STARTING = (502, 503, 504)  # what a proxy, or the application itself, answers while the application starts


def api(check: Check, context: Context) -> str:
    """It answers with its own key, and refuses without."""
    try:
        client = auth.signed_in(check["url"], check["auth"], context.secrets, timeout=context.timeout)
        answered = client.request(check["method"], check["path"]).status
        if answered in check["refuse_status"] and _awaits_a_person(check, context):
            raise Accepted(f"not set up yet: open it and {check['by_hand']['task']}")
        _demand(check["path"], answered, check["expect_status"])
        if not check["refuse_status"]:
            return f"{answered}"
        stranger = Client(check["url"], timeout=context.timeout)
        refused = stranger.get(check["refuse_path"]).status
    except UnreachableError as error:
        raise NotYet(str(error)) from None
    except HttpError as error:
        raise Failed(str(error)) from None
    _demand(f"without a key, {check['refuse_path']}", refused, check["refuse_status"])
    if check["auth"]["kind"] == "none":
        return f"{answered}, {refused} for {check['refuse_path']}"
    return f"{answered} with key, {refused} without"


def _awaits_a_person(check: Check, context: Context) -> bool:
    """Whether the application says that nobody has set it up, where that is left to a person. Raises HttpError."""
    by_hand = check.get("by_hand")
    if not by_hand:
        return False
    told = Client(check["url"], timeout=context.timeout).get(by_hand["path"]).expect(200).json()
    return isinstance(told, dict) and told.get(by_hand["field"]) is False


def _demand(what: str, status: int, accepted: list[int]) -> None:
    if status not in accepted:
        kind = NotYet if status in STARTING else Failed
        raise kind(f"{what} answers {status}, not {_any(accepted)}")


def _any(statuses: list[int]) -> str:
    return " or ".join(str(status) for status in statuses)


def https(check: Check, context: Context) -> str:
    """The edge answers for the name, with a certificate that names it and that its root vouches for."""
    scheme, name, port = check["scheme"], check["name"], int(check["port"])
    default = {"http": 80, "https": 443}.get(scheme)
    base = f"{scheme}://{name}" + ("" if port == default else f":{port}")
    target = (check["address"], port)
    try:
        client = Client(base, ca_file=check.get("ca"), connect=target, timeout=context.timeout)
        answer = client.get(check["path"])
        _demand(check["path"], answer.status, check["expect_status"])
        if scheme == "http":
            return f"{answer.status}"
        seen = certificate.of(name, target, ca_file=check.get("ca"), timeout=context.timeout)
    except UnreachableError as error:
        raise NotYet(str(error)) from None
    except HttpError as error:
        raise Failed(str(error)) from None
    return f"{answer.status}, issued by {seen['issuer']}"
