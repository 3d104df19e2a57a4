"""What outside auditors report, read from their own files. Pure: text in, a report out.

A report is ``{figure, good, findings: [{id, text}]}``: `figure` as people quote it, `good` whether it is enough.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any

LYNIS_INDEX = 85
OSCAP_PERCENT = 85.0
REQUIRED = {"lynis": str(LYNIS_INDEX), "oscap": f"{OSCAP_PERCENT:.0f} %", "ssh-audit": "0 fail"}
XCCDF = "{http://checklists.nist.gov/xccdf/1.2}"
RULE = "content_rule_"
ALGORITHMS = ("kex", "key", "enc", "mac")
NOTHING = ("", "-")


class ReportError(Exception):
    """It is no report of that tool; the text says what is missing."""


def lynis(text: str) -> dict[str, Any]:
    """``lynis-report.dat``: the hardening index, warnings and suggestions. Raises ReportError."""
    index, findings = None, []
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key == "hardening_index" and value.strip().isdigit():
            index = int(value)
        elif key in {"warning[]", "suggestion[]"}:
            identity, said, *details = [*value.split("|"), ""]
            detail = "" if details[0] in NOTHING else f" ({details[0]})"
            findings.append({"id": identity, "text": f"{said.rstrip('.')}{detail}"})
    if index is None:
        raise ReportError("lynis's report has no hardening_index")
    return {"figure": str(index), "good": index >= LYNIS_INDEX, "findings": findings}


def ssh_audit(text: str) -> dict[str, Any]:
    """The JSON of ``ssh-audit -j``: failures and warnings of the algorithms that are offered. Raises ReportError."""
    try:
        said = json.loads(text)
        offered = [(kind, item) for kind in ALGORITHMS for item in said[kind]]
    except (ValueError, KeyError, TypeError):
        raise ReportError("ssh-audit's report is not the JSON that it should be") from None
    found: dict[str, list[dict[str, str]]] = {"fail": [], "warn": []}
    for kind, item in offered:
        for level, findings in found.items():
            for note in (item.get("notes") or {}).get(level) or []:
                findings.append({"id": f"{kind} {item['algorithm']}", "text": f"{level}: {note}"})
    figure = ", ".join(f"{len(findings)} {level}" for level, findings in found.items())
    return {"figure": figure, "good": not found["fail"], "findings": [*found["fail"], *found["warn"]]}


def oscap(text: str | bytes) -> dict[str, Any]:
    """XCCDF results: the share of rules that pass, and those that do not. Raises ReportError."""
    try:
        root = ET.fromstring(text)  # noqa: S314 - our own run of oscap wrote it
    except ET.ParseError as error:
        raise ReportError(f"oscap's results are not XML: {error}") from None
    result = root if root.tag == f"{XCCDF}TestResult" else root.find(f".//{XCCDF}TestResult")
    if result is None:
        raise ReportError("oscap's results have no TestResult")
    titles = {str(rule.get("id")): rule.findtext(f"{XCCDF}title") or "" for rule in root.iter(f"{XCCDF}Rule")}
    outcomes = [
        (str(item.get("idref")), item.findtext(f"{XCCDF}result")) for item in result.iter(f"{XCCDF}rule-result")
    ]
    passed = sum(1 for _rule, outcome in outcomes if outcome in {"pass", "fixed"})
    failed = [rule for rule, outcome in outcomes if outcome == "fail"]
    if not passed and not failed:
        raise ReportError("no rule of oscap's content applies to this server")
    percent = 100 * passed / (passed + len(failed))
    return {
        "figure": f"{percent:.1f} % ({passed} of {passed + len(failed)})",
        "good": percent >= OSCAP_PERCENT,
        "findings": [{"id": rule.rpartition(RULE)[2], "text": titles.get(rule) or rule} for rule in failed],
    }


def without_kernel(report: dict[str, Any]) -> dict[str, Any]:
    """The same, with the reason at each finding about kernel settings: those cannot be written here."""
    findings = [
        {**item, "reason": "kernel settings cannot be written in this container"}
        if item["id"].startswith(("KRNL-6000", "sysctl_"))
        else item
        for item in report["findings"]
    ]
    return {**report, "findings": findings}
