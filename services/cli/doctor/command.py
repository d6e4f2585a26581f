"""The command `doctor`: prints what every check found; exit status 1 when one is an error."""

import argparse
import os
from collections import Counter

from rich.cells import cell_len

from services.cli.doctor.checks import examine
from services.cli.doctor.checks.finding import Finding, Status
from services.cli.doctor.gather import gather
from services.cli.doctor.repair import run_repair
from services.cli.options import Commands, add_command
from services.cli.terminal import Terminal
from shared.messages.message import say, stored
from shared.messages.render import told
from shared.settings import Settings

STATUSES: tuple[Status, ...] = ("error", "warning", "unknown", "ok")


def add_commands(commands: Commands) -> None:
    doctor = add_command(commands, "doctor", say("help-doctor-row"))
    doctor.add_argument("--repair", action="store_true", help=stored(say("help-repair-row")))
    doctor.add_argument("--yes", action="store_true", help=stored(say("help-yes-row")))
    doctor.set_defaults(run=run_doctor)


def run_doctor(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    if arguments.repair:
        return run_repair(settings, terminal, agreed=arguments.yes)
    with terminal.waiting(say("doctor-looks-row")):
        findings = examine(gather(settings, os.environ))
    terminal.emit([_told(finding) for finding in findings])
    for line in report_lines(findings):
        terminal.say(line)
    return 1 if any(finding.status == "error" for finding in findings) else 0


def report_lines(findings: list[Finding]) -> list[str]:
    """A line for each check, its remedy below it, and a count at the end."""
    width = max(len(finding.id) for finding in findings)
    words = {status: told(say("doctor-status-label", status=status)) for status in STATUSES}
    before = max(7, *map(cell_len, words.values())) + 1
    lines = []
    for finding in findings:
        word = words[finding.status]
        status = word + " " * (before - cell_len(word))
        lines.append(f"{status}{finding.id:<{width}}  {told(finding.message)}")
        if finding.remedy:
            lines.append(f"{'':<{before + width}}  → {told(finding.remedy)}")
    counts = Counter(finding.status for finding in findings)
    named = [say("doctor-count-piece", count=counts[one], status=one) for one in STATUSES if counts[one]]
    return [*lines, "", ", ".join(map(told, named))]


def _told(finding: Finding) -> dict[str, str | None]:
    """For programs; its sentences are in the reader's language."""
    remedy = told(finding.remedy) if finding.remedy else None
    return {"id": finding.id, "status": finding.status, "message": told(finding.message), "remedy": remedy}
