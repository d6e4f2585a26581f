"""The checks that found nothing, and those that could not be asked, with the reason."""

from dataclasses import dataclass

from shared.messages.render import told
from shared.reports.training import TrainingReport


@dataclass(frozen=True)
class CheckRow:
    id: str
    words: str


@dataclass(frozen=True)
class ChecksDone:
    passed: tuple[CheckRow, ...]
    not_checked: tuple[CheckRow, ...]


def checks_done(report: TrainingReport) -> ChecksDone:
    rows = [(check.outcome, CheckRow(check.id, told(check.words))) for check in report.checks]
    return ChecksDone(
        passed=tuple(row for outcome, row in rows if outcome == "passed"),
        not_checked=tuple(row for outcome, row in rows if outcome == "not_checked"),
    )
