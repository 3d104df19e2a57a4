"""Errors in the shape that the *arr applications give them."""

from __future__ import annotations

from typing import Any

from peers.framework.web import HttpError


def failure(name: str, message: str, value: Any = None, *, warning: bool = False) -> dict[str, Any]:
    """One entry of a list of validation failures."""
    return {
        "propertyName": name,
        "errorMessage": message,
        "attemptedValue": value,
        "severity": "warning" if warning else "error",
        "isWarning": warning,
        "errorCode": "PredicateValidator",
    }


def refuse(*failures: dict[str, Any]) -> HttpError:
    """400 with the failures as a list."""
    return HttpError(400, list(failures))


def unconvertible(key: str, value: Any, kind: str) -> HttpError:
    """400 as ASP.NET answers a value of the wrong type."""
    text = f"The JSON value could not be converted to {kind}. Path: $.{key} (was {value!r})."
    return HttpError(
        400,
        {"title": "One or more validation errors occurred.", "status": 400, "errors": {f"$.{key}": [text]}},
    )


def missing(what: str, number: int | str) -> HttpError:
    """404 for an id that is not there."""
    return HttpError(404, {"message": "NotFound", "description": f"{what} with ID {number} does not exist"})


def convert(body: dict[str, Any], template: dict[str, Any]) -> dict[str, Any]:
    """`body` as a new object of the template's types: what it lacks is zero, false or null, not the default.

    This is why a partial PUT loses settings. Unknown keys are dropped.
    """
    result: dict[str, Any] = {}
    for key, default in template.items():
        value = body.get(key)
        if value is None:
            result[key] = _zero(default)
            continue
        if isinstance(default, bool) != isinstance(value, bool):
            raise unconvertible(key, value, "System.Boolean" if isinstance(default, bool) else "System.String")
        if isinstance(default, int) and not isinstance(default, bool) and not isinstance(value, int):
            raise unconvertible(key, value, "System.Int32")
        if isinstance(default, str) and not isinstance(value, str):
            raise unconvertible(key, value, "System.String")
        if isinstance(default, list) and not isinstance(value, list):
            raise unconvertible(key, value, "System.Collections.Generic.List")
        result[key] = value
    return result


def _zero(default: Any) -> Any:
    if isinstance(default, bool):
        return False
    if isinstance(default, int):
        return 0
    if isinstance(default, list):
        return []
    return None
