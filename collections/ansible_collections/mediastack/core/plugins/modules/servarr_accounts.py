"""The login of Sonarr, Radarr and Prowlarr."""

from __future__ import annotations

DOCUMENTATION = r"""
module: servarr_accounts
short_description: Ensure the login of Sonarr, Radarr and Prowlarr
description:
  - Waits for each application, and makes sure that its web interface asks for one user with one password.
  - Applications are handled side by side; one that fails does not keep the others from getting theirs.
  - The password that an application has cannot be read, so a sign-in is tried to see whether it is the wanted
    one.
author: [mediastack maintainers]
version_added: 0.1.0
options:
  apps:
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
        choices: [servarr-v3, servarr-v1]
        required: true
      url:
        description: Address, with the URL base if there is one, at which this server reaches it.
        type: str
        required: true
      username:
        description: Name of the user. The application keeps it in lower case.
        type: str
        required: true
      known_config:
        description:
          - Folder of its configuration, if it was applied here before.
          - Where that has something in it, a plan predicts no change while the application does not answer.
        type: path
  secrets:
    description:
      - By instance, a mapping with C(api_key), the application's key, and C(ui_password), the wanted
        password.
      - Other entries are ignored.
    type: dict
    required: true
  timeout:
    description: Seconds to wait for an application that still starts.
    type: int
    default: 120
extends_documentation_fragment: [mediastack.core.lease_options]
attributes:
  check_mode:
    support: full
    description:
      - An application that does not answer is predicted to change, unless its O(apps[].known_config) shows that it was
        set up before.
  diff_mode:
    support: full
    description: Names users, never passwords.
"""

EXAMPLES = r"""
- name: Give the managers their login
  mediastack.core.servarr_accounts:
    apps:
      - {instance: radarr, kind: servarr-v3, url: "http://172.31.240.10:7878", username: admin}
    secrets:
      radarr: {api_key: "{{ radarr_api_key }}", ui_password: "{{ radarr_ui_password }}"}
"""

RETURN = r"""
apps:
  description: What was found and done, by instance.
  returned: always
  type: dict
  sample: {radarr: {changed: true, drift: [username], error: null}}
"""

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils.apps import servarr, setting_up
from ansible_collections.mediastack.core.plugins.module_utils.apps.known import was_set_up
from ansible_collections.mediastack.core.plugins.module_utils.arguments import LEASE_ARGUMENTS, writing
from ansible_collections.mediastack.core.plugins.module_utils.http import HttpError, wait_until
from ansible_collections.mediastack.core.plugins.module_utils.parallel import run_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ARGUMENTS: dict[str, Any] = {
    "apps": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "instance": {"type": "str", "required": True},
            "kind": {"type": "str", "required": True, "choices": sorted(servarr.VERSIONS, reverse=True)},
            "url": {"type": "str", "required": True},
            "username": {"type": "str", "required": True},
            "known_config": {"type": "path"},
        },
    },
    "secrets": {"type": "dict", "required": True, "no_log": True},
    "timeout": {"type": "int", "default": 120},
    **LEASE_ARGUMENTS,
}
PARALLEL = 8
REQUESTS = 60  # seconds for the requests themselves, after the application is up
ABSENT = "absent"


def ensure(app: Mapping[str, Any], secret: Mapping[str, str], *, timeout: float, check_mode: bool) -> dict[str, Any]:
    """One application: {changed, drift: [what differed], before: text}. Raises HttpError."""
    wanted = servarr.Login(app["username"], secret["ui_password"])
    client = servarr.client_for(app["url"], secret["api_key"])
    if not setting_up.answers(client, "/ping", timeout, check_mode=check_mode):
        if was_set_up(app.get("known_config")):
            return {"changed": False, "drift": [], "before": ""}
        return {"changed": True, "drift": [ABSENT], "before": "not there yet"}
    api = servarr.api_of(app["kind"])
    config = servarr.host_config(client, api)
    drift = servarr.drift(app["url"], config, wanted)
    result = {"changed": bool(drift), "drift": drift, "before": describe(config, drift)}
    if drift and not check_mode:
        servarr.set_login(client, api, config, wanted)
        if "method" in drift:
            servarr.restart(client, api)
            time.sleep(1)  # it answers a little longer before it goes
            wait_until(client, "/ping", time.monotonic() + timeout)
        if not servarr.accepts(app["url"], wanted):
            raise HttpError(f"{app['url']}: the login that was written is not accepted")
    return result


def describe(config: Mapping[str, Any], drift: Sequence[str]) -> str:
    """The login as it was, for the diff."""
    name = config.get("username") or "nobody"
    if "method" in drift:
        return f"method {config.get('authenticationMethod')}, user {name}"
    return f"user {name}" + (", another password" if "password" in drift else "")


def ensure_all(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """The module's result; with `failed` and `msg` when an application could not be handled."""
    apps, secrets = params["apps"], params["secrets"]
    lacking = [
        f"{app['instance']}.{key}"
        for app in apps
        for key in ("api_key", "ui_password")
        if not (secrets.get(app["instance"]) or {}).get(key)
    ]
    if lacking:
        return {"failed": True, "msg": f"secrets are missing: {', '.join(lacking)}", "apps": {}}
    limit = float(params["timeout"])
    jobs = [partial(ensure, a, secrets[a["instance"]], timeout=limit, check_mode=check_mode) for a in apps]
    rounds = max(1, -(-len(jobs) // PARALLEL))
    outcomes = run_all(jobs, parallel=PARALLEL, timeout=rounds * (2 * limit + REQUESTS))
    return summarise(apps, outcomes)


def summarise(apps: Sequence[Mapping[str, Any]], outcomes: Sequence[Any]) -> dict[str, Any]:
    """Put the outcomes of all applications together."""
    told: dict[str, Any] = {}
    diff, errors = [], []
    for app, outcome in zip(apps, outcomes):  # noqa: B905 - Python 3.9
        name = app["instance"]
        if isinstance(outcome, Exception):
            known = isinstance(outcome, (HttpError, TimeoutError))
            error = str(outcome) if known else f"unexpected answer ({type(outcome).__name__})"
            told[name] = {"changed": False, "drift": [], "error": error}
            errors.append(f"{name}: {error}")
            continue
        told[name] = {"changed": outcome["changed"], "drift": outcome["drift"], "error": None}
        if outcome["changed"]:
            after = f"user {app['username'].lower()}\n"
            diff.append(
                {"before_header": name, "after_header": name, "before": f"{outcome['before']}\n", "after": after}
            )
    result = {"changed": any(app["changed"] for app in told.values()), "apps": told, "diff": diff}
    return {**result, "failed": True, "msg": "; ".join(errors)} if errors else result


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    with writing(module):
        result = ensure_all(module.params, check_mode=module.check_mode)
        if result.pop("failed", False):
            module.fail_json(**result)
        module.exit_json(**result)


if __name__ == "__main__":
    main()
