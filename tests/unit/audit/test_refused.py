"""What only a sandbox's kernel refuses, with and without leave to write some of its settings."""

from __future__ import annotations

from tests.integration.audits import auditors, writable


def test_what_may_be_written_is_not_refused_any_more() -> None:
    names, _left_alone = writable.split(writable.wanted())
    lynis, openscap = auditors.refused("lynis", names), auditors.refused("openscap", names)
    assert "KRNL-6000:kernel.kptr_restrict" in auditors.refused("lynis")
    assert [name for name in lynis if name.startswith("KRNL-6000")] == ["KRNL-6000:kernel.unprivileged_bpf_disabled"]
    assert set(auditors.refused("openscap")) - set(openscap) == {"sysctl_kernel_yama_ptrace_scope"}


def test_every_kernel_setting_that_counts_as_refused_is_one_of_the_roles() -> None:
    named = {name.partition(":")[2] for name in auditors.refused("lynis") if ":" in name}
    assert named <= set(writable.wanted())
