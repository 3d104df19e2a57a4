"""Set applications up through their APIs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: applications
short_description: Set applications up through their APIs
description:
  - Waits for each application, and brings its accounts and its first start to what is wanted.
  - Sonarr, Radarr and Prowlarr get one login for their web interface. The password that one has cannot be read, so a
    sign-in is tried.
  - Jellyfin's first-start wizard is gone through if that is not done. A password that was changed in Jellyfin is
    reported, not overwritten. One API key is kept in a file on the server, because Jellyfin makes keys itself.
  - Seerr and Jellyseerr sign in to Jellyfin for the first time and end their first start. Overseerr is left to a
    person.
  - Applications of one call are handled side by side; one that fails does not keep the others from getting theirs.
author: [mediastack maintainers]
version_added: 0.1.0
options:
  applications:
    description: The applications.
    type: list
    elements: dict
    required: true
    suboptions:
      instance:
        description: Name of the instance, the key of O(secrets).
        type: str
        required: true
      kind:
        description: C(servarr-v3) for Sonarr and Radarr, C(servarr-v1) for Prowlarr.
        type: str
        choices: [jellyfin, jellyseerr, overseerr, seerr, servarr-v1, servarr-v3]
        required: true
      url:
        description: Address, with the base URL if there is one, at which this server reaches the application.
        type: str
        required: true
      username:
        description: Name of the user; for the Seerr family, of Jellyfin's administrator.
        type: str
        required: true
      known_config:
        description:
          - Folder of its configuration, if it was applied here before.
          - Where that has something in it, a plan predicts no change while the application does not answer.
        type: path
      timeout:
        description: Seconds to wait for an application that still starts or migrates its database.
        type: int
        default: 180
      server_name:
        description: Name that Jellyfin shows. Set by the wizard only, like the four options below.
        type: str
        default: mediastack
      ui_culture:
        description: Language of Jellyfin's interface.
        type: str
        default: en-US
      metadata_country:
        description: Country whose metadata Jellyfin prefers.
        type: str
        default: US
      metadata_language:
        description: Language of Jellyfin's metadata.
        type: str
        default: en
      remote_access:
        description: Whether other machines may connect to Jellyfin. Without it a reverse proxy cannot.
        type: bool
        default: true
      key_name:
        description: Application name of Jellyfin's API key.
        type: str
        default: mediastack
      key_file:
        description: File on the server that gets Jellyfin's key; mode 0600. Its directory is made when missing.
        type: path
      email:
        description: Mail address of the administrator of the Seerr family.
        type: str
      media_server:
        description: Where the Seerr family finds Jellyfin.
        type: dict
        suboptions:
          hostname:
            description: Name or address, as the application reaches it.
            type: str
            required: true
          port:
            description: Port.
            type: int
            default: 8096
          use_ssl:
            description: Whether it is asked by HTTPS.
            type: bool
            default: false
          url_base:
            description: Path below which it answers.
            type: str
            default: ""
  secrets:
    description: By instance, C(password) of the user and C(api_key) of the application.
    type: dict
    required: true
extends_documentation_fragment: [mediastack.core.lease_options]
attributes:
  check_mode:
    support: full
    description:
      - An application that does not answer is predicted to change, unless its O(applications[].known_config) shows that
        it was set up before. That a missing O(applications[].key_file) is written is predicted in any case.
  diff_mode:
    support: full
    description: Says what is done and names users, never a password or a key.
"""

EXAMPLES = r"""
- name: Give the managers their login
  mediastack.core.applications:
    applications:
      - {instance: radarr, kind: servarr-v3, url: "http://172.31.240.10:7878", username: admin}
    secrets:
      radarr: {api_key: "{{ radarr_api_key }}", password: "{{ radarr_password }}"}

- name: Set Jellyfin up
  mediastack.core.applications:
    applications:
      - instance: jellyfin
        kind: jellyfin
        url: http://172.31.240.20:8096
        username: admin
        key_file: /opt/mediastack/secrets/jellyfin/api_key
    secrets:
      jellyfin: {password: "{{ jellyfin_admin_password }}"}
"""

RETURN = r"""
applications:
  description: What was found and done, by instance. In check mode C(actions) is what would be done.
  returned: always
  type: dict
  sample: {radarr: {actions: [username], error: null}, jellyfin: {actions: [], error: null}}
notices:
  description: What is left to a person; each is a warning, too.
  returned: always
  type: list
  elements: str
  sample: []
"""

from functools import partial
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils.apps import (
    jellyfin_setup,
    seerr_setup,
    servarr_setup,
)
from ansible_collections.mediastack.core.plugins.module_utils.apps.setting_up import Outcome
from ansible_collections.mediastack.core.plugins.module_utils.arguments import LEASE_ARGUMENTS, writing
from ansible_collections.mediastack.core.plugins.module_utils.http import HttpError
from ansible_collections.mediastack.core.plugins.module_utils.parallel import run_all

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SET_UPS: dict[str, Callable[..., Outcome]] = {
    "servarr-v3": servarr_setup.set_up,
    "servarr-v1": servarr_setup.set_up,
    "jellyfin": jellyfin_setup.set_up,
    "seerr": seerr_setup.set_up,
    "jellyseerr": seerr_setup.set_up,
    "overseerr": seerr_setup.set_up,
}
MEDIA_SERVER: dict[str, Any] = {
    "hostname": {"type": "str", "required": True},
    "port": {"type": "int", "default": 8096},
    "use_ssl": {"type": "bool", "default": False},
    "url_base": {"type": "str", "default": ""},
}
APPLICATION: dict[str, Any] = {
    "instance": {"type": "str", "required": True},
    "kind": {"type": "str", "required": True, "choices": sorted(SET_UPS)},
    "url": {"type": "str", "required": True},
    "username": {"type": "str", "required": True},
    "known_config": {"type": "path"},
    "timeout": {"type": "int", "default": 180},
    "server_name": {"type": "str", "default": "mediastack"},
    "ui_culture": {"type": "str", "default": "en-US"},
    "metadata_country": {"type": "str", "default": "US"},
    "metadata_language": {"type": "str", "default": "en"},
    "remote_access": {"type": "bool", "default": True},
    "key_name": {"type": "str", "default": "mediastack", "no_log": False},
    "key_file": {"type": "path", "no_log": False},
    "email": {"type": "str"},
    "media_server": {"type": "dict", "options": MEDIA_SERVER},
}
NEEDED = [("kind", "jellyfin", ["key_file"]), ("kind", "seerr", ["email"]), ("kind", "jellyseerr", ["email"])]
ARGUMENTS: dict[str, Any] = {
    "applications": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": APPLICATION,
        "required_if": NEEDED,
    },
    "secrets": {"type": "dict", "required": True, "no_log": True},
    **LEASE_ARGUMENTS,
}
NEEDED_SECRETS = {
    "servarr-v3": ("api_key", "password"),
    "servarr-v1": ("api_key", "password"),
    "jellyfin": ("password",),
    "seerr": ("password",),
    "jellyseerr": ("password",),
    "overseerr": (),
}
PARALLEL = 8
REQUESTS = 60  # seconds for the requests themselves, after the application is up


def lacking(applications: Sequence[Mapping[str, Any]], secrets: Mapping[str, Any]) -> list[str]:
    """Secrets that are needed and not given, as ``instance.name``."""
    return [
        f"{app['instance']}.{name}"
        for app in applications
        for name in NEEDED_SECRETS[app["kind"]]
        if not (secrets.get(app["instance"]) or {}).get(name)
    ]


def set_up_all(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """The module's result; with `failed` and `msg` when an application could not be handled."""
    apps, secrets = params["applications"], params["secrets"]
    missing = lacking(apps, secrets)
    if missing:
        return {"failed": True, "msg": f"secrets are missing: {', '.join(missing)}", "applications": {}, "notices": []}
    jobs = [
        partial(SET_UPS[app["kind"]], {**app, **(secrets.get(app["instance"]) or {})}, check_mode=check_mode)
        for app in apps
    ]
    longest = max((app["timeout"] for app in apps), default=0)
    rounds = max(1, -(-len(jobs) // PARALLEL))
    return summarise(apps, run_all(jobs, parallel=PARALLEL, timeout=rounds * (2 * longest + REQUESTS)))


def summarise(apps: Sequence[Mapping[str, Any]], outcomes: Sequence[Outcome | Exception]) -> dict[str, Any]:
    """Put the outcomes of all applications together."""
    told: dict[str, Any] = {}
    diff, errors, notices = [], [], []
    for app, outcome in zip(apps, outcomes):  # noqa: B905 - Python 3.9
        name = app["instance"]
        if isinstance(outcome, Exception):
            error = reason(outcome)
            told[name] = {"actions": [], "error": error}
            errors.append(f"{name}: {error}")
            continue
        told[name] = {"actions": outcome.actions, "error": None}
        if outcome.notice:
            notices.append(outcome.notice)
        if outcome.actions:
            diff.append({"before_header": name, "after_header": name, **sides(outcome)})
    changed = any(app["actions"] for app in told.values())
    result = {"changed": changed, "applications": told, "notices": notices, "diff": diff}
    return {**result, "failed": True, "msg": "; ".join(errors)} if errors else result


def reason(error: Exception) -> str:
    """What to say of an exception: of one that is not ours the name only, for its text may hold more."""
    return str(error) if isinstance(error, (HttpError, TimeoutError)) else f"unexpected answer ({type(error).__name__})"


def sides(outcome: Outcome) -> dict[str, str]:
    """Before and after, for the diff; what is done where there is nothing to compare."""
    if outcome.after:
        return {"before": f"{outcome.before}\n", "after": f"{outcome.after}\n"}
    return {"before": "", "after": "".join(f"{action}\n" for action in outcome.actions)}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    with writing(module):
        result = set_up_all(module.params, check_mode=module.check_mode)
    for notice in result["notices"]:
        module.warn(notice)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
