"""The same work as site.yml's, written the usual way: the baseline of the no-op benchmark.

Per service one directory task a volume, one template task a file, one container task and one uri check. The
list is derived from the resolved stack that is applied on the server, so it grows with the product.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

Task = dict[str, Any]


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


def template_tasks(instance: dict[str, Any], paths: list[str], scratch: Path) -> list[Task]:
    """One task a file: templates of the usual size, written to files of the baseline's own."""
    tasks: list[Task] = []
    for number, path in enumerate(paths):
        source = scratch / f"{instance['name']}-{number}.j2"
        source.write_text(f"# {path}\n" + "setting = {{ inventory_hostname }}\n" * 20, encoding="utf-8")
        tasks.append(
            {
                "name": f"{instance['name']}: file {number}",
                "ansible.builtin.template": {
                    "src": str(source),
                    "dest": f"/var/tmp/mediastack-bench/{source.stem}",
                    "mode": "0644",
                },
            }
        )
    return tasks


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


def check_task(instance: dict[str, Any], stack: dict[str, Any]) -> list[Task]:
    """One uri task for an instance that answers HTTP on an address of its own or of its gateway."""
    http = (instance.get("health") or {}).get("http")
    owner = stack["instances"].get(instance.get("gateway") or "", instance)
    addresses = [item["address"] for item in owner["network"]["attachments"] if item["network"] == "zone_apps"]
    if not http or not addresses:
        return []
    return [
        {
            "name": f"{instance['name']}: answers",
            "ansible.builtin.uri": {
                "url": f"http://{addresses[0]}:{http['port']}{http['path']}",
                "status_code": [200, 401, 403],
            },
        }
    ]


def play(stack: dict[str, Any], scratch: Path) -> list[dict[str, Any]]:
    """The baseline as a playbook: one play, everything in order."""
    projects = {name: project for project in stack["projects"] for name in project["instances"]}
    tasks: list[Task] = [
        {
            "name": "scratch directory",
            "ansible.builtin.file": {
                "path": "/var/tmp/mediastack-bench",
                "state": "directory",
                "mode": "0755",
            },
        }
    ]
    for name, instance in stack["instances"].items():
        files = [item["path"] for item in instance["files"]]
        files += [item["target"] for item in instance["secrets"] if item.get("target")]
        tasks += directory_tasks(instance, stack["media"])
        tasks += template_tasks(instance, files, scratch)
        if instance["workload"] == "service":
            tasks.append(container_task(instance, projects[name]))
        tasks += check_task(instance, stack)
    whole = {"name": "The usual way", "hosts": "mediastack", "become": True, "gather_facts": True}
    return [{**whole, "tasks": tasks}]
