"""What proves that a server runs the resolved stack: a list of checks, as data.

The controller plans (this file, pure), the target executes (`module_utils/`, the `verify` module).

    build(stack, secrets, projects, hardened) -> {"checks": [check, ...], "secrets": {"<instance>/<name>": "<value>"}}

`projects` are those of the fact `mediastack_render`: they know each container's spec. `hardened` is what the role
`hardening` would do there, or nothing where it has not run.

`checks` holds no secret: a check names one as ``"secret": "<instance>/<name>"``, a key of `secrets`, which
goes to the module as an argument of its own (`no_log`). Every check has

    id        unique and stable: "<kind>.<subject>[.<subject>]", like "hardlink.qbittorrent.radarr"
    kind      one of the table below
    group     what it is printed under: containers, api, vpn, hardlink, exposure, stack, edge, storage, hardening
    title     one line that says what holds when it passes
    remedy    one line that says what to do when it does not
    severity  "fail" or "warn": a warning never makes the run fail
    instance  the instance it is about, or null

and, by kind (every field is always there):

    container    container, health: bool
                 It runs; with health: Docker calls it healthy.
    api          url, path, method, expect_status [int], auth, refuse_path, refuse_status [int],
                 by_hand{path, field, task}|null
                 `url`+`path` with `auth` answers one of expect_status, `url`+`refuse_path` without it one of
                 refuse_status (empty list: there is nothing to refuse). With by_hand, a refusal of `auth` is a
                 warning while `field` of the JSON at `url`+`path` is false: a person has yet to do `task`.
    namespace    member, gateway (containers)
                 Both have the same network namespace inode now.
    hardlink     writer{container, uid, gid, directory}, reader{container, uid, gid, source, target},
                 downloads, library (both folders on the host), may_copy: bool
                 A probe file that the writer's uid made in `directory` (path in the writer) is linked by the
                 reader's uid from `source` (the same folder, as the reader sees it) into `target`: one inode,
                 link count 2; both are removed afterwards. With may_copy, two filesystems are a warning.
    ports        declared [{protocol, address, port, instance}], containers [name]
                 What our containers publish, and what listens for them on the host, is the declared set.
    stack_equal  instances [{instance, runs, container, spec, image, reference, digest|null, gateway|null}]
                 Each container's label mediastack.spec is `spec`, its image is the one `image` names, and
                 no other container is labelled as ours.
    https        name, scheme, address, port, ca, path, expect_status [int]
                 The edge answers for `name` at `address`:`port` (name sent as SNI and Host, no DNS asked),
                 with a certificate that names it and verifies against `ca` (path of a root certificate on
                 the target, or null: the system's).
    storage      downloads, library (paths on the host)
                 Both are on one filesystem.
    confined     container, capabilities [name], no_new_privileges, read_only, because, devices [path],
                 host_network, engine_socket
                 Its process holds no other capabilities, gains none, has its system calls filtered, and shares no
                 namespace of the host's (the network: where declared); no engine socket and no device that is not
                 declared; its log has bounds; its root is read-only, or `because` says why not.
    limits       known, instances [{instance, container, memory (bytes), pids}]
                 Each has these limits. A kernel that cannot limit is a warning, unless that is `known`.
    hardened     traces [path], commands [{argv, shows: {words: regular expression}}]
                 Where one of the paths is there, each command ends well and prints what matches. Where none is, the
                 role has not run, and there is no result.
    items        problems [words], warnings [words], evidence
                 What the role `hardening` would change. The controller has compared; without problems it passes with
                 the evidence, and warnings alone are a warning.

The address of an `api` check is what the *target* reaches: a container's static address on its bridge, the
gateway's for an instance in its namespace, 127.0.0.1 for one in the host's network.

`auth` is one of

    {"kind": "none"}
    {"kind": "header", "header": "X-Api-Key", "format": "{secret}", "secret": "radarr/api_key"}
    {"kind": "basic", "username": "admin", "secret": "…"}
    {"kind": "form", "path": "/api/v2/auth/login", "fields": {"username": "admin"},
     "secret_field": "password", "secret": "…"}
        POST it as a form, then send back every cookie that the answer set (any 2xx is a good login)
    {"kind": "token", "path": "/Users/AuthenticateByName", "headers": {…}, "json": {"Username": "admin"},
     "secret_field": "Pw", "secret": "…", "answer": "AccessToken",
     "header": "Authorization", "format": "MediaBrowser Token={token}"}
        POST it as JSON, read the answer's key, send it as the header

A later kind only adds a row; an executor reports a kind that it does not know as a failure, never as a pass.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.plugin_utils import media_tree, verify_hardening
from ansible_collections.mediastack.core.plugins.plugin_utils.preflight import published
from ansible_collections.mediastack.core.plugins.plugin_utils.render.health import listening_port
from ansible_collections.mediastack.core.plugins.plugin_utils.render.service import JOBS
from ansible_collections.mediastack.core.plugins.plugin_utils.verify_api import api_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CLIENTS = ("torrent-client", "usenet-client")
# An application that asks for a login answers at the edge just as well as one that shows a page.
ANSWERS = [200, 301, 302, 303, 307, 308, 401, 403]
REFUSED_KEY = "apply; if it stays, its key was changed in the application"
CADDY_ROOT = "caddy/pki/authorities/local/root.crt"


def build(
    stack: dict[str, Any],
    secrets: Mapping[str, Mapping[str, str]],
    projects: Iterable[dict[str, Any]],
    hardened: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the checks of one server and the secrets that they need.

    Raises ValueError when a check needs a secret that is not known.
    """
    services = {name: service for project in projects for name, service in project["services"].items()}
    running = {name: stack["instances"][name] for name in sorted(services) if is_service(services[name])}
    checks = [
        *(container_check(name, instance) for name, instance in running.items()),
        *api_checks(running, stack),
        *(namespace_check(name, services[name]) for name in running if services[name]["gateway"]),
        *hardlink_checks(running, stack),
        ports_check(running, stack),
        stack_check(services),
        *https_checks(stack),
        storage_check(stack),
        *verify_hardening.confined_checks(running, without_limits=stack.get("limits") == "ignore"),
        *verify_hardening.host_checks(),
        *verify_hardening.item_checks(hardened),
    ]
    return {"checks": checks, "secrets": collect_secrets(checks, secrets)}


def is_service(service: Mapping[str, Any]) -> bool:
    """Say whether something runs all the time: a job's container need not run now."""
    return service.get("workload", "service") not in JOBS


def new_check(kind: str, group: str, subject: str, title: str, remedy: str, **fields: Any) -> dict[str, Any]:
    """Return a check with the fields that all have."""
    return {
        "id": f"{kind}.{subject}",
        "kind": kind,
        "group": group,
        "title": title,
        "remedy": remedy,
        "severity": fields.pop("severity", "fail"),
        "instance": fields.pop("instance", None),
        **fields,
    }


def container_check(name: str, instance: dict[str, Any]) -> dict[str, Any]:
    """Return the check that a container runs and is healthy."""
    healthy = bool(instance.get("health"))
    return new_check(
        "container",
        "containers",
        name,
        f"{name} runs{' and is healthy' if healthy else ''}",
        f"look at its log (mediastack-provision logs {name}), then apply",
        instance=name,
        container=instance["container"],
        health=healthy,
    )


def address_of(instance: dict[str, Any], stack: dict[str, Any]) -> str | None:
    """Return the address at which the server reaches an instance."""
    mode = instance["network"]["mode"]
    if mode == "host":
        return "127.0.0.1"
    if mode == "container":
        return address_of(stack["instances"][instance["gateway"]], stack)
    attachments = instance["network"].get("attachments") or []
    # A gateway's firewall lets the server in from the zone, not from its way out.
    attachments = sorted(attachments, key=lambda attachment: str(attachment["network"]).startswith("egress"))
    return next((a["address"] for a in attachments if a.get("address")), None)


def api_checks(running: Mapping[str, dict[str, Any]], stack: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a check for each instance whose kind of API is known: its own key opens it, none does not."""
    checks = []
    for name, instance in running.items():
        api, address = api_of(name, instance, stack), address_of(instance, stack)
        if not api or not address:
            continue
        port = listening_port(instance, api.pop("port"))
        keyed = api["auth"]["kind"] != "none"
        refuses, by_hand = bool(api["refuse_status"]), api["by_hand"]
        title = f"{name} answers" + (" and refuses the rest" if refuses else "")
        if keyed:
            title = f"{name} opens to its key" + (" only" if refuses else "")
        checks.append(
            new_check(
                "api",
                "api",
                name,
                title,
                f"open it and {by_hand['task']}; if that is done: {REFUSED_KEY}" if by_hand else REFUSED_KEY,
                instance=name,
                url=f"http://{address}:{port}",
                **api,
            )
        )
    return checks


def namespace_check(name: str, service: Mapping[str, Any]) -> dict[str, Any]:
    """Return the check that a member really shares its gateway's network."""
    return new_check(
        "namespace",
        "vpn",
        name,
        f"{name} shares {service['gateway']}'s network namespace",
        "apply: it recreates what a recreated gateway left behind",
        instance=name,
        member=service["container"],
        gateway=service["gateway"],
    )


def hardlink_checks(running: Mapping[str, dict[str, Any]], stack: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a check for each pair of download client and manager that share the media root."""
    writers = {n: i for n, i in running.items() if any(offer in CLIENTS for offer in i.get("offers", []))}
    readers = {n: i for n, i in running.items() if media_tree.library_of(i)}
    user = {"uid": int(stack["media"]["uid"]), "gid": int(stack["media"]["gid"])}
    checks = []
    for writer_name, writer in writers.items():
        for reader_name, reader in readers.items():
            folder = f"{media_tree.TORRENTS}/{reader_name}"
            library = f"{media_tree.LIBRARY}/{media_tree.library_of(reader)}"
            directory, source, target = (
                media_tree.seen_by(writer, stack, folder),
                media_tree.seen_by(reader, stack, folder),
                media_tree.seen_by(reader, stack, library),
            )
            if not (directory and source and target):
                continue
            checks.append(
                new_check(
                    "hardlink",
                    "hardlink",
                    f"{writer_name}.{reader_name}",
                    f"{reader_name} links a download of {writer_name} into the library",
                    "mount one media root in both; downloads and library on one file system",
                    instance=reader_name,
                    writer={"container": writer["container"], **user, "directory": directory},
                    reader={"container": reader["container"], **user, "source": source, "target": target},
                    downloads=posixpath.join(stack["media"]["root"], folder),
                    library=posixpath.join(stack["media"]["root"], library),
                    may_copy=stack["media"].get("separate_filesystems") == "warn",
                )
            )
    return checks


def ports_check(running: Mapping[str, dict[str, Any]], stack: dict[str, Any]) -> dict[str, Any]:
    """Return the check that only declared ports are open, on declared addresses."""
    declared = [
        {"instance": name, "port": port, "protocol": protocol, "address": address}
        for name, port, protocol, address in published(stack)
        if name in running
    ]
    return new_check(
        "ports",
        "exposure",
        "declared",
        "only declared ports are open, on declared addresses",
        "apply, or declare the port (ports and publish of the instance)",
        declared=declared,
        containers=sorted(instance["container"] for instance in running.values()),
    )


def stack_check(services: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the check that what is there is what was resolved; the container of a job need not run."""
    fields = ("container", "spec", "image", "reference", "digest", "gateway")
    return new_check(
        "stack_equal",
        "stack",
        "running",
        "the running containers equal the resolved stack",
        "apply",
        instances=[
            {"instance": name, "runs": is_service(service), **{field: service[field] for field in fields}}
            for name, service in sorted(services.items())
        ],
    )


def https_checks(stack: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a check for each routed name."""
    edge = stack["edge"]
    if not edge.get("proxy"):
        return []
    scheme = "http" if edge.get("tls") == "off" else "https"
    everywhere = edge["address"] in ("0.0.0.0", "::")  # noqa: S104  # compared, not bound
    return [
        new_check(
            "https",
            "edge",
            route["host"],
            f"{scheme}://{route['host']} answers",
            f"look at the log of {edge['proxy']} and of {route['instance']}, then apply",
            instance=route["instance"],
            name=route["host"],
            scheme=scheme,
            address="127.0.0.1" if everywhere else edge["address"],
            port=edge["https_port"] if scheme == "https" else edge["http_port"],
            ca=root_certificate(stack) if edge.get("tls") == "internal" else None,
            path="/",
            expect_status=ANSWERS,
        )
        for route in stack.get("routes", [])
    ]


def root_certificate(stack: dict[str, Any]) -> str | None:
    """Return where the edge's own authority keeps its root certificate, as the server sees it."""
    for instance in stack["instances"].values():
        if "edge-proxy" in instance.get("offers", []):
            for volume in instance.get("volumes", []):
                if volume["target"] == "/data":
                    return posixpath.join(volume["source"], CADDY_ROOT)
    return None


def storage_check(stack: dict[str, Any]) -> dict[str, Any]:
    """Return the check that imports can be hardlinks."""
    root = stack["media"]["root"]
    return new_check(
        "storage",
        "storage",
        "media",
        "downloads and library are on one file system",
        "put both below one mount, or accept copies (mediastack_media.separate_filesystems: warn)",
        severity="fail" if stack["media"].get("separate_filesystems") == "fail" else "warn",
        downloads=posixpath.join(root, media_tree.DOWNLOADS),
        library=posixpath.join(root, media_tree.LIBRARY),
    )


def collect_secrets(checks: Iterable[dict[str, Any]], secrets: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the values of the secrets that checks name."""
    result = {}
    for check in checks:
        reference = check.get("auth", {}).get("secret")
        if reference:
            instance, _, name = reference.partition("/")
            if not secrets.get(instance, {}).get(name):
                raise ValueError(f"{check['id']} needs mediastack_secrets.{instance}.{name}, which has no value.")
            result[reference] = secrets[instance][name]
    return result
