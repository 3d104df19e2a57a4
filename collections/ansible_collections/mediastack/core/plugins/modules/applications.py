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

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mediastack.core.plugins.module_utils.apps.set_up import APPLICATIONS, set_up_all
from ansible_collections.mediastack.core.plugins.module_utils.arguments import LEASE_ARGUMENTS, writing

ARGUMENTS: dict[str, Any] = {
    "applications": {**APPLICATIONS, "required": True},
    "secrets": {"type": "dict", "required": True, "no_log": True},
    **LEASE_ARGUMENTS,
}


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
