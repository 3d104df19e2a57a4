"""Jellyfin: first-start wizard, sign-in, API keys, and what its owner wants to know.

Traps this avoids:

* while it starts, a stand-in server answers `/System/Info/Public` with an unfinished wizard, also on a
  finished server: only `/System/Ping` of the real one counts (`wait_until` it, then read);
* the wizard's user exists only after `GET /Startup/User`; a wizard that was interrupted after the user got a
  password refuses another one with 403, and goes on;
* a key cannot be chosen, POST makes another one every time and does not return it: list first, and again
  after;
* the header must be `Authorization: MediaBrowser …`: the older headers are off in version 12;
* without a constant DeviceId every sign-in adds a device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils.apps.text import count
from ansible_collections.mediastack.core.plugins.module_utils.http import Client, HttpError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEVICE = 'MediaBrowser Client="mediastack", Device="ansible", DeviceId="mediastack-ansible", Version="1.0"'
PING = "/System/Ping"
HAS_PASSWORD = 403


def info(client: Client) -> dict[str, Any]:
    """What it tells everybody, with StartupWizardCompleted and Version. Raises HttpError."""
    answer = client.get("/System/Info/Public").expect(200).json()
    if not isinstance(answer, dict) or "StartupWizardCompleted" not in answer:
        raise HttpError(f"{client.base}/System/Info/Public: the answer does not tell the wizard's state")
    return answer


def wizard(client: Client, settings: Mapping[str, Any], username: str, password: str) -> None:
    """Go through the first-start wizard. Raises HttpError.

    settings: {server_name, ui_culture, metadata_country, metadata_language, remote_access}.
    """
    configuration = {
        "ServerName": settings["server_name"],
        "UICulture": settings["ui_culture"],
        "MetadataCountryCode": settings["metadata_country"],
        "PreferredMetadataLanguage": settings["metadata_language"],
    }
    client.post("/Startup/Configuration", json=configuration).expect()
    client.get("/Startup/User").expect(200)
    named = client.post("/Startup/User", json={"Name": username, "Password": password})
    if named.status != HAS_PASSWORD:
        named.expect()
    access = {"EnableRemoteAccess": bool(settings["remote_access"]), "EnableAutomaticPortMapping": False}
    client.post("/Startup/RemoteAccess", json=access).expect()
    client.post("/Startup/Complete").expect()


def sign_in(client: Client, username: str, password: str) -> bool:
    """Let the client act as that user; False when Jellyfin refuses the login. Raises HttpError otherwise."""
    body = {"Username": username, "Pw": password}
    answer = client.post("/Users/AuthenticateByName", json=body, headers={"Authorization": DEVICE})
    if answer.status in (401, 403):
        return False
    data = answer.expect(200).json()
    token = data.get("AccessToken") if isinstance(data, dict) else None
    if not token:
        raise HttpError(f"{answer.label}: the answer holds no AccessToken")
    client.headers["Authorization"] = f'{DEVICE}, Token="{token}"'
    return True


def keys(client: Client, name: str) -> list[str]:
    """The API keys of that application name, oldest first. Raises HttpError."""
    answer = client.get("/Auth/Keys").expect(200).json()
    return [item["AccessToken"] for item in answer.get("Items", []) if item.get("AppName") == name]


def make_key(client: Client, name: str) -> str:
    """Make an API key and read it back. Raises HttpError."""
    client.post("/Auth/Keys", query={"app": name}).expect()
    made = keys(client, name)
    if not made:
        raise HttpError(f"{client.base}/Auth/Keys: the new key is not listed")
    return made[-1]


def summary(client: Client) -> dict[str, Any]:
    """{"note", "details": {version, set_up, sessions, playing, libraries}}.

    Without authorisation only the version and whether it is set up. Raises HttpError.
    """
    told = info(client)
    details: dict[str, Any] = {"version": told.get("Version"), "set_up": told["StartupWizardCompleted"]}
    if not details["set_up"]:
        return {"note": "not set up yet", "details": details}
    if "Authorization" not in client.headers:
        return {"note": f"version {details['version']}", "details": details}
    sessions = client.get("/Sessions", query={"activeWithinSeconds": 960}).expect().json()
    libraries = client.get("/Library/VirtualFolders").expect().json()
    details["sessions"] = len(sessions)
    details["playing"] = sum(1 for session in sessions if session.get("NowPlayingItem"))
    details["libraries"] = len(libraries)
    known = [count(len(libraries), "library", "libraries"), count(len(sessions), "session", "sessions")]
    if details["playing"]:
        known.append(f"{details['playing']} playing")
    return {"note": ", ".join(known), "details": details}
