"""config/host: the full-object PUT, its rules, and the one user."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import secrets
from typing import Any

from peers.servarr.faults import convert, failure, refuse, unconvertible
from peers.servarr.options import Settings

ROUNDS = 10_000

# what lives in the database rather than in config.xml
STORED: dict[str, Any] = {
    "logSizeLimit": 1, "consoleLogLevel": "", "sslCertPath": "", "sslCertPassword": "", "applicationUrl": "",
    "updateAutomatically": False, "updateMechanism": "docker", "updateScriptPath": "", "proxyEnabled": False,
    "proxyType": "http", "proxyHostname": "", "proxyPort": 8080, "proxyUsername": "", "proxyPassword": "",
    "proxyBypassFilter": "", "proxyBypassLocalAddresses": True, "certificateValidation": "enabled",
    "backupFolder": "Backups", "backupInterval": 7, "backupRetention": 28,
}  # fmt: skip

CHOICES = {
    "authenticationMethod": ("none", "basic", "forms", "external"),
    "authenticationRequired": ("enabled", "disabledForLocalAddresses"),
    "updateMechanism": ("builtIn", "script", "external", "apt", "docker"),
    "proxyType": ("http", "socks4", "socks5"),
    "certificateValidation": ("enabled", "disabledForLocalAddresses", "disabled"),
}

# resource key -> element of config.xml; a change takes effect at the next start
ELEMENTS = {
    "bindAddress": "BindAddress", "port": "Port", "sslPort": "SslPort", "enableSsl": "EnableSsl",
    "launchBrowser": "LaunchBrowser", "authenticationMethod": "AuthenticationMethod",
    "authenticationRequired": "AuthenticationRequired", "analyticsEnabled": "AnalyticsEnabled",
    "logLevel": "LogLevel", "branch": "Branch", "urlBase": "UrlBase", "instanceName": "InstanceName",
}  # fmt: skip


def hash_password(password: str, salt: bytes | None = None) -> dict[str, str]:
    """Hash and salt of a password, base64, as the database keeps them."""
    salt = salt or secrets.token_bytes(16)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ROUNDS, 32)
    return {"password": base64.b64encode(digest).decode(), "salt": base64.b64encode(salt).decode()}


def password_fits(user: dict[str, str], password: str) -> bool:
    """Whether `password` is the user's."""
    again = hash_password(password, base64.b64decode(user["salt"]))
    return secrets.compare_digest(again["password"], user["password"])


def resource(settings: Settings, state: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """The object that GET answers: the hash for a password, never a confirmation."""
    user = state["user"] or {}
    overrides: dict[str, Any] = state["host"]
    base = {
        "id": 1,
        "bindAddress": settings.bind_address,
        "port": settings.port,
        "sslPort": settings.ssl_port,
        "enableSsl": settings.enable_ssl,
        "launchBrowser": settings.launch_browser,
        "authenticationMethod": settings.method.lower(),
        "authenticationRequired": settings.required[0].lower() + settings.required[1:],
        "analyticsEnabled": settings.analytics,
        "username": user.get("username", ""),
        "password": user.get("password", ""),
        "passwordConfirmation": "",
        "logLevel": settings.log_level,
        "branch": settings.branch,
        "apiKey": settings.api_key,
        "urlBase": settings.url_base,
        "instanceName": settings.instance_name,
        "trustCgnatIpAddresses": settings.trust_cgnat,
        **STORED,
        **extra,
    }
    return base | overrides


def _check_access(new: dict[str, Any], user: dict[str, str] | None) -> list[dict[str, Any]]:
    """Authentication: method, user, password and its confirmation."""
    faults = []
    if new["authenticationMethod"] == "basic":
        faults.append(failure("AuthenticationMethod", "'Basic' is no longer supported, use 'Forms' instead."))
    if new["authenticationMethod"] in {"basic", "forms"}:
        faults.extend(
            failure(key.capitalize(), f"'{key.capitalize()}' must not be empty.", "")
            for key in ("username", "password")
            if not new[key]
        )
    stored = (user or {}).get("password")
    if new["password"] != stored and (new["password"] or "") != (new["passwordConfirmation"] or ""):
        faults.append(failure("PasswordConfirmation", "Must match Password"))
    return faults


def _check_address(address: str) -> list[dict[str, Any]]:
    """An address to listen on: `*`, localhost, or an IP address other than the one for all of IPv4."""
    if address in {"*", "localhost"}:
        return []
    if address == "0.0.0.0":
        return [failure("BindAddress", "Use * instead of 0.0.0.0", address)]
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return [failure("BindAddress", "Must contain wildcard (*) or a valid IP Address", address)]
    return []


def check(new: dict[str, Any], user: dict[str, str] | None, application: str) -> None:
    """Refuse what the application refuses; every reason at once."""
    faults = _check_address(new["bindAddress"] or "")
    if not 1 <= new["port"] <= 65535:
        faults.append(failure("Port", "'Port' must be between 1 and 65535.", new["port"]))
    name = (new["instanceName"] or "").lower()
    if name and application.lower() not in name:
        faults.append(failure("InstanceName", f"Must contain {application}", new["instanceName"]))
    faults += _check_access(new, user)
    if not new["branch"]:
        faults.append(failure("Branch", "Branch name is required, 'master' is the default", new["branch"]))
    for key, low, high in (("logSizeLimit", 1, 10), ("backupInterval", 1, 7), ("backupRetention", 1, 90)):
        if not low <= new[key] <= high:
            title = key[0].upper() + key[1:]
            faults.append(failure(title, f"'{title}' must be between {low} and {high}.", new[key]))
    if faults:
        raise refuse(*faults)


def apply(
    body: dict[str, Any], settings: Settings, state: dict[str, Any], extra: dict[str, Any], application: str
) -> None:
    """Check a PUT body and change `state` and config.xml; the key in the body is ignored."""
    template = resource(settings, state, extra)
    new = convert(body, template)
    for key, accepted in CHOICES.items():
        value = new[key] or accepted[0]
        exact = {choice.lower(): choice for choice in accepted}.get(value.lower())
        if exact is None:
            raise unconvertible(key, value, key[0].upper() + key[1:])
        new[key] = exact
    check(new, state["user"], application)
    for key, element in ELEMENTS.items():
        if new[key] is not None and new[key] != template[key]:
            settings.file.set(element, str(new[key]).strip("/") if key == "urlBase" else str(new[key]))
    settings.file.save()
    user = state["user"]
    if new["username"] and new["password"]:
        if user is None or new["password"] != user["password"]:
            user = {**hash_password(new["password"]), "identifier": secrets.token_hex(16)}
        state["user"] = {**user, "username": new["username"].lower()}
    state["host"] = {key: new[key] for key in (*STORED, *extra) if new[key] is not None}
