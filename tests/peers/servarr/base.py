"""What Sonarr, Radarr and Prowlarr share: start, authentication, system, host, tags, commands, singletons."""

from __future__ import annotations

import datetime as dt
import os
import platform
import secrets
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from peers.framework import journal, web
from peers.framework.store import Store
from peers.framework.web import HttpError, Request, Response
from peers.servarr import host
from peers.servarr.faults import convert, failure, missing, refuse
from peers.servarr.options import ConfigError, ConfigFile, Environment, Settings
from peers.servarr.providers import Kind, Providers

Command = Callable[[dict[str, Any]], str]


@dataclass(frozen=True)
class Product:
    """The facts of one application."""

    name: str
    version: str
    api: str
    port: int
    branch: str
    host_extra: dict[str, Any] = field(default_factory=dict)


def now() -> str:
    """UTC in the notation of the API."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Servarr(web.Application):
    """One application; subclasses add kinds of providers, commands and libraries."""

    def __init__(self, product: Product, config: Path, variables: Mapping[str, str]) -> None:
        """Read settings and state from `config`; ConfigError when they forbid a start."""
        super().__init__()
        self.product, self.name, self.config = product, product.name, config
        self._environment = Environment(product.name, variables)
        self.settings = self._read_settings()
        self.active = self.settings  # what a change of config/host does not touch until a restart
        self.store = Store(
            config / f"{product.name.lower()}.standin.json",
            {"user": None, "host": {}, "providers": {}, "next": {}, "tags": [], "singletons": {},
             "rootfolders": [], "titles": [], "files": [], "commands": []},
            mode=0o600,
        )  # fmt: skip
        self.started = now()
        self._sessions: set[str] = set()
        self.singletons: dict[str, dict[str, Any]] = {
            "ui": {"theme": "auto", "firstDayOfWeek": 0, "timeFormat": "h(:mm)a"}
        }
        self.commands: dict[str, Command] = {
            name: lambda body: "Completed" for name in ("CheckHealth", "Backup", "Housekeeping", "RssSync")
        }
        self.providers: dict[str, Providers] = {}
        self.api = f"{self.active.url_base}/api/{product.api}"
        self._register()

    def _read_settings(self) -> Settings:
        file = ConfigFile(self.config / "config.xml")
        return Settings(self.product.name, self.product.port, self.product.branch, file, self._environment)

    def _register(self) -> None:
        base = self.active.url_base
        self.route("GET", f"{base}/ping", lambda request: {"status": "OK"}, open_to_all=True)
        self.route("POST", f"{base}/login", self.login, open_to_all=True)
        self.route("GET", f"{base}/login", lambda request: self.page("Sign in"), open_to_all=True)
        self.route("GET", base or "/", self.home, open_to_all=True)
        self.route("GET", f"{base}/api", lambda request: {"current": self.product.api, "deprecated": []})
        for path, handler in {
            "system/status": self.status, "health": self.health, "tag": self.tags, "command": self.list_commands,
            "config/host": self.host, "config/host/{id}": self.host, "diskspace": self.disk_space,
            "command/{id}": self.command, "config/{name}": self.singleton, "config/{name}/{id}": self.singleton,
        }.items():  # fmt: skip
            self.route("GET", f"{self.api}/{path}", handler)
        self.route("PUT", f"{self.api}/config/host/{{id}}", self.save_host)
        self.route("PUT", f"{self.api}/config/{{name}}/{{id}}", self.save_singleton)
        self.route("POST", f"{self.api}/system/restart", self.restart)
        self.route("POST", f"{self.api}/system/shutdown", self.shutdown)
        self.route("POST", f"{self.api}/tag", self.add_tag)
        self.route("DELETE", f"{self.api}/tag/{{id}}", self.remove_tag)
        self.route("POST", f"{self.api}/command", self.run_command)

    def add_kind(self, kind: Kind) -> Providers:
        """Serve a kind of providers."""
        providers = Providers(kind, self.store, {"prowlarrApiKey": self.active.api_key})
        providers.register(self, self.api)
        self.providers[kind.path] = providers
        return providers

    # who may call

    def decorate(self, headers: dict[str, str]) -> None:
        """Every answer names the version; without it Prowlarr refuses the application."""
        headers["X-Application-Version"] = self.product.version

    def authorize(self, request: Request) -> None:
        """The API wants its key, in a query parameter, a header or as a bearer token, in that order."""
        key = request.first("apikey")
        if key is None:
            key = request.headers.get("X-Api-Key")
        if key is None:
            key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not key or not secrets.compare_digest(key.encode(), self.active.api_key.encode()):
            raise HttpError(401)

    def not_found(self, request: Request) -> HttpError:
        """Unknown paths of the API are 404; others belong to the user interface."""
        return HttpError(404, {"message": "NotFound"})

    def login(self, request: Request) -> Response:
        """The form of the user interface: a redirect says whether the password fits."""
        form, user = request.form(), self.store.read()["user"]
        base = self.active.url_base
        fits = (
            user is not None
            and form.get("username", "").lower() == user["username"]
            and host.password_fits(user, form.get("password", ""))
        )
        if self.active.method == "Forms" and not fits:
            journal.say(f"Auth-Failure ip {request.client}")
            return Response(302, None, {"Location": f"{base}/login?returnUrl=%2F&loginFailed=true"})
        token = secrets.token_hex(16)
        self._sessions.add(token)
        cookie = f"{self.product.name}Auth={token}; path=/; httponly; samesite=lax"
        return Response(302, None, {"Location": f"{base}/", "Set-Cookie": cookie})

    def home(self, request: Request) -> Response:
        """The user interface: behind the form, unless sign-in is somebody else's task."""
        cookies = request.headers.get("Cookie", "").split("; ")
        known = any(cookie.partition("=")[2] in self._sessions for cookie in cookies)
        if self.active.method == "Forms" and not known:
            return Response(302, None, {"Location": f"{self.active.url_base}/login?returnUrl=%2F"})
        return Response(200, self.page("Home"))

    def page(self, text: str) -> str:
        """A page that says what this is."""
        title = self.active.instance_name
        return f"<!doctype html><title>{title}</title><p>{text}: a stand-in for tests, not {self.name}."

    # system

    def status(self, request: Request) -> dict[str, Any]:
        """system/status."""
        return {
            "appName": self.product.name,
            "instanceName": self.settings.instance_name,
            "version": self.product.version,
            "buildTime": "2026-01-01T00:00:00Z",
            "isDebug": False, "isProduction": True, "isAdmin": os.geteuid() == 0, "isUserInteractive": False,
            "startupPath": "/app/bin", "appData": str(self.config),
            "osName": "debian", "osVersion": platform.release(),
            "isNetCore": True, "isLinux": True, "isOsx": False, "isWindows": False, "isDocker": True,
            "mode": "console", "branch": self.settings.branch, "databaseType": "sqLite",
            "databaseVersion": "3.46.1", "authentication": self.active.method.lower(), "migrationVersion": 1,
            "urlBase": self.active.url_base, "runtimeVersion": "8.0.0", "runtimeName": ".NET",
            "startTime": self.started, "packageVersion": f"{self.product.version}-standin",
            "packageAuthor": "mediastack test equipment", "packageUpdateMechanism": "docker",
            "packageUpdateMechanismMessage": "",
        }  # fmt: skip

    def complaints(self) -> list[tuple[str, str, str]]:
        """Source, severity and text of what is wrong; subclasses add theirs."""
        return []

    def health(self, request: Request) -> list[dict[str, Any]]:
        """health."""
        return [
            {
                "id": number,
                "source": source,
                "type": kind,
                "message": text,
                "wikiUrl": "https://wiki.servarr.com",
            }
            for number, (source, kind, text) in enumerate(self.complaints(), 1)
        ]

    def disk_space(self, request: Request) -> list[dict[str, Any]]:
        """diskspace of the root and the root folders."""
        paths = ["/", *(folder["path"] for folder in self.store.read()["rootfolders"])]
        found: list[dict[str, Any]] = []
        for path in filter(os.path.isdir, paths):
            space = os.statvfs(path)
            total, free = space.f_blocks * space.f_frsize, space.f_bavail * space.f_frsize
            found.append({"id": len(found) + 1, "path": path, "label": "", "freeSpace": free, "totalSpace": total})
        return found

    def restart(self, request: Request) -> dict[str, Any]:
        """Answer, then become the same program again."""
        arguments = [sys.executable, *sys.orig_argv[1:]]
        threading.Timer(0.2, os.execv, (sys.executable, arguments)).start()
        return {"restarting": True}

    def shutdown(self, request: Request) -> dict[str, Any]:
        """Answer, then end."""
        threading.Timer(0.2, os._exit, (0,)).start()
        return {"shuttingDown": True}

    # configuration

    def host(self, request: Request) -> dict[str, Any]:
        """GET config/host."""
        if request.params.get("id", "1") != "1":
            raise missing("HostConfig", request.params["id"])
        return host.resource(self.settings, self.store.read(), self.product.host_extra)

    def save_host(self, request: Request) -> Response:
        """PUT config/host: the whole object."""
        with self.store.change() as state:
            host.apply(request.object(), self.settings, state, self.product.host_extra, self.product.name)
        self.settings = self._read_settings()
        return Response(202, self.host(request))

    def _template(self, name: str) -> dict[str, Any]:
        if name not in self.singletons:
            raise HttpError(404, {"message": "NotFound"})
        return self.singletons[name]

    def singleton(self, request: Request) -> dict[str, Any]:
        """GET config/<name>."""
        name = request.params["name"].lower()
        stored: dict[str, Any] = self.store.read()["singletons"].get(name, {})
        return {"id": 1, **self._template(name), **stored}

    def save_singleton(self, request: Request) -> Response:
        """PUT config/<name>/1: what the body lacks becomes false, zero or null."""
        name = request.params["name"].lower()
        new = convert(request.object(), self._template(name))
        with self.store.change() as state:
            state["singletons"][name] = new
        return Response(202, {"id": 1, **new})

    # tags and commands

    def tags(self, request: Request) -> list[dict[str, Any]]:
        """tag."""
        found: list[dict[str, Any]] = self.store.read()["tags"]
        return found

    def add_tag(self, request: Request) -> Response:
        """A label is kept in lower case; one that exists is handed back."""
        label = str(request.object().get("label") or "").lower()
        if not label:
            raise refuse(failure("Label", "'Label' must not be empty.", label))
        with self.store.change() as state:
            for tag in state["tags"]:
                if tag["label"] == label:
                    return Response(201, tag)
            state["next"]["tag"] = state["next"].get("tag", 0) + 1
            tag = {"id": state["next"]["tag"], "label": label}
            state["tags"].append(tag)
        return Response(201, tag)

    def remove_tag(self, request: Request) -> dict[str, Any]:
        """DELETE tag/{id}."""
        with self.store.change() as state:
            kept = [tag for tag in state["tags"] if str(tag["id"]) != request.params["id"]]
            if len(kept) == len(state["tags"]):
                raise missing("Tag", request.params["id"])
            state["tags"] = kept
        return {}

    def list_commands(self, request: Request) -> list[dict[str, Any]]:
        """command."""
        found: list[dict[str, Any]] = self.store.read()["commands"]
        return found

    def command(self, request: Request) -> dict[str, Any]:
        """command/{id}."""
        for command in self.list_commands(request):
            if str(command["id"]) == request.params["id"]:
                return command
        raise missing("Command", request.params["id"])

    def run_command(self, request: Request) -> Response:
        """Queue a command and run it in the background; callers poll."""
        body = request.object()
        known = {name.lower(): name for name in self.commands}
        name = known.get(str(body.get("name") or "").lower().removesuffix("command"))
        if name is None:
            raise refuse(failure("Name", f"Unknown command '{body.get('name')}'", body.get("name")))
        with self.store.change() as state:
            state["next"]["command"] = state["next"].get("command", 0) + 1
            command = {
                "id": state["next"]["command"], "name": name, "commandName": name, "priority": "normal",
                "status": "queued", "queued": now(), "trigger": "manual", "sendUpdatesToClient": True,
                "updateScheduledTask": True, "body": {"name": name, "trigger": "manual"},
            }  # fmt: skip
            state["commands"] = [*state["commands"][-49:], command]
        threading.Thread(target=self._run, args=(command["id"], name, body), daemon=True).start()
        return Response(201, command)

    def _run(self, number: int, name: str, body: dict[str, Any]) -> None:
        self._note(number, status="started", started=now())
        try:
            message = self.commands[name](body)
        except Exception as error:  # noqa: BLE001 - the command fails, the application goes on
            journal.say(f"command {name} failed: {error!r}")
            self._note(number, status="failed", ended=now(), exception=str(error), message="Failed")
            return
        self._note(number, status="completed", ended=now(), message=message)

    def _note(self, number: int, **changes: Any) -> None:
        with self.store.change() as state:
            for command in state["commands"]:
                if command["id"] == number:
                    command.update(changes)


def run(make: Callable[[Path, Mapping[str, str]], Servarr]) -> None:
    """Start an application with the configuration folder that `-data=` or CONFIG_DIRECTORY names."""
    config = Path(os.environ.get("CONFIG_DIRECTORY", "/config"))
    config.mkdir(parents=True, exist_ok=True)
    try:
        application = make(config, os.environ)
    except ConfigError as error:
        journal.say(f"[Fatal] {error}")
        sys.exit(1)
    journal.say(
        f"{application.product.name} {application.product.version} (stand-in), URL base '{application.active.url_base}'"
    )
    web.serve(application, application.active.bind_address, application.active.port)
