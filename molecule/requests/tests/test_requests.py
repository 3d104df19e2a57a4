"""The request manager is set up with the media server's administrator."""

from __future__ import annotations

from typing import Any

from state import address, read_json, state, status_of


def base(host: Any) -> str:
    return f"http://{address(host, 'seerr')}:5055/api/v1"


def test_application_is_healthy(host: Any) -> None:
    assert state(host, "seerr") == "healthy"


def test_first_sign_in_is_over(host: Any) -> None:
    public = read_json(host, f"{base(host)}/settings/public")
    assert public["initialized"] is True
    assert public["mediaServerType"] == 2


def test_strangers_are_refused(host: Any) -> None:
    assert status_of(host, f"{base(host)}/auth/me") in (401, 403)
