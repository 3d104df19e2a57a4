"""What the role hardening would do, what it leaves alone, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.hardening.support import DEFAULTS, ITEMS, choice, facts, settled, state

from ansible_collections.mediastack.core.plugins.filter.hardening import hardening_differs
from ansible_collections.mediastack.core.plugins.plugin_utils.hardening import items as chooser
from ansible_collections.mediastack.core.plugins.plugin_utils.hardening import plan as planner
from ansible_collections.mediastack.core.plugins.plugin_utils.hardening import texts


def test_items_are_well_formed() -> None:
    names = [item["name"] for item in ITEMS]
    assert len(names) == len(set(names))
    for item in ITEMS:
        assert item["kind"] in chooser.KINDS, item["name"]
        assert item["profile"] in chooser.PROFILES, item["name"]
        assert item["reason"], item["name"]
        assert not item["reason"].endswith("."), item["name"]
        assert isinstance(item["rules"], list), item["name"]
        assert set(item.get("requires", [])) <= set(names[: names.index(item["name"])]), item["name"]
        if "variable" in item:
            assert item["variable"] in DEFAULTS, item["name"]


def test_a_second_run_has_nothing_to_do() -> None:
    for profile in chooser.PROFILES:
        chosen = choice(profile=profile)
        planned = planner.plan(chosen, settled(chosen))
        assert not hardening_differs(planned), planned
        assert planned["install"] == []
        assert planned["notes"] == []


def test_forwarding_and_namespaces_are_never_touched() -> None:
    settings = planner.plan(choice(profile="strict"), facts(choice(profile="strict")))["settings"]
    assert settings
    assert not [name for name in settings if "forward" in name or "user" in name.split(".")[0] or "namespaces" in name]


@pytest.mark.parametrize("module", ["overlay", "br_netfilter", "veth", "tun", "wireguard", "nf_tables", "bridge"])
def test_what_containers_need_is_not_kept_out(module: str) -> None:
    assert module not in [name for item in ITEMS for name in item.get("modules", [])]


def test_profiles_differ_by_what_costs_something() -> None:
    assert len(choice()["chosen"]) < len(choice(profile="strict")["chosen"]) == len(ITEMS)
    assert "usb-disks" in [item["name"] for item in choice()["dropped"]]


def test_what_is_excluded_takes_along_what_needs_it_and_its_files_go() -> None:
    chosen = choice(exclude=["guessing", "core-dumps"])
    found = facts(chosen)
    found["states"]["/usr/share/pam-configs/mediastack-faillock-first"] = state("old")
    found["states"]["/etc/security/limits.d/60-mediastack.conf"] = state("old")
    found["states"]["/etc/issue"] = state("theirs")
    planned = planner.plan(chosen, found)
    assert planned["host"]["pam_off"] == ["mediastack-faillock-first"]
    assert planned["absent"] == ["/etc/security/limits.d/60-mediastack.conf"]
    assert "mediastack-faillock" not in planned["host"]["pam_on"]


def test_an_excluded_edit_is_undone() -> None:
    before = "UMASK\t022\n"
    chosen = choice(exclude=["umask-of-logins", "password-hashes", "failed-logins", "password-age"])
    found = facts(chosen)
    found["texts"]["/etc/login.defs"] = texts.edited(before, {"UMASK": "027", "FAILLOG_ENAB": "yes"})
    files = {file["path"]: file["content"] for file in planner.plan(chosen, found)["files"]}
    assert files["/etc/login.defs"] == before


def test_a_setting_that_the_kernel_refuses_is_told_and_stays_in_the_file() -> None:
    chosen = choice()
    found = settled(chosen)
    found["kernel_settings"]["kernel.kptr_restrict"] = {"value": "0", "reason": "it is read-only here"}
    planned = planner.plan(chosen, found)
    assert planned["notes"] == ["kernel.kptr_restrict: it is read-only here"]
    assert not hardening_differs(planned)


def test_a_module_that_is_in_use_is_left_alone() -> None:
    chosen = choice(profile="strict")
    planned = planner.plan(chosen, facts(chosen, modules=["usb_storage"]))
    text = next(file["content"] for file in planned["files"] if file["path"] == chooser.MODULES_FILE)
    assert "usb-storage" not in text
    assert "uas" in text
    assert "usb-disks: the module usb-storage is in use" in planned["notes"]


def test_another_time_service_keeps_its_work() -> None:
    chosen = choice()
    found = facts(chosen)
    found["packages"] |= {"chrony": True, "systemd-timesyncd": False}
    planned = planner.plan(chosen, found)
    assert "systemd-timesyncd" not in planned["install"]
    assert "time: chrony does that here" in planned["notes"]


def test_a_masked_unit_stays_masked() -> None:
    chosen = choice()
    found = facts(chosen)
    found["units"]["systemd-timesyncd.service"]["enabled"] = "masked"
    planned = planner.plan(chosen, found)
    assert "systemd-timesyncd.service" not in [one["name"] for one in planned["host"]["units"]]
    assert "time-service: systemd-timesyncd.service is masked on this server" in planned["notes"]


def test_a_unit_that_its_own_conditions_keep_from_running_is_not_tried_for_ever() -> None:
    chosen = choice()
    found = settled(chosen)
    found["units"]["systemd-timesyncd.service"] |= {"active": "inactive", "refused": True}
    assert not hardening_differs(planner.plan(chosen, found))


@pytest.mark.parametrize("lack", ["audit", "apparmor"])
def test_what_the_kernel_lacks_is_passed_over(lack: str) -> None:
    chosen = choice()
    planned = planner.plan(chosen, facts(chosen, **{lack: False}))
    assert [note for note in planned["notes"] if note.startswith(f"{lack}: this kernel has no")]
    assert not [one for one in planned["host"]["units"] if lack in one["name"]]


@pytest.mark.parametrize("name", ["kernel.perf_event_paranoid", "kernel.yama.ptrace_scope"])
def test_what_is_stricter_already_is_not_loosened(name: str) -> None:
    """Ubuntu's kernels begin with 4 where Debian's have 3; an owner may have forbidden tracing altogether."""
    chosen = choice()
    found = facts(chosen)
    found["kernel_settings"][name] = {"value": "4", "reason": ""}
    planned = planner.plan(chosen, found)
    assert name not in planned["settings"]
    assert not [file for file in planned["files"] if name in file["content"]]
    asked = choice(sysctl={name: 1})
    assert planner.plan(asked, found)["settings"][name] == "1", "the owner's word counts"


def test_two_ways_to_one_network_stay_open() -> None:
    """Else who comes in by the one whose answers leave by the other is cut off, and nothing takes that back."""
    chosen = choice()
    planned = planner.plan(chosen, facts(chosen, one_way=False))
    assert [note for note in planned["notes"] if note.startswith("reverse-path: two interfaces")]
    assert not [name for name in planned["settings"] if "rp_filter" in name]
    assert not [file for file in planned["files"] if "rp_filter" in file["content"]]
    assert "net.ipv4.conf.all.rp_filter" in planner.plan(chosen, facts(chosen))["settings"]


def test_a_pam_profile_whose_module_is_missing_is_passed_over() -> None:
    """Otherwise nobody could log in, or use sudo."""
    chosen = choice()
    planned = planner.plan(chosen, facts(chosen, pam_modules=["pam_pwhistory.so"]))
    assert planned["host"]["pam_on"] == ["mediastack-history"]
    assert not [file for file in planned["files"] if "faillock" in file["path"]]
    assert "guessing: there is no pam_faillock.so on this server" in planned["notes"]


def test_root_is_never_locked_and_locks_open_by_themselves() -> None:
    text = "".join(item["content"] for item in ITEMS if item["kind"] == "pam")
    assert "even_deny_root" not in text
    assert "unlock_time=900" in text
    assert "unlock_time=0" not in text
    keys = [key for item in ITEMS if item["kind"] == "keys" for key in item["keys"]]
    assert "PASS_MAX_DAYS" not in keys, "an account with a key alone would expire"


def test_a_service_is_restarted_when_its_file_is_newer() -> None:
    chosen = choice()
    found = settled(chosen)
    found["units"]["systemd-journald.service"] |= {"active": "active", "started": 200}
    assert not hardening_differs(planner.plan(chosen, found))
    found["states"]["/etc/systemd/journald.conf.d/60-mediastack.conf"]["mtime"] = 300
    units = planner.plan(chosen, found)["host"]["units"]
    assert units == [{"name": "systemd-journald.service", "action": "restart"}]


def test_permissions_are_narrowed_and_never_opened() -> None:
    chosen = choice()
    found = settled(chosen)
    found["patterns"]["/var/log/*.log"] = {"/var/log/a.log": "0644", "/var/log/b.log": "0600", "/var/log/c.log": "0640"}
    planned = planner.plan(chosen, found)
    assert planned["host"]["permissions"] == [{"path": "/var/log/a.log", "mode": "0640"}]


def test_no_sudoers_without_sudo() -> None:
    chosen = choice()
    found = facts(chosen)
    found["packages"]["sudo"] = False
    assert not [file for file in planner.plan(chosen, found)["files"] if "sudo" in file["path"]]


def test_what_is_no_mount_is_left_alone() -> None:
    chosen = choice(profile="strict")
    found = facts(chosen)
    found["mounts"] |= {"/tmp": None}
    assert [one["path"] for one in planner.plan(chosen, found)["host"]["mounts"]] == ["/dev/shm", "/dev"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"exclude": ["core-dump"]}, ["hardening_exclude", "'core-dump'", "Did you mean 'core-dumps'?", "Remedy"]),
        ({"reboot_time": "25:00"}, ["hardening_reboot_time", "25:00", "04:30"]),
        ({"journal_size": "lots"}, ["hardening_journal_size", "lots", "500M"]),
        ({"journal_age": "old"}, ["hardening_journal_age", "90day"]),
        ({"umask": "rwx"}, ["hardening_umask", "octal"]),
        ({"shell_timeout": -1}, ["hardening_shell_timeout", "-1"]),
        ({"lock_after": 1}, ["hardening_lock_after", "at least 3"]),
        ({"lock_seconds": 0}, ["hardening_lock_seconds", "never opens"]),
        ({"password_length": 3}, ["hardening_password_length", "8 to 99"]),
        ({"sysctl": {"net.ipv4.ip_forward": 0}}, ["hardening_sysctl", "net.ipv4.ip_forward=0", "containers"]),
        ({"sysctl": {"user.max_user_namespaces": 0}}, ["hardening_sysctl", "containers"]),
        ({"sysctl": {"swappiness": 10}}, ["hardening_sysctl", "no kernel setting", "vm.swappiness"]),
        ({"sysctl": {"vm.swappiness": [1]}}, ["hardening_sysctl", "no kernel setting"]),
    ],
)
def test_bad_input_is_refused_with_its_remedy(changes: dict[str, Any], words: list[str]) -> None:
    found = choice(**changes)["problems"]
    assert len(found) == 1
    assert all(word in found[0] for word in words), found


def test_the_owners_kernel_settings_win() -> None:
    chosen = choice(sysctl={"kernel.sysrq": 176, "vm.swappiness": 10})
    settings = planner.plan(chosen, facts(chosen))["settings"]
    assert (settings["kernel.sysrq"], settings["vm.swappiness"]) == ("176", "10")


def test_defaults_are_accepted() -> None:
    assert choice()["problems"] == []
