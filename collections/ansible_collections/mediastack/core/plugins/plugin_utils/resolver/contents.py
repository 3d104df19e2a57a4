"""What an instance is given: environment, volumes, secrets and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.plugin_utils.resolver.networks import APPS

if TYPE_CHECKING:
    from ipaddress import IPv4Network

    from ansible_collections.mediastack.core.plugins.plugin_utils.resolver.model import Instance, Server
    from ansible_collections.mediastack.core.plugins.plugin_utils.stack_types import (
        File,
        MountedSecret,
        Secret,
        Volume,
    )

SECRETS_IN_CONTAINER = "/run/secrets"


def paths(server: Server) -> dict[str, str]:
    """Return the folders on the server."""
    root = server.setting("paths")["root"].rstrip("/")
    below = {name: f"{root}/{name}" for name in ("compose", "config", "secrets")}
    return {"root": root, **below, "state": server.setting("paths")["state"].rstrip("/")}


def volumes(server: Server, instance: Instance) -> list[Volume]:
    """Return the bind mounts, with their folders on the server."""
    return [
        {
            "name": name,
            "source": volume["source"] or _folder(server, instance, name),
            "target": volume["target"],
            "owner": volume["owner"],
            "read_only": volume["read_only"],
        }
        for name, volume in instance.spec["volumes"].items()
    ]


def _folder(server: Server, instance: Instance, volume: str) -> str:
    if volume == "media":
        return str(server.setting("media")["root"]).rstrip("/") or "/"
    own = f"{paths(server)['config']}/{instance.name}"
    return own if volume == "config" else f"{own}/{volume}"


def files(instance: Instance, mounts: list[Volume]) -> list[File]:
    """Return the configuration files, with their paths on the server."""
    sources = {mount["name"]: mount["source"] for mount in mounts}
    return [
        {
            "path": f"{sources[file['volume']]}/{file['path']}",
            "template": file["template"],
            "policy": file["policy"],
            "mode": file["mode"],
            "owner": file["owner"],
            "secret": file["secret"],
        }
        for file in instance.spec["files"]
    ]


def secrets(instance: Instance) -> list[Secret]:
    """Return the secrets that must exist for an instance as it is configured."""
    return [
        {"instance": instance.name, "name": name, "format": secret["format"], "source": secret["source"]}
        for name, secret in _wanted(instance).items()
    ]


def mounted(server: Server, instance: Instance) -> list[MountedSecret]:
    """Return the secrets that the container sees as files."""
    return [
        {
            "name": name,
            "format": secret["format"],
            "source": f"{paths(server)['secrets']}/{instance.name}/{name}",
            "target": f"{SECRETS_IN_CONTAINER}/{name}",
            "env": secret["env"],
            "owner": secret["owner"],
        }
        for name, secret in _wanted(instance).items()
        if secret["mount"]
    ]


def _wanted(instance: Instance) -> dict[str, dict[str, Any]]:
    return {
        name: secret
        for name, secret in instance.spec["secrets"].items()
        if all(str(instance.options.get(option)) == value for option, value in secret["when"].items())
    }


def environment(server: Server, instance: Instance, cut: dict[str, IPv4Network], url: str | None) -> dict[str, str]:
    """Return the environment: the catalogue's, options, ports and proxy, then the owner's as it stands."""
    known = _placeholders(server, instance, cut, url)
    result: dict[str, str] = {}
    for name, text in instance.spec["environment"].items():
        value = "" if text is None else text.format_map(known)
        if value:
            result[name] = value
    result |= _of_options(instance.spec["options"], instance.options)
    for port in instance.ports:
        variable = instance.spec["ports"].get(port["name"], {}).get("env")
        if variable:
            result[variable] = str(port["listen"])
    result |= _proxy(server, instance, cut) if instance.zone == "proxied" and instance.gateway else {}
    for name, text in instance.overrides.get("environment", {}).items():
        if text is None:
            result.pop(name, None)
        else:
            result[name] = text
    return dict(sorted(result.items()))


def _placeholders(server: Server, instance: Instance, cut: dict[str, IPv4Network], url: str | None) -> dict[str, str]:
    media, admin = server.setting("media"), server.setting("admin")
    proxied = [one for one in server.in_order() if one.zone == "proxied" and one.gateway == instance.name]
    own = [port["listen"] for port in instance.ports if port["name"] != "proxy" or proxied]
    inputs = sorted({*own, *(port["listen"] for member in server.members(instance.name) for port in member.ports)})
    outbound = [str(cut[APPS]), *(instance.options.get("outbound_subnets") or [])]
    return {
        "uid": str(media["uid"]),
        "gid": str(media["gid"]),
        "umask": media["umask"],
        "timezone": server.setting("timezone"),
        "name": instance.name,
        "host": server.host,
        "domain": server.setting("edge")["domain"] or "",
        "url": url or "",
        "admin_name": admin["name"],
        "admin_email": admin["email"],
        "input_ports": ",".join(map(str, inputs)),
        "outbound_subnets": ",".join(dict.fromkeys(outbound)),
        "http_proxy": "on" if proxied else "off",
    }


def _of_options(options: dict[str, Any], values: dict[str, Any]) -> dict[str, str]:
    result: dict[str, str] = {}
    for name, option in options.items():
        value = values.get(name)
        if value is None:
            continue
        if option["type"] == "record":
            result |= _of_options(option.get("fields") or {}, value)
        elif option["env"] and value != []:
            result[option["env"]] = _spelled(option, value)
    return result


def _spelled(option: dict[str, Any], value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        yes, no = option["words"] or ("true", "false")
        return str(yes if value else no)
    return str(value)


def _proxy(server: Server, instance: Instance, cut: dict[str, IPv4Network]) -> dict[str, str]:
    gateway = server.instances[str(instance.gateway)]
    port = next((port["listen"] for port in gateway.ports if port["name"] == "proxy"), None)
    if port is None:
        text = f"the gateway '{gateway.name}' has no HTTP proxy."
        server.wrong(instance, ("zone",), text, "Set zone: vpn, or choose a gateway with a port named 'proxy'.")
        return {}
    address = f"http://{gateway.name}:{port}"
    direct = ",".join(["localhost", "127.0.0.1", *sorted(server.instances), *(str(net) for net in cut.values())])
    return {"HTTP_PROXY": address, "HTTPS_PROXY": address, "NO_PROXY": direct}
