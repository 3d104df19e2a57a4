"""Connection tests: what the application does over the network before it saves a provider.

Each takes the settings and returns validation failures; none means that the connection works.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable
from typing import Any

from peers.framework.client import Answer, UnreachableError, call
from peers.servarr.faults import failure

Failures = list[dict[str, Any]]
Settings = dict[str, Any]
CATEGORY = re.compile(r"([^\\/](/?[^\\/])*)?")


def base_url(settings: Settings) -> str:
    """The address that host, port, useSsl and urlBase make."""
    scheme = "https" if settings.get("useSsl") else "http"
    prefix = str(settings.get("urlBase") or "").strip("/")
    return f"{scheme}://{settings['host']}:{settings['port']}" + (f"/{prefix}" if prefix else "")


def qbittorrent_session(settings: Settings) -> tuple[str, dict[str, str]]:
    """Address and headers of a signed-in session; PermissionError when the login is refused."""
    base = base_url(settings)
    if not settings.get("username"):
        return base, {}
    form = {"username": settings["username"], "password": settings.get("password") or ""}
    answer = call("POST", f"{base}/api/v2/auth/login", form=form, headers={"Referer": base})
    if answer.status >= 300 or answer.body.strip() == b"Fails.":
        raise PermissionError(f"qBittorrent refused the login: {answer.status}")
    cookie = next((value for name, value in answer.headers.items() if name.lower() == "set-cookie"), "")
    return base, {"Cookie": cookie.split(";")[0], "Referer": base}


def qbittorrent(settings: Settings) -> Failures:
    """Log in, look at the version and the ratio action, create the category when it is missing."""
    category = next(
        (name for name in settings if name.lower().endswith("category") and "imported" not in name.lower()), ""
    )
    name = settings.get(category) or ""
    if not CATEGORY.fullmatch(name):
        return [failure(category, "Can not contain '\\', '//', or start/end with '/'", name)]
    try:
        base, headers = qbittorrent_session(settings)
        version = call("GET", f"{base}/api/v2/app/webapiVersion", headers=headers)
    except PermissionError:
        return [failure("Username", "Authentication failure")]
    except UnreachableError as error:
        return [failure("Host", f"Unable to connect to qBittorrent: {error}", settings["host"])]
    if version.status in {401, 403}:
        return [failure("Username", "Authentication failure")]
    if version.status != 200:
        return [failure("Host", f"Unknown exception: HTTP {version.status}", settings["host"])]
    return _category(base, headers, category, name)


def _category(base: str, headers: dict[str, str], field: str, name: str) -> Failures:
    if not name:
        return [failure(field, "Category is recommended", name, warning=True)]
    known = call("GET", f"{base}/api/v2/torrents/categories", headers=headers).json() or {}
    if name not in known:  # and without a save path, as the real one does
        made = call("POST", f"{base}/api/v2/torrents/createCategory", headers=headers, form={"category": name})
        if made.status >= 300:
            return [failure(field, "Configuration of label failed", name)]
    preferences = call("GET", f"{base}/api/v2/app/preferences", headers=headers).json() or {}
    removes = preferences.get("max_ratio_act") in {1, 3}
    if (preferences.get("max_ratio_enabled") or preferences.get("max_seeding_time_enabled")) and removes:
        text = "qBittorrent is configured to remove torrents when they reach their Share Ratio Limit"
        return [failure("", text, warning=True)]
    return []


def sabnzbd(settings: Settings) -> Failures:
    """Ask for the configuration with the key."""
    if not settings.get("apiKey") and not (settings.get("username") and settings.get("password")):
        return [failure("APIKey", "API Key is required when username/password are not configured")]
    key = urllib.parse.quote(settings.get("apiKey") or "")
    try:
        url = f"{base_url(settings)}/api?mode=get_cats&output=json&apikey={key}"
        answer = call("GET", url)
    except UnreachableError as error:
        return [failure("Host", f"Unable to connect to SABnzbd: {error}", settings["host"])]
    if answer.status != 200:
        return [failure("APIKey", "API Key Incorrect")]
    category = next((name for name in settings if name.lower().endswith("category")), "category")
    categories = (answer.json() or {}).get("categories", [])
    if settings.get(category) and settings[category] not in categories:
        return [failure(category, "Category does not exist", settings[category])]
    return []


def mediabrowser(settings: Settings) -> Failures:
    """Call with the legacy header that the applications still send; servers from 12 on refuse it."""
    if not settings.get("host"):
        return [failure("Host", "'Host' must not be empty.", "")]
    if not settings.get("apiKey"):
        return [failure("ApiKey", "'Api Key' must not be empty.", "")]
    try:
        headers = {"X-MediaBrowser-Token": settings["apiKey"]}
        answer = call("GET", f"{base_url(settings)}/System/Configuration", headers=headers)
    except UnreachableError as error:
        return [failure("Host", f"Unable to send test message: {error}")]
    if answer.status == 401:
        return [failure("ApiKey", "API key is incorrect")]
    return [] if answer.status < 300 else [failure("Host", f"Unable to send test message: {answer.status}")]


def webhook(settings: Settings) -> Failures:
    """Send a test event."""
    headers = {item["key"]: item["value"] for item in settings.get("headers") or []}
    method = "PUT" if settings.get("method") == 2 else "POST"
    try:
        answer = call(method, settings.get("url") or "", headers=headers, data={"eventType": "Test"})
    except UnreachableError as error:
        return [failure("Url", f"Unable to send test message: {error}", settings.get("url"))]
    return [] if answer.status < 300 else [failure("Url", f"Unable to post to webhook: {answer.status}")]


def newznab(settings: Settings) -> Failures:
    """Fetch the capabilities."""
    key = urllib.parse.quote(settings.get("apiKey") or "")
    base = (settings.get("baseUrl") or "").rstrip("/")
    if not base:
        return [failure("BaseUrl", "'Base Url' must not be empty.", "")]
    try:
        answer = call("GET", f"{base}{(settings.get('apiPath') or '/api').rstrip('/')}?t=caps&apikey={key}")
    except UnreachableError as error:
        text = f"Unable to connect to indexer, check the log for more details: {error}"
        return [failure("", text)]
    if answer.status in {401, 403}:
        return [failure("ApiKey", "Invalid API Key")]
    if answer.status != 200 or b"<caps" not in answer.body:
        return [failure("", f"Unable to connect to indexer: HTTP {answer.status}")]
    return []


def application(settings: Settings) -> Failures:
    """Ask the application for its status, then let it call back to the address that it will be given."""
    base, headers = (settings.get("baseUrl") or "").rstrip("/"), {"X-Api-Key": settings.get("apiKey") or ""}
    try:
        status = call("GET", f"{base}/api/v3/system/status", headers=headers)
        if status.status == 401:
            return [failure("ApiKey", "API Key is invalid")]
        if status.status >= 300 or not _version(status):
            return [failure("BaseUrl", "Unable to complete application test, cannot connect", base)]
        body = {
            "name": "Test", "implementation": "Newznab", "configContract": "NewznabSettings", "priority": 25,
            "enableRss": True, "enableAutomaticSearch": True, "enableInteractiveSearch": True, "tags": [],
            "protocol": "usenet",
            "fields": [
                {"name": "baseUrl", "value": f"{(settings.get('prowlarrUrl') or '').rstrip('/')}/0/"},
                {"name": "apiPath", "value": "/api"},
                {"name": "apiKey", "value": settings["prowlarrApiKey"]},
                {"name": "categories", "value": settings.get("syncCategories") or []},
            ],
        }  # fmt: skip
        answer = call("POST", f"{base}/api/v3/indexer/test", headers=headers, data=body, timeout=15)
    except UnreachableError as error:
        return [failure("BaseUrl", f"Unable to complete application test, cannot connect: {error}", base)]
    if answer.status == 400:
        text = "Prowlarr URL is invalid, the application cannot connect to Prowlarr"
        return [failure("ProwlarrUrl", text, settings.get("prowlarrUrl"))]
    return [] if answer.status < 300 else [failure("BaseUrl", f"Unexpected answer: {answer.status}", base)]


def _version(answer: Answer) -> str | None:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return headers.get("x-application-version")


def flaresolverr(settings: Settings) -> Failures:
    """Fetch a page of the internet through it, as the real test does; without internet it fails."""
    target = {"cmd": "request.get", "url": "http://ping.prowlarr.test/", "maxTimeout": 2000}
    try:
        answer = call("POST", f"{(settings.get('host') or '').rstrip('/')}/v1", data=target)
    except UnreachableError as error:
        return [failure("Host", f"Unable to connect to FlareSolverr: {error}", settings.get("host"))]
    if (answer.json() or {}).get("status") != "ok":
        return [failure("Host", "FlareSolverr request failed, see its log", settings.get("host"))]
    return []


def nothing(settings: Settings) -> Failures:
    """A provider that the sandbox cannot test."""
    return []


PROBES: dict[str, Callable[[Settings], Failures]] = {
    "qbittorrent": qbittorrent, "sabnzbd": sabnzbd, "mediabrowser": mediabrowser, "webhook": webhook,
    "newznab": newznab, "application": application, "flaresolverr": flaresolverr, "nothing": nothing,
}  # fmt: skip
