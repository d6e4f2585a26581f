"""The checks of a training: pure questions to its facts, each about one cause of slow steps."""

from services.worker.explaining.checks import arithmetic, waste
from services.worker.explaining.checks.finding import TrainingCheck
from shared.reports.finding import Finding
from shared.reports.training_facts import TrainingFacts

CHECKS: tuple[TrainingCheck, ...] = (*waste.CHECKS, *arithmetic.CHECKS)


def run_checks(facts: TrainingFacts) -> tuple[Finding, ...]:
    """All findings, those first that save the most of a step."""
    found = [finding for check in CHECKS if (finding := check.run(facts)) is not None]
    gravity = {"error": 0, "warning": 1, "info": 2}
    return tuple(
        sorted(found, key=lambda finding: (gravity[finding.severity], -(finding.saves_seconds or 0.0)))
    )


def checks_table() -> list[tuple[str, str, str]]:
    """(id, gravest severity, what it finds) of every check; docs/checks.md is tested against it."""
    return [(check.id, check.severity, check.finds) for check in CHECKS]
