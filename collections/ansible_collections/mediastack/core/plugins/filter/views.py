"""Views of the resolved stack and of what it renders to, in the shape that one module takes.

media_directories(stack)            -> directories of the media tree, for `files`
wanted_images(stack, digests)       -> [{reference, digest, instances}], for `images`
compose_projects(render, stack)     -> projects in the order in which they start, for `compose`
kept_notes(changes)                 -> a line per removed instance whose configuration stays, from `compose`
all_pulled(images, containers)      -> whether nothing is left to pull
managed_hashes(render, hash_key)    -> {path: hash} of managed files, for `generation`
places(directories, files)          -> {path: {kind, owner, group, mode, policy}}, for `generation`
written(places, hashes, host)       -> whether `files` has nothing to do, by the record and what the server finds
in_place(wanted, states)            -> whether directories and files are as `files` would make them
up_to_date(render, stack, host)      -> whether `compose` would change nothing, by `host_facts`
kernel_drift(wanted, found)         -> {settable, refused}: kernel settings that differ
recorded(wanted, generation)        -> whether the server's newest record says that already
asked_paths(stack)                  -> paths that `preflight` wants `host_facts` to tell about
applied_services(render)            -> what `compose` compares, by instance, for `generation`
role_instances(stack, role, api, generation) -> a role's instances, with the `address` at which the server reaches
                                       them and, if `generation` has them, the `known_config` of the modules that set up
applications(stack, role, generation) -> a role's instances, for `applications`
sign_ins(secrets, apps, media_server) -> their secrets, for `applications`
due(apps, asked)                    -> whether `applications` has something to do, by what it said in check mode
verify_plan(stack, secrets, render, hardened) -> {checks, secrets}: everything, for `verify`
live_checks(stack, secrets, kinds, role) -> the same, cut down to what needs nothing rendered
status_plan(stack, secrets)         -> {instances, secrets, disks, certificates}, for `status`
    check_lines(checks)                 -> what `verify` found, for people
firewall_plan(stack, facts, wanted) -> the table of the role `firewall`, and what speaks against it
ssh_plan(facts, wanted)             -> what the role `ssh` has to do, and what would lock its owner out
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils import generations, kernel, stack_diff
from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import pinned
from ansible_collections.mediastack.core.plugins.module_utils.fingerprint import keyed_hash
from ansible_collections.mediastack.core.plugins.plugin_utils import preflight
from ansible_collections.mediastack.core.plugins.plugin_utils import ssh_plan as ssh
from ansible_collections.mediastack.core.plugins.plugin_utils import states as states_of
from ansible_collections.mediastack.core.plugins.plugin_utils.firewall import plan as firewall
from ansible_collections.mediastack.core.plugins.plugin_utils.plain import plain, str_of
from ansible_collections.mediastack.core.plugins.plugin_utils.render import files
from ansible_collections.mediastack.core.plugins.plugin_utils.verify_plan import address_of
from ansible_collections.mediastack.core.plugins.plugin_utils.verify_plan import build as verify_plan_of

if TYPE_CHECKING:
    from collections.abc import Callable

SEERR_FAMILY = ("seerr", "jellyseerr", "overseerr")
WELL = (("running", "healthy"), ("running", None))  # None: its image or the catalogue has no health check
JELLYFIN_KEY = 'MediaBrowser Token="{secret}"'


def media_directories(stack: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the directories below the media root."""
    return files.media_directories(plain(stack))


def wanted_images(stack: dict[str, Any], digests: dict[str, str | None] | None = None) -> list[dict[str, Any]]:
    """Return each image once: its digest as the owner says, else as of the first pull (`digests`)."""
    found: dict[str, dict[str, Any]] = {}
    for name, instance in sorted(plain(stack)["instances"].items()):
        reference = instance["reference"]
        digest = instance["image"].get("digest") or (digests or {}).get(reference)
        image = found.setdefault(reference, {"reference": reference, "digest": digest, "instances": []})
        image["instances"].append(name)
    return [found[reference] for reference in sorted(found)]


def all_pulled(images: list[dict[str, Any]], containers: list[dict[str, Any]]) -> bool:
    """Whether each image has a digest and a container made from it: the engine keeps an image that is in use."""
    used = {container["image"] for container in plain(containers)}
    return all(image["digest"] and f"{image['reference']}@{image['digest']}" in used for image in plain(images))


def compose_networks(stack: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the networks of the Stack as `compose` makes them."""
    keys = ("name", "bridge", "subnet", "internal", "gateway")
    return [{key: network[key] for key in keys} for network in plain(stack)["networks"]]


def kept_notes(changes: list[dict[str, Any]]) -> list[str]:
    """Return a line per removed instance: where its configuration stays."""
    kept = [change for change in plain(changes) if change.get("kept")]
    return [
        f"{change['instance']} is no longer wanted; its configuration is kept in {change['kept']}" for change in kept
    ]


def managed_hashes(render: dict[str, Any], hash_key: str) -> dict[str, str]:
    """Return a keyed hash of every managed file: without the key, a short secret could be found by trying."""
    secrets = render["secret_contents"]
    return {
        file["path"]: keyed_hash(hash_key, {"": secrets[file["secret"]] if "secret" in file else file["content"]})
        for file in plain(render["files"])
        if file["policy"] == "managed"
    }


def places(directories: list[dict[str, Any]], files: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what `files` makes of each path, contents aside: by it the server can be asked what has changed since."""
    keys = ("owner", "group", "mode")
    found = [("directory", "", item) for item in plain(directories)]
    found += [("file", item["policy"], item) for item in plain(files)]
    return {
        item["path"]: {"kind": kind, "policy": policy, **{key: item.get(key) for key in keys}}
        for kind, policy, item in found
    }


def written(wanted: dict[str, Any], hashes: dict[str, str], host: dict[str, Any]) -> bool:
    """Whether directories and files are recorded as they are wanted, and the server finds none of them changed."""
    record = host["generation"] or {}
    recorded_so = plain(record.get("places")) == plain(wanted) and plain(record.get("files")) == plain(hashes)
    return bool(host["displaced"] == [] and recorded_so)


def applied_services(render: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what tells one applied container from another, by instance."""
    keys = ("container", "reference", "digest", "spec", "gateway", "workload", "networks")
    return {
        name: {**{key: service[key] for key in keys}, "project": project["name"]}
        for project in plain(render["projects"])
        for name, service in project["services"].items()
    }


def recorded(wanted: dict[str, Any], generation: dict[str, Any] | None) -> bool:
    """Whether the server's newest record says all that is wanted of it: then there is nothing to write."""
    return generations.same(plain(generation), plain(wanted))


def in_place(wanted: list[dict[str, Any]], states: dict[str, dict[str, Any]] | None) -> bool:
    """Whether every directory or file is, by `host_facts`, what `files` would make of it.

    A path that was not looked at is not in place, so that a role alone works without having been looked for.
    """
    states = plain(states) or {}
    return all(states_of.in_place(item, states.get(item["path"], {"kind": "missing"})) for item in plain(wanted))


def up_to_date(render: dict[str, Any], stack: dict[str, Any], host: dict[str, Any]) -> bool:
    """Whether the containers and networks of the server are as `compose` would make them, and all are well.

    Only what runs an image by its digest can be told from here: it names the image's content.
    """
    projects, containers = plain(render["projects"]), plain(host["containers"])
    services = [service for project in projects for service in project["services"].values()]
    by_name = {container["name"]: container for container in containers}
    images = {}
    for service in services:
        found, digest = by_name.get(service["container"]), service.get("digest")
        if found is None or not digest or found["image"] != f"{service['reference']}@{digest}":
            return False
        if service["workload"] == "service" and (
            found["state"] != "running" or found["health"] not in (None, "healthy")
        ):
            return False
        images[pinned(service["reference"], digest)] = found["image_id"]
    actual = {"containers": containers, "networks": plain(host["networks"]), "images": images}
    try:
        return not stack_diff.diff({"projects": projects, "networks": compose_networks(stack)}, actual)
    except stack_diff.RefusalError:
        return False  # `compose` says it


def kernel_drift(wanted: dict[str, Any], found: dict[str, dict[str, str]] | None) -> dict[str, Any]:
    """Return which settings differ and can be set, and which the kernel refuses, by `host_facts`."""
    return kernel.drift(plain(wanted), plain(found) or {})


def asked_paths(stack: dict[str, Any]) -> list[str]:
    """Return the paths that `preflight` compares."""
    return preflight.paths_to_ask(plain(stack))


def role_instances(
    stack: dict[str, Any], role: str, api: str = "", generation: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Return a role's instances in order of name; with `api`, those whose kind of API begins like that."""
    instances, recorded = stack["instances"], ((generation or {}).get("stack") or {}).get("instances") or {}
    # Only these are made plain: the whole stack is many times as long, and Ansible renders what is looked at.
    found = [
        plain(instances[name])
        for name in sorted(instances)
        if instances[name]["role"] == role and str(instances[name].get("api") or "").startswith(api)
    ]
    return [
        {**one, "address": _address(one, stack), "known_config": _known_config(one, plain(recorded.get(one["name"])))}
        for one in found
    ]


def applications(stack: dict[str, Any], role: str, generation: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return a role's instances as the module `applications` takes them, as far as the stack says it."""
    return [
        {
            "instance": one["name"],
            "kind": one["service"] if one["service"] in SEERR_FAMILY else one["api"],
            "url": one["address"],
            "known_config": one["known_config"],
            **({"key_file": _key_file(one, stack)} if one["api"] == "jellyfin" else {}),
        }
        for one in role_instances(stack, role, generation=generation)
        if one["api"] and (one["service"] in SEERR_FAMILY or one["api"].startswith(("servarr", "jellyfin")))
    ]


def sign_ins(secrets: dict[str, Any], apps: list[dict[str, Any]], media_server: str = "") -> dict[str, Any]:
    """Return the secrets of `applications`; those of the Seerr family sign in as the media server's administrator."""
    secrets, found = plain(secrets), {}
    for app in plain(apps):
        own = secrets.get(app["instance"]) or {}
        account = (secrets.get(media_server) or {}) if app["kind"] in SEERR_FAMILY else own
        password = account.get("admin_password") or own.get("ui_password")
        both = {"api_key": own.get("api_key"), "password": password}
        found[app["instance"]] = {name: text for name, text in both.items() if text}
    return found


def due(apps: list[dict[str, Any]], asked: dict[str, Any] | None) -> bool:
    """Whether an application has something left to set up, by the result of a check; True where it was not asked."""
    told = (plain(asked) or {}).get("applications") or {}
    left = [told.get(app["instance"], {"actions": ["unknown"], "error": None}) for app in plain(apps)]
    return any(one["actions"] or one["error"] for one in left)


def _key_file(instance: dict[str, Any], stack: dict[str, Any]) -> str:
    return posixpath.join(str_of(stack["paths"]["secrets"]), instance["name"], "api_key")


def _known_config(instance: dict[str, Any], before: dict[str, Any] | None) -> str | None:
    """Return the folder of an instance's configuration if the record has the same service with the same folder."""
    folder, old = _config_of(instance), _config_of(before or {})
    same = before is not None and before.get("service") == instance["service"] and old == folder
    return folder if same else None


def _config_of(instance: dict[str, Any]) -> str | None:
    return next((volume["source"] for volume in instance.get("volumes", []) if volume["name"] == "config"), None)


def _address(instance: dict[str, Any], stack: dict[str, Any]) -> str | None:
    host = plain(address_of(instance, stack))
    port = next((port["listen"] for port in instance["ports"] if port["name"] in ("web", "api", "control")), None)
    return f"http://{host}:{port}" if host and port else None


def verify_plan(
    stack: dict[str, Any], secrets: dict[str, Any], render: dict[str, Any], hardened: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return every check of a server, and the secrets that they need."""
    return verify_plan_of(plain(stack), plain(secrets), plain(render["projects"]), plain(hardened or {}))


def live_checks(stack: dict[str, Any], secrets: dict[str, Any], kinds: list[str], role: str = "") -> dict[str, Any]:
    """Return the checks of some kinds, with `role` only about its instances. They need nothing rendered."""
    stack, secrets = plain(stack), plain(secrets)
    instances = stack["instances"]
    services = {name: _service(instance, instances) for name, instance in instances.items()}
    plan = verify_plan_of(stack, secrets, [{"services": services}])
    checks = [
        check
        for check in plan["checks"]
        if check["kind"] in kinds and (not role or instances[check["instance"]]["role"] == role)
    ]
    wanted = {check.get("auth", {}).get("secret") for check in checks}
    return {
        "checks": checks,
        "secrets": {key: text for key, text in plan["secrets"].items() if key in wanted},
    }


def status_plan(stack: dict[str, Any], secrets: dict[str, Any]) -> dict[str, Any]:
    """Return what `status` is to read: instances, secrets, disks, certificates."""
    stack = plain(stack)
    plan = live_checks(stack, secrets, ["api", "https"])
    apis = {check["instance"]: check for check in plan["checks"] if check["kind"] == "api"}
    return {
        "instances": [
            _status_of(instance, stack, apis.get(name)) for name, instance in sorted(stack["instances"].items())
        ],
        "secrets": plan["secrets"],
        "disks": [
            {"name": "media", "path": stack["media"]["root"]},
            {"name": "stack", "path": stack["paths"]["root"]},
        ],
        "certificates": [
            {key: check[key] for key in ("name", "address", "port", "ca") if check[key]}
            for check in plan["checks"]
            if check["kind"] == "https" and check["scheme"] == "https"
        ],
    }


def _status_of(instance: dict[str, Any], stack: dict[str, Any], check: dict[str, Any] | None) -> dict[str, Any]:
    shown = {key: instance[key] for key in ("name", "container", "zone", "url") if instance[key]}
    if not check:
        return shown
    auth = check["auth"]
    if instance["api"] == "jellyfin":  # its own key, kept on the server: signing in would add a device
        path = _key_file(instance, stack)
        auth = {"kind": "header", "header": "Authorization", "secret_file": path, "format": JELLYFIN_KEY}
    return {**shown, "api": instance["api"], "address": check["url"], "auth": auth}


def _service(instance: dict[str, Any], instances: dict[str, Any]) -> dict[str, Any]:
    """Return what the checks ask of a rendered service, as far as the Stack alone can tell."""
    shared = instance["network"]["mode"] == "container"
    return {
        "container": instance["container"],
        "gateway": instances[instance["gateway"]]["container"] if shared else None,
        "workload": instance["workload"],
        "spec": "",
        "image": instance["reference"],
        "reference": instance["reference"],
        "digest": None,
    }


def check_lines(checks: list[dict[str, Any]]) -> list[str]:
    """Return one line for each check, and its remedy where it does not pass."""
    lines = []
    for check in plain(checks):
        lines.append(f"{check['status']:<4}  {check['group']:<10}  {check['title']}: {check['evidence'] or '-'}")
        if check["status"] in ("fail", "warn"):
            lines.append(f"      remedy: {check['remedy']}")
    return lines


def firewall_plan(stack: dict[str, Any], facts: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """Say what the firewall is to be; see plugin_utils/firewall/plan.py."""
    return firewall.plan(plain(stack), plain(facts), plain(wanted))


def ssh_plan(facts: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """Compare what `ssh_facts` found with what is wanted; see plugin_utils/ssh_plan.py."""
    return ssh.plan(plain(facts), plain(wanted))


class FilterModule:
    """The filters by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them."""
        views = (
            media_directories,
            wanted_images,
            all_pulled,
            compose_networks,
            kept_notes,
            managed_hashes,
            places,
            written,
            applied_services,
            in_place,
            kernel_drift,
            up_to_date,
            recorded,
            asked_paths,
            role_instances,
            applications,
            sign_ins,
            due,
            verify_plan,
            live_checks,
            status_plan,
            check_lines,
            firewall_plan,
            ssh_plan,
        )
        return {view.__name__: view for view in views}
