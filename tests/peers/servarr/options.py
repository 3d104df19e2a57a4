"""Where settings come from: `<APP>__SECTION__KEY` in the environment, then config.xml, then defaults.

Names are compared without case, as .NET does; the values of enumerations are not: a wrong case in the
environment is ignored without a word, while config.xml takes any case.
"""

from __future__ import annotations

import secrets
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

from peers.framework import journal, store

METHODS = {"none": "None", "basic": "Basic", "forms": "Forms", "external": "External"}
REQUIRED = {"enabled": "Enabled", "disabledforlocaladdresses": "DisabledForLocalAddresses"}

# elements of config.xml that the application knows; it deletes all others at start
KNOWN = {
    "BindAddress", "Port", "SslPort", "EnableSsl", "LaunchBrowser", "ApiKey", "AuthenticationMethod",
    "AuthenticationRequired", "Branch", "LogLevel", "ConsoleLogLevel", "SslCertPath", "SslCertPassword",
    "UrlBase", "InstanceName", "UpdateMechanism", "UpdateAutomatically", "UpdateScriptPath",
    "AnalyticsEnabled", "Theme", "LogSizeLimit", "TrustCgnatIpAddresses", "PostgresHost", "PostgresPort",
    "PostgresUser", "PostgresPassword", "PostgresMainDb", "PostgresLogDb", "LogDbEnabled", "LogSql",
    "LogRotate", "FilterSentryEvents", "SyslogServer", "SyslogPort", "SyslogLevel",
}  # fmt: skip


class ConfigError(Exception):
    """The application cannot start with these settings."""


class Environment:
    """The options of one application in the environment."""

    def __init__(self, application: str, variables: Mapping[str, str]) -> None:
        """Keep `<APPLICATION>__*`."""
        prefix = f"{application}__".lower()
        self._values = {key.lower().removeprefix(prefix): value for key, value in variables.items()
                        if key.lower().startswith(prefix)}  # fmt: skip

    def text(self, name: str) -> str | None:
        """A value such as `auth__apikey`, or None."""
        return self._values.get(name.lower())

    def number(self, name: str) -> int | None:
        """A whole number; anything else stops the start."""
        value = self.text(name)
        if value is None or value == "":
            return None
        if not value.strip().isdigit():
            raise ConfigError(f"Failed to convert configuration value '{value}' at '{name}' to Int32")
        return int(value)

    def truth(self, name: str) -> bool | None:
        """True or False; anything else stops the start."""
        value = self.text(name)
        if value is None or value == "":
            return None
        if value.strip().lower() not in {"true", "false"}:
            raise ConfigError(f"Failed to convert configuration value '{value}' at '{name}' to Boolean")
        return value.strip().lower() == "true"

    def choice(self, name: str, accepted: Mapping[str, str]) -> str | None:
        """One of the accepted spellings, letter by letter; a wrong one counts as not set."""
        value = self.text(name)
        return value if value in accepted.values() else None


class ConfigFile:
    """config.xml: read, completed with what is missing, cleaned of what is unknown."""

    def __init__(self, path: Path) -> None:
        """Read `path`; an empty or broken file is an error, an absent one is made on the first write."""
        self.path = path
        self.root = self._load()
        for element in list(self.root):
            if element.tag not in KNOWN:
                self.root.remove(element)

    def _load(self) -> ET.Element:
        if not self.path.exists():
            return ET.Element("Config")
        text = self.path.read_text("utf-8-sig")
        if not text.strip():
            raise ConfigError(f"{self.path} is empty. Please delete the config file and it will be recreated.")
        if not any(character.isprintable() for character in text):
            raise ConfigError(f"{self.path} is corrupt. Please delete the config file and it will be recreated.")
        try:
            root = ET.fromstring(text)  # noqa: S314 - our own file
        except ET.ParseError as error:
            raise ConfigError(f"{self.path} is corrupt or invalid: {error}") from error
        if root.tag != "Config":
            raise ConfigError(f"{self.path} has no element Config")
        return root

    def get(self, key: str, default: str, *, persist: bool = True) -> str:
        """The value of an element; a missing one is added when `persist` is set."""
        element = self.root.find(key)
        if element is not None:
            return (element.text or "").strip()
        if persist:
            self.set(key, default)
        return default

    def set(self, key: str, value: str) -> None:
        """Change an element; `save` writes it."""
        element = self.root.find(key)
        if element is None:
            element = ET.SubElement(self.root, key)
        element.text = value

    def save(self) -> None:
        """Write the file as the application does: two spaces, no declaration."""
        ET.indent(self.root)
        content = ET.tostring(self.root, encoding="unicode", short_empty_elements=False)
        if not self.path.exists() or self.path.read_text("utf-8-sig") != content:
            store.write_atomically(self.path, content.encode())


class Settings:
    """The settings in force since the start."""

    def __init__(self, application: str, port: int, branch: str, file: ConfigFile, env: Environment) -> None:
        """Resolve every setting once, completing config.xml on the way."""
        self.file, self.env = file, env
        self.bind_address = env.text("server__bindaddress") or file.get("BindAddress", "*") or "*"
        own_port = env.number("server__port")
        self.port = own_port if own_port is not None else int(file.get("Port", str(port)))
        self.ssl_port = env.number("server__sslport") or int(file.get("SslPort", "9898"))
        self.enable_ssl = self._truth("server__enablessl", "EnableSsl", "False")
        self.launch_browser = self._truth("app__launchbrowser", "LaunchBrowser", "True")
        self.api_key = journal.hide(self._api_key())
        self.method = env.choice("auth__method", METHODS) or self._enum("AuthenticationMethod", METHODS, "none")
        if env.truth("auth__enabled"):
            self.method = "Forms"
        if self.method == "Basic":  # obsolete: the application turns it into Forms
            self.method = "Forms"
            file.set("AuthenticationMethod", "forms")
        self.required = env.choice("auth__required", REQUIRED) or self._enum(
            "AuthenticationRequired", REQUIRED, "enabled"
        )
        self.trust_cgnat = bool(env.truth("auth__trustcgnatipaddresses"))
        self.branch = (env.text("update__branch") or file.get("Branch", branch)).lower()
        self.log_level = (env.text("log__level") or file.get("LogLevel", "info")).lower()
        analytics = env.truth("log__analyticsenabled")
        stored = file.get("AnalyticsEnabled", "True", persist=False).lower() == "true"
        self.analytics = stored if analytics is None else analytics
        base = env.text("server__urlbase")
        base = (file.get("UrlBase", "") if base is None else base).strip("/")
        self.url_base = f"/{base}" if base else ""
        self.instance_name = self._instance_name(application)
        file.save()

    def _api_key(self) -> str:
        from_environment = self.env.text("auth__apikey")
        if from_environment and from_environment.strip():
            return from_environment.strip()  # and not written to config.xml
        key = self.file.get("ApiKey", "")
        if not key:
            key = secrets.token_hex(16)
            self.file.set("ApiKey", key)
        return key

    def _truth(self, name: str, element: str, default: str) -> bool:
        value = self.env.truth(name)
        return self.file.get(element, default).lower() == "true" if value is None else value

    def _enum(self, element: str, accepted: Mapping[str, str], default: str) -> str:
        value = self.file.get(element, default).lower()
        if value not in accepted:
            raise ConfigError(f"Requested value '{value}' of {element} was not found")
        return accepted[value]

    def _instance_name(self, application: str) -> str:
        name = self.env.text("app__instancename") or self.file.get("InstanceName", application)
        lower = name.lower()
        fits = lower.startswith(application.lower()) or lower.endswith(application.lower())
        return name if fits else application
