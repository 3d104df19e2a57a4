"""Arguments that changing modules of ours share, and how one becomes the one writer."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from ansible_collections.mediastack.core.plugins.module_utils import guard, lease_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible.module_utils.basic import AnsibleModule

LEASE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "lease": {"type": "str", "default": ""},
    "lease_directory": {"type": "path", "default": lease_file.DIRECTORY},
    "lease_wait": {"type": "float", "default": lease_file.WRITER_WAIT},
    "guard": {"type": "str", "default": ""},
}


@contextlib.contextmanager
def writing(module: AnsibleModule) -> Iterator[None]:
    """Hold the writer's lock, and the guard's, for the module's own work; nothing is taken in check mode."""
    if module.check_mode:
        yield
        return
    params = module.params
    try:
        with contextlib.ExitStack() as held:
            held.enter_context(
                lease_file.writer(
                    params["lease"], directory=params["lease_directory"], wait=params["lease_wait"], warn=module.warn
                )
            )
            if params["guard"]:
                held.enter_context(guard.under(params["guard"]))
            yield
    except lease_file.LeaseError as error:
        module.fail_json(msg=str(error))
    except guard.GuardError as error:
        module.fail_json(msg=f"guard {params['guard']}: {error}")


def wants_diff(module: AnsibleModule) -> bool:
    """Whether `--diff` was asked for."""
    return bool(module._diff)  # noqa: SLF001 - Ansible has no public name for it
