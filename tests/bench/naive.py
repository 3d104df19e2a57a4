"""The same work as playbooks/apply.yml's, written the usual way: the baseline of the no-op benchmark.

Per service one directory task a volume, one template task a file, one container task and one uri check; around them
one task for each package list, account, kernel setting, folder and application set-up that it looks after as
well. The list is derived from the resolved stack that is applied on the server and from the roles' own data, so it
grows with the product.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ansible_collections.mediastack.core.plugins.filter.views import media_directories

Task = dict[str, Any]
SCRATCH = "/var/tmp/mediastack-bench"  # on the server
ROLES = Path(__file__).parents[2] / "roles"
SIGN_INS = ("arr", "media_server", "requests")


def directory_tasks(instance: dict[str, Any], media: dict[str, Any]) -> list[Task]:
    """One task a volume: the directory exists with its owner."""
    owners = {"media": (media["uid"], media["gid"]), "root": (0, 0)}
    return [
        {
            "name": f"{instance['name']}: directory {volume['source']}",
            "ansible.builtin.file": {
                "path": volume["source"],
                "state": "directory",
                "owner": owners.get(volume["owner"], owners["root"])[0],
                "group": owners.get(volume["owner"], owners["root"])[1],
            },
        }
        for volume in instance["volumes"]
        if not volume["source"].endswith(".sock")
    ]


def template_tasks(owner: str, paths: list[str], scratch: Path) -> list[Task]:
    """One task a file: templates of the usual size, written to files of the baseline's own."""
    tasks: list[Task] = []
    for number, path in enumerate(paths):
        source = scratch / f"{owner}-{number}.j2"
        source.write_text(f"# {path}\n" + "setting = {{ inventory_hostname }}\n" * 20, encoding="utf-8")
        tasks.append(
            {
                "name": f"{owner}: file {number}",
                "ansible.builtin.template": {
                    "src": str(source),
                    "dest": f"{SCRATCH}/{source.stem}",
                    "mode": "0644",
                },
            }
        )
    return tasks


def folder_tasks(paths: list[str]) -> list[Task]:
    """One task a folder that no service mounts by itself."""
    return [{"name": f"folder {path}", "ansible.builtin.file": {"path": path, "state": "directory"}} for path in paths]


def role_data(role: str, kind: str) -> dict[str, Any]:
    """The variables or defaults of one of our roles."""
    data: dict[str, Any] = yaml.safe_load((ROLES / role / kind / "main.yml").read_text(encoding="utf-8"))
    return data


def server_tasks(stack: dict[str, Any], scratch: Path) -> list[Task]:
    """Packages, accounts, time zone, kernel settings and engine, as on a Debian server with Debian's engine."""
    media, zone = stack["media"], stack["timezone"]
    engine = role_data("docker", "vars")["__docker_families"]["debian"]["distribution"]["debian"]
    base = role_data("base", "vars")["__base_families"]["debian"]["packages"]
    builtin: list[tuple[str, dict[str, Any]]] = [
        ("apt", {"name": base, "state": "present"}),
        ("group", {"name": media["group"], "gid": media["gid"]}),
        ("user", {"name": media["user"], "uid": media["uid"], "group": media["group"], "create_home": False}),
        ("file", {"src": f"/usr/share/zoneinfo/{zone}", "dest": "/etc/localtime", "state": "link"}),
        ("copy", {"content": f"{zone}\n", "dest": "/etc/timezone", "mode": "0644"}),
        ("apt", {"name": [*engine["engine"], *engine["compose"]], "state": "present"}),
        ("systemd_service", {"name": "docker", "state": "started", "enabled": True}),
    ]
    settings = [
        {
            "name": f"server: {name}",
            "ansible.builtin.lineinfile": {
                "path": f"{SCRATCH}/60-settings.conf",
                "line": f"{name} = {value}",
                "create": True,
                "mode": "0644",
            },
        }
        for name, value in role_data("base", "defaults")["base_sysctl"].items()
    ]
    configuration = template_tasks("engine", ["daemon.json", "docker.service.d/mediastack.conf"], scratch)
    return [{"name": f"server: {m}", f"ansible.builtin.{m}": args} for m, args in builtin] + settings + configuration


def container_task(instance: dict[str, Any], project: dict[str, Any]) -> Task:
    """One task a container, by the module that most playbooks use."""
    return {
        "name": f"{instance['name']}: container",
        "community.docker.docker_compose_v2": {
            "project_src": project["directory"],
            "project_name": project["name"],
            "files": project["files"],
            "services": [instance["name"]],
            "dependencies": False,
            "pull": "never",
            "state": "present",
        },
    }


def address(instance: dict[str, Any], stack: dict[str, Any]) -> str | None:
    """Where the server reaches an instance: on an address of its own or of its gateway."""
    owner = stack["instances"].get(instance.get("gateway") or "", instance)
    found = [item["address"] for item in owner["network"]["attachments"] if item["network"] == "zone_apps"]
    return found[0] if found else None


def check_tasks(instance: dict[str, Any], stack: dict[str, Any]) -> list[Task]:
    """One uri task for an instance that answers HTTP; for one with accounts another two: its settings, its sign-in."""
    http, host = (instance.get("health") or {}).get("http"), address(instance, stack)
    if not http or not host:
        return []
    paths = {"answers": http["path"]}
    if instance["role"] in SIGN_INS:
        paths |= {"settings": "/api", "sign-in": "/login"}
    return [
        {
            "name": f"{instance['name']}: {name}",
            "ansible.builtin.uri": {
                "url": f"http://{host}:{http['port']}{path}",
                "status_code": [200, 302, 307, 401, 403, 404, 405],
                "follow_redirects": "none",
            },
        }
        for name, path in paths.items()
    ]


def play(stack: dict[str, Any], scratch: Path) -> list[dict[str, Any]]:
    """The baseline as a playbook: one play, everything in order."""
    projects = {name: project for project in stack["projects"] for name in project["instances"]}
    paths = stack["paths"]
    secret_folders = {str(Path(item["source"]).parent) for i in stack["instances"].values() for item in i["secrets"]}
    ours = [paths["root"], paths["config"], paths["compose"], paths["secrets"], *sorted(secret_folders)]
    tasks: list[Task] = folder_tasks([SCRATCH])
    tasks += server_tasks(stack, scratch)
    tasks += folder_tasks([item["path"] for item in media_directories(stack)])
    tasks += folder_tasks([*ours, *(project["directory"] for project in stack["projects"])])
    tasks += template_tasks("compose", [name for project in stack["projects"] for name in project["files"]], scratch)
    for name, instance in stack["instances"].items():
        files = [item["path"] for item in instance["files"]] + [item["source"] for item in instance["secrets"]]
        tasks += directory_tasks(instance, stack["media"])
        tasks += template_tasks(name, files, scratch)
        if instance["workload"] == "service":
            tasks.append(container_task(instance, projects[name]))
        tasks += check_tasks(instance, stack)
    whole = {"name": "The usual way", "hosts": "mediastack", "become": True, "gather_facts": True}
    return [{**whole, "tasks": tasks}]
