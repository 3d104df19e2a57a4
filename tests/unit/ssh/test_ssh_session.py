"""Where a run comes from, and by which port it came in."""

from __future__ import annotations

import pytest

from ansible_collections.mediastack.core.plugins.module_utils import ssh_session


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        (b"A=1\0SSH_CONNECTION=203.0.113.9 50000 192.0.2.1 22\0", ("203.0.113.9", 22)),
        (b"SSH_CONNECTION=2001:db8::9 50000 2001:db8::1 2200\0", ("2001:db8::9", 2200)),
        (b"SSH_CONNECTION=::ffff:203.0.113.9 50000 ::1 22\0", ("203.0.113.9", 22)),
        (b"SSH_CONNECTION=fe80::1%eth0 50000 fe80::2%eth0 22\0", ("fe80::1", 22)),
        (b"SSH_CONNECTION=nonsense 1 nonsense 22\0", None),
        (b"SSH_CONNECTION=203.0.113.9 50000 192.0.2.1 ssh\0", None),
        (b"SSH_CONNECTION=\0", None),
        (b"X_SSH_CONNECTION=203.0.113.9 1 2 3\0", None),
        (b"", None),
    ],
)
def test_what_the_environment_says(environment: bytes, found: tuple[str, int] | None) -> None:
    assert ssh_session.parse(environment) == found


def test_the_parent_of_a_process() -> None:
    assert ssh_session.parent_of("Name:\tx\nPPid:\t17\nUid:\t0\n") == 17
    assert ssh_session.parent_of("") == 0
