"""What auditors report, read from samples of their own files (recorded, and cut to a few lines of each kind)."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.mediastack.core.plugins.module_utils import audit_reports
from ansible_collections.mediastack.core.plugins.module_utils.audit_reports import ReportError

SAMPLES = Path(__file__).parent / "samples"
XML = """<TestResult xmlns="http://checklists.nist.gov/xccdf/1.2">{}</TestResult>"""
RESULT = '<rule-result idref="xccdf_org.ssgproject.content_rule_{}"><result>{}</result></rule-result>'


def sample(name: str) -> str:
    return (SAMPLES / name).read_text(encoding="utf-8")


def test_lynis() -> None:
    found = audit_reports.lynis(sample("lynis-report.dat"))
    assert (found["figure"], found["good"]) == ("60", False)
    texts = [f"{item['id']}: {item['text']}" for item in found["findings"]]
    assert "KRNL-5830: Reboot of system is most likely needed" in texts
    assert "SSH-7408: Consider hardening SSH configuration (LogLevel (set INFO to VERBOSE))" in texts


@pytest.mark.parametrize(("index", "good"), [("84", False), ("85", True), ("100", True)])
def test_what_lynis_has_to_say(index: str, good: bool) -> None:
    assert audit_reports.lynis(f"hardening_index={index}\n")["good"] is good


@pytest.mark.parametrize("text", ["", "hardening_index=\n", "hardening_index=n/a\n", "warning[]=A|b|-|-|\n"])
def test_a_report_that_lynis_did_not_finish(text: str) -> None:
    with pytest.raises(ReportError, match="no hardening_index"):
        audit_reports.lynis(text)


def test_ssh_audit_of_a_server_as_it_comes() -> None:
    found = audit_reports.ssh_audit(sample("ssh-audit-debian12.json"))
    assert (found["figure"], found["good"]) == ("6 fail, 18 warn", False)
    assert len(found["findings"]) == 24
    assert found["findings"][0]["id"] == "kex ecdh-sha2-nistp256"
    assert found["findings"][0]["text"].startswith("fail: using elliptic curves")


def test_ssh_audit_of_a_hardened_server() -> None:
    found = audit_reports.ssh_audit(sample("ssh-audit-hardened-debian13.json"))
    assert found == {"figure": "0 fail, 0 warn", "good": True, "findings": []}


@pytest.mark.parametrize("text", ["", "[exception] cannot connect", "[]", "{}", '{"kex": 1}'])
def test_what_is_no_report_of_ssh_audit(text: str) -> None:
    with pytest.raises(ReportError):
        audit_reports.ssh_audit(text)


def test_oscap() -> None:
    found = audit_reports.oscap(sample("oscap-results.xml"))
    assert (found["figure"], found["good"]) == ("44.4 % (4 of 9)", False)
    assert found["findings"][0] == {"id": "package_aide_installed", "text": "Install AIDE"}


@pytest.mark.parametrize(
    ("passed", "failed", "figure", "good"),
    [(17, 3, "85.0 % (17 of 20)", True), (16, 4, "80.0 % (16 of 20)", False), (1, 0, "100.0 % (1 of 1)", True)],
)
def test_what_does_not_apply_is_not_counted(passed: int, failed: int, figure: str, good: bool) -> None:
    results = ["pass"] * passed + ["fail"] * failed + ["notapplicable", "notselected", "notchecked"]
    text = XML.format("".join(RESULT.format(f"r{n}", result) for n, result in enumerate(results)))
    found = audit_reports.oscap(text)
    assert (found["figure"], found["good"]) == (figure, good)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not XML"),
        ("<Benchmark/>", "no TestResult"),
        (XML.format(""), "no rule"),
        (XML.format(RESULT.format("a", "notapplicable")), "no rule"),
    ],
)
def test_what_are_no_results_of_oscap(text: str, said: str) -> None:
    with pytest.raises(ReportError, match=said):
        audit_reports.oscap(text)


def test_kernel_settings_that_cannot_be_written_are_named_by_rule() -> None:
    text = XML.format(RESULT.format("sysctl_kernel_kptr_restrict", "fail") + RESULT.format("x", "fail"))
    by_rule = {
        item["id"]: item.get("reason") for item in audit_reports.without_kernel(audit_reports.oscap(text))["findings"]
    }
    assert by_rule == {
        "sysctl_kernel_kptr_restrict": "kernel settings cannot be written in this container",
        "x": None,
    }
    lynis = audit_reports.without_kernel(audit_reports.lynis(sample("lynis-report.dat")))
    assert {item["id"] for item in lynis["findings"] if item.get("reason")} == {"KRNL-6000"}
    assert lynis["figure"] == "60"
