"""What the owner of a stack cares about, read from Docker and the applications."""

from __future__ import annotations

DOCUMENTATION = r"""
module: status
short_description: Read what the owner of a stack cares about
description:
  - Reads containers, applications, certificates and disks side by side, in one call.
  - Whatever cannot be read becomes a note. Only wrong arguments make the module fail.
author: [mediastack maintainers]
version_added: 0.1.0
options:
  instances:
    description: The instances of the stack on this server.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the instance.
        type: str
        required: true
      container:
        description: Name of its container. By default the name of the instance.
        type: str
      zone:
        description: Its zone, given back as it is.
        type: str
      url:
        description: Where people find it, given back as it is.
        type: str
      api:
        description: The kind of its API, as the catalogue names it. Without one only Docker is asked.
        type: str
      address:
        description: Where this server reaches its API.
        type: str
      auth:
        description:
          - How a call is authorised, in the same shape as in a check of kind C(api) of
            M(mediastack.core.verify).
          - With C(kind=header), C(secret_file) may name a file on the server
            instead of C(secret).
        type: dict
        default: {kind: none}
  secrets:
    description: The values of the secrets that O(instances[].auth) names, as C(<instance>/<name>).
    type: dict
    default: {}
  disks:
    description: Directories whose filesystems are measured.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What to call it.
        type: str
        required: true
      path:
        description: The directory.
        type: path
        required: true
  certificates:
    description: Names whose certificates are read.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: DNS name of the route.
        type: str
        required: true
      address:
        description: Where the edge is reached. No DNS is asked.
        type: str
        default: 127.0.0.1
      port:
        description: Its HTTPS port.
        type: int
        default: 443
      ca:
        description: Root certificate on the server to verify against. By default the system's.
        type: path
  timeout:
    description: Seconds that one request may take.
    type: int
    default: 5
  parallel:
    description: How many are read at a time.
    type: int
    default: 16
extends_documentation_fragment: [mediastack.core.reads_only]
"""

EXAMPLES = r"""
- name: See how things are
  mediastack.core.status:
    instances:
      - name: radarr
        zone: apps
        url: https://radarr.home.example
        api: servarr-v3
        address: http://172.31.240.10:7878
        auth: {kind: header, header: X-Api-Key, format: "{secret}", secret: radarr/api_key}
    secrets: {radarr/api_key: "{{ radarr_api_key }}"}
    disks:
      - {name: media, path: /srv/media}
    certificates:
      - {name: radarr.home.example, ca: /opt/mediastack/config/caddy/root.crt}
  register: report
"""

RETURN = r"""
instances:
  description:
    - State of each instance, by name. C(state) is Docker's word for it or C(missing), C(health) C(healthy),
      C(unhealthy), C(starting) or null, C(since) the time of the last start, C(uptime) in seconds.
    - C(note) is one line for people, C(details) what it was made from.
  returned: always
  type: dict
  sample:
    radarr:
      state: running
      health: healthy
      since: "2026-11-21T09:12:40Z"
      uptime: 86400
      zone: apps
      url: https://radarr.home.example
      note: 12 films, 1 in the queue
      details: {version: 6.3.0, films: 12, films_present: 11, queue: 1, warnings: []}
disks:
  description: Size of each filesystem in bytes, and C(error) where it could not be measured.
  returned: always
  type: list
  elements: dict
  sample: [{name: media, path: /srv/media, total: 1000, used: 400, free: 600, percent: 40, error: null}]
certificate:
  description:
    - The certificate of each name, and C(error) where it does not verify.
    - C(hours) are left of a C(lifetime), which is in hours too.
  returned: always
  type: dict
  sample:
    radarr.home.example: {issuer: mediastack, expires: "2027-01-31", hours: 1711.5, lifetime: 2160.0, error: null}
engine:
  description: Why Docker could not be asked, or null.
  returned: always
  type: str
"""

import calendar
import shutil
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils import certificate
from ansible_collections.mediastack.core.plugins.module_utils.apps import summaries
from ansible_collections.mediastack.core.plugins.module_utils.checks.engine import Snapshot, snapshot
from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import DockerError
from ansible_collections.mediastack.core.plugins.module_utils.http import HttpError
from ansible_collections.mediastack.core.plugins.module_utils.parallel import run_all

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.mediastack.core.plugins.module_utils.checks.engine import Container

ARGUMENTS: dict[str, Any] = {
    "instances": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "container": {"type": "str"},
            "zone": {"type": "str"},
            "url": {"type": "str"},
            "api": {"type": "str"},
            "address": {"type": "str"},
            "auth": {"type": "dict", "default": {"kind": "none"}},
        },
    },
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "disks": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"name": {"type": "str", "required": True}, "path": {"type": "path", "required": True}},
    },
    "certificates": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "address": {"type": "str", "default": "127.0.0.1"},
            "port": {"type": "int", "default": 443},
            "ca": {"type": "path"},
        },
    },
    "timeout": {"type": "int", "default": 5},
    "parallel": {"type": "int", "default": 16},
}
REQUESTS = 6  # the most that one application is asked, so that a slow one is not cut off in between


def status(params: Mapping[str, Any]) -> dict[str, Any]:
    """The module's result. Raises nothing that an application, a disk or Docker can cause."""
    found, reason = look()
    wanted = params["certificates"]
    timeout = float(params["timeout"])
    asked = partial(ask, found=found, seen=reason is None, secrets=params["secrets"], timeout=timeout)
    jobs = [partial(asked, item) for item in params["instances"]]
    jobs += [partial(certificate_of, item, timeout) for item in wanted]
    rounds = -(-len(jobs) // max(1, params["parallel"]))
    limit = max(1, rounds) * REQUESTS * timeout
    answers = [told(answer) for answer in run_all(jobs, parallel=params["parallel"], timeout=limit)]
    notes, shown = answers[: len(params["instances"])], answers[len(params["instances"]) :]
    instances = {}
    for item, note in zip(params["instances"], notes):  # noqa: B905 - Python 3.9
        instances[item["name"]] = {**state_of(item, found), **note}
    certificates = {item["name"]: answer for item, answer in zip(wanted, shown)}  # noqa: B905 - Python 3.9
    disks = [disk(item["name"], item["path"]) for item in params["disks"]]
    return {"instances": instances, "disks": disks, "certificate": certificates, "engine": reason}


def look() -> tuple[Snapshot, str | None]:
    """The containers, and why there are none to see."""
    try:
        return snapshot(), None
    except DockerError as error:
        return Snapshot({}), str(error)


def told(answer: Any) -> dict[str, Any]:
    """What a job returned, or a note on why it returned nothing."""
    if isinstance(answer, TimeoutError):
        return {"note": "not read in time", "details": {}, "error": "not read in time"}
    if isinstance(answer, Exception):
        text = f"not read ({type(answer).__name__})"
        return {"note": text, "details": {}, "error": text}
    return dict(answer)


def container_of(item: Mapping[str, Any], found: Snapshot) -> Container | None:
    """The container of an instance, if there is one."""
    return found.containers.get(item["container"] or item["name"])


def ask(
    item: Mapping[str, Any], *, found: Snapshot, seen: bool, secrets: Mapping[str, str], timeout: float
) -> dict[str, Any]:
    """What the application itself tells: {note, details}. One that is known to be down is not asked.

    seen: Docker was read, so that what is not there is missing
    """
    container = container_of(item, found)
    if container is None and seen:
        return {"note": "", "details": {}}
    if container is not None and container.state != "running":
        return {"note": container.raw.get("State", {}).get("Error") or "", "details": {}}
    if not item["api"] or not item["address"]:
        return {"note": "", "details": {}}
    return summaries.read(item["api"], item["address"], item["auth"], secrets, timeout=timeout)


def state_of(item: Mapping[str, Any], found: Snapshot) -> dict[str, Any]:
    """What Docker tells of an instance."""
    container = container_of(item, found)
    shown = {"zone": item["zone"], "url": item["url"]}
    if container is None:
        return {"state": "missing", "health": None, "since": None, "uptime": 0, **shown}
    started = str((container.raw.get("State") or {}).get("StartedAt", ""))
    since = f"{started[:19]}Z" if started[:4] > "0001" else None
    uptime = max(0, int(time.time()) - seconds(since)) if since and container.state == "running" else 0
    return {"state": container.state, "health": container.health, "since": since, "uptime": uptime, **shown}


def seconds(moment: str) -> int:
    """A time as Docker writes it, cut to whole seconds, as seconds since 1970."""
    return calendar.timegm(time.strptime(moment, "%Y-%m-%dT%H:%M:%SZ"))


def certificate_of(item: Mapping[str, Any], timeout: float) -> dict[str, Any]:
    """{issuer, expires, hours, lifetime, error}; hours are left of a lifetime in hours."""
    target = (item["address"], item["port"])
    try:
        shown = certificate.of(item["name"], target, ca_file=item["ca"], timeout=timeout)
    except HttpError as error:
        return {"issuer": None, "expires": None, "hours": None, "lifetime": None, "error": str(error)}
    return {**{key: shown[key] for key in ("issuer", "expires", "hours", "lifetime")}, "error": None}


def disk(name: str, path: str) -> dict[str, Any]:
    """{name, path, total, used, free, percent, error}; sizes in bytes."""
    try:
        usage = shutil.disk_usage(path)
    except OSError as error:
        text = (error.strerror or "cannot be read").lower()
        return {"name": name, "path": path, "total": 0, "used": 0, "free": 0, "percent": 0, "error": text}
    percent = round(100 * usage.used / usage.total) if usage.total else 0
    return {
        "name": name,
        "path": path,
        "total": usage.total,
        "used": usage.used,
        "free": usage.free,
        "percent": percent,
        "error": None,
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    module.exit_json(changed=False, **status(module.params))


if __name__ == "__main__":
    main()
