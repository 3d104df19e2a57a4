"""`history`: what was run, when, by whom."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

from mediastack_provision import history, inventories
from mediastack_provision.events import where
from mediastack_provision.exits import Exit
from mediastack_provision.project import find_project
from mediastack_provision.words import clip, plural, seconds


def listing(inventory: str | None, number: int, *, as_json: bool) -> Exit:
    """The latest runs, the newest last."""
    records = history.load_all(inventories.select(find_project(), inventory))[-number:]
    if as_json:
        for record in records:
            sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
        return Exit.OK
    if not records:
        sys.stdout.write("Nothing was run with this inventory yet.\n")
        return Exit.OK
    sys.stdout.write("\n".join([row_head(), *map(row, records)]) + "\n")
    return Exit.OK


def row_head() -> str:
    """The heading of the table."""
    return f"{'ID':<13} {'TIME':<5} {'VERB':<9} {'BY':<10} {'COMMIT':<8} {'TOOK':>10}  RESULT"


def row(record: dict[str, Any]) -> str:
    """One run on one line of at most 80 columns."""
    at = datetime.fromisoformat(str(record.get("started"))).astimezone()
    changed = len(record.get("changed") or [])
    note = f"{record.get('result')}" + (f", {changed} changed" if changed else "")
    took = seconds(float(record.get("seconds") or 0))
    commit = str(record.get("commit") or "-").partition("+")
    shown = commit[0][:7] + ("+" if commit[2] else "")
    return (
        f"{record.get('id', ''):<13} {at:%H:%M} {clip(str(record.get('verb')), 9):<9} "
        f"{clip(str(record.get('user')), 10):<10} {shown:<8} {took:>10}  {clip(note, 18)}"
    ).rstrip()


def show(inventory: str | None, identity: str, *, as_json: bool) -> Exit:
    """One run in full."""
    record = history.load(inventories.select(find_project(), inventory), identity)
    if as_json:
        sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write("\n".join(details(record)) + "\n")
    return Exit.OK


def details(record: dict[str, Any]) -> list[str]:
    """A run as lines."""
    options = " ".join(record.get("options") or [])
    lines = [
        f"{record.get('id')}  {record.get('verb')} {options}".rstrip(),
        f"  inventory  {record.get('inventory')}",
        f"  started    {record.get('started')} by {record.get('user')}",
        f"  commit     {record.get('commit') or 'none'}",
        f"  took       {seconds(float(record.get('seconds') or 0))}",
        f"  result     {record.get('result')} (exit {record.get('exit')})",
    ]
    for host, counts in (record.get("hosts") or {}).items():
        lines.append(f"  {host}: " + ", ".join(f"{value} {name}" for name, value in counts.items()))
    changed = record.get("changed") or []
    lines += [f"{plural(len(changed), 'change')}:"] if changed else ["Nothing was changed."]
    lines += ["  " + where(entry["host"], entry["role"], entry["task"]) for entry in changed]
    for failure in record.get("failures") or []:
        lines.append("Failed: " + where(failure["host"], failure["role"], failure["task"]))
        lines += [f"  {line}" for line in str(failure["message"]).splitlines()]
    return lines
