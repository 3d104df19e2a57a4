r"""How a call to an application is authorised, from data.

`auth` is one of (as planned on the controller; secrets are looked up by name in a mapping of their own):

    {"kind": "none"}
    {"kind": "header", "header": "X-Api-Key", "format": "{secret}", "secret": "radarr/api_key"}
    {"kind": "basic", "username": "admin", "secret": "…"}
    {"kind": "form", "path": "/api/v2/auth/login", "fields": {…}, "secret_field": "password", "secret": "…"}
    {"kind": "token", "path": "/Users/AuthenticateByName", "headers": {…}, "json": {…}, "secret_field": "Pw",
     "secret": "…", "answer": "AccessToken", "header": "Authorization", "format": "MediaBrowser
     Token=\"{token}\""}

Instead of "secret", `header` takes "secret_file": a file on this server that holds it, for keys that only the
application can make.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.http import Client, HttpError

if TYPE_CHECKING:
    from collections.abc import Mapping

    Auth = Mapping[str, Any]
    Secrets = Mapping[str, str]


def signed_in(url: str, auth: Auth, secrets: Secrets, *, timeout: float = 10) -> Client:
    """A client whose calls are authorised; signs in first where the application wants that.

    Raises HttpError when the application refuses, and when a secret is missing (its name is told, never a
    value).
    """
    kind = auth.get("kind", "none")
    if kind not in SIGN_IN:
        raise HttpError(f"unknown kind of authorisation: {kind}")
    client = Client(url, timeout=timeout, cookies=kind == "form")
    SIGN_IN[kind](client, auth, secrets)
    return client


def secret_of(auth: Auth, secrets: Secrets) -> str:
    """The secret that `auth` names. Raises HttpError when there is none."""
    if "secret_file" in auth:
        try:
            return Path(auth["secret_file"]).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise HttpError(f"{auth['secret_file']} cannot be read: {error.strerror}") from None
    name = auth["secret"]
    value = secrets.get(name)
    if not value:
        raise HttpError(f"the secret {name} is missing")
    return value


def _nothing(client: Client, auth: Auth, secrets: Secrets) -> None:
    pass


def _header(client: Client, auth: Auth, secrets: Secrets) -> None:
    client.headers[auth["header"]] = auth.get("format", "{secret}").format(secret=secret_of(auth, secrets))


def _basic(client: Client, auth: Auth, secrets: Secrets) -> None:
    pair = f"{auth['username']}:{secret_of(auth, secrets)}".encode()
    client.headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"


def _form(client: Client, auth: Auth, secrets: Secrets) -> None:
    fields = {**auth.get("fields", {}), auth["secret_field"]: secret_of(auth, secrets)}
    answer = client.post(auth["path"], form=fields).expect()
    # qBittorrent up to 5.1 says no with status 200 and this word.
    if answer.body.strip() == b"Fails.":
        raise HttpError(f"{answer.label}: the login is refused")


def _token(client: Client, auth: Auth, secrets: Secrets) -> None:
    body = {**auth.get("json", {}), auth["secret_field"]: secret_of(auth, secrets)}
    answer = client.post(auth["path"], json=body, headers=auth.get("headers", {})).expect()
    data = answer.json()
    token = data.get(auth["answer"]) if isinstance(data, dict) else None
    if not token:
        raise HttpError(f"{answer.label}: the answer holds no {auth['answer']}")
    client.headers[auth["header"]] = auth["format"].format(token=token)


SIGN_IN = {"none": _nothing, "header": _header, "basic": _basic, "form": _form, "token": _token}
