"""The command `doctor`: prints what every check found; exit status 1 when one is an error."""

import argparse
import os
from collections import Counter

from services.cli.doctor.checks import examine
from services.cli.doctor.checks.finding import Finding
from services.cli.doctor.gather import gather
from services.cli.options import Commands, add_command
from services.cli.terminal import Terminal
from shared.settings import Settings


def add_commands(commands: Commands) -> None:
    doctor = add_command(commands, "doctor", "find out what is wrong with this installation, and what to do")
    doctor.set_defaults(run=run_doctor)


def run_doctor(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    with terminal.waiting("looking at the installation"):
        findings = examine(gather(settings, os.environ))
    terminal.emit([finding.model_dump() for finding in findings])
    for line in report_lines(findings):
        terminal.say(line)
    return 1 if any(finding.status == "error" for finding in findings) else 0


def report_lines(findings: list[Finding]) -> list[str]:
    """A line for each check, its remedy below it, and a count at the end."""
    width = max(len(finding.id) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{finding.status:<8}{finding.id:<{width}}  {finding.message}")
        if finding.remedy:
            lines.append(f"{'':<{8 + width}}  → {finding.remedy}")
    counts = Counter(finding.status for finding in findings)
    named = [
        f"{counts[status]} {status}" for status in ("error", "warning", "unknown", "ok") if counts[status]
    ]
    return [*lines, "", ", ".join(named)]
