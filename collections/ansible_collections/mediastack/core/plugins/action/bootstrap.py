"""Python and sudo on a server that has neither: one shell script over the raw connection."""

from __future__ import annotations

import shlex
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.mediastack.core.plugins.plugin_utils.bootstrap_script import parse_report, script

OLDEST = (3, 9)


def explain(report: dict[str, str], said: str, host: str) -> str:
    """Why a server could not be made ready, and what to do."""
    status, needed = report.get("status", ""), report.get("needed", "").replace(",", " and ")
    if status == "not-root":
        return (
            f"{host} lacks {needed}, and the login is not root's. Log in as root once (`--user root`), "
            "or as a user who may use sudo, with `become: true`"
        )
    if status == "no-sudo":
        return (
            f"{host} lacks sudo, and the login is not root's. Log in as root once (`--user root`), "
            "or install it there: su -c 'apt install sudo', then add the user to the group sudo"
        )
    if status == "no-manager":
        return f"{host} lacks {needed}, and has none of apt-get, dnf, pacman. Install them by hand"
    if status == "busy":
        return (
            f"{host}: another process has been installing packages for too long "
            f"({report.get('detail', '')}). See `ps aux | grep -e apt -e dpkg -e dnf -e pacman` there, then run again"
        )
    return f"{host}: {needed or 'python3'} could not be installed: {said}"


class ActionModule(ActionBase):  # type: ignore[misc]
    """Report what a server lacks for Ansible's modules, and install it."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """One round trip as the login user; a second one, as root, only when that user may not install."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        host = str((task_vars or {}).get("inventory_hostname", "the server"))
        become = self._connection.become
        wants_sudo = become is not None and become.name.rpartition(".")[2] == "sudo"
        wait = int(self._task.args.get("lock_timeout", 300))
        install = not self._task.check_mode
        report, said = self._ask(script(wants_sudo=wants_sudo, install=install, wait=wait), become=False)
        if report.get("status") == "not-root" and become is not None and not (wants_sudo and report.get("sudo") == ""):
            report, said = self._ask(script(wants_sudo=False, install=install, wait=wait), become=True)
        if not report:
            return {**result, "failed": True, "msg": f"{host} did not answer as a shell does: {said}"}
        return {**result, **self._verdict(report, said, host, wants_sudo=wants_sudo)}

    def _ask(self, text: str, *, become: bool) -> tuple[dict[str, str], str]:
        command = f"{self._compute_environment_string()} /bin/sh -c {shlex.quote(text)}".strip()
        answer = self._low_level_execute_command(command, sudoable=become)
        said = (answer.get("stderr") or answer.get("stdout") or "").strip().splitlines()
        return parse_report(answer.get("stdout", "")), " / ".join(said[-4:])

    def _verdict(self, report: dict[str, str], said: str, host: str, *, wants_sudo: bool) -> dict[str, Any]:
        status = report.get("status", "")
        installed = [name for name in report.get("installed", "").split(",") if name]
        missing = [name for name in report.get("needed", "").split(",") if name]
        found: dict[str, Any] = {
            "bare": not report.get("python"),
            "python": report.get("python") or None,
            "installed": installed,
            "missing": missing,
            "changed": bool(installed) or (self._task.check_mode and bool(missing)),
        }
        if wants_sudo and report.get("uid") != "0" and report.get("sudo") == "":
            return {**found, "failed": True, "msg": explain({**report, "status": "no-sudo"}, said, host)}
        if status not in ("ready", "planned"):
            return {**found, "failed": True, "msg": explain(report, said, host)}
        version = tuple(int(part) for part in report.get("version", "").split(".")[:2] if part.isdigit())
        if version and version < OLDEST:
            text = f"{host} has Python {report['version']}; {OLDEST[0]}.{OLDEST[1]} or newer is needed"
            return {**found, "failed": True, "msg": text}
        return found
